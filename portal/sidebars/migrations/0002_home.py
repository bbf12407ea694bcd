from django.db import migrations

HOME = {"identifier": "$home", "type": "home", "title": "Home", "widgets": []}


def make_home(apps, schema_editor):
    apps.get_model("sidebars", "Item").objects.create(
        kind="page", identifier="$home", definition=HOME, created_by="setup", updated_by="setup"
    )


class Migration(migrations.Migration):
    dependencies = [("sidebars", "0001_initial")]
    operations = [migrations.RunPython(make_home, migrations.RunPython.noop)]
