import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("actions", "0001_initial")]

    operations = [
        migrations.AddField(
            "run",
            "creator_scopes",
            django.contrib.postgres.fields.ArrayField(models.CharField(max_length=20), null=True, size=None),
        ),
    ]
