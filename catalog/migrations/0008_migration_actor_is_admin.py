from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0007_moving'),
    ]

    operations = [
        migrations.AddField(
            model_name='migration',
            name='actor_is_admin',
            field=models.BooleanField(default=False),
        ),
    ]
