
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0005_feed'),
    ]

    operations = [
        migrations.AddField(
            model_name='credential',
            name='creates_services',
            field=models.BooleanField(db_default=False, default=False, help_text='A service that it reports and the catalog does not know is made; otherwise its reports wait in the inbox.', verbose_name='makes unknown services'),
        ),
    ]
