"""Properties that are marked for indexes of their own; and the function that such an index holds of a value."""

import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

# A row of an index has room for some 2,700 bytes.
SHARE = """
create function pc_share(value jsonb) returns jsonb
language sql immutable strict parallel safe
return case when length(value::text) <= 500 then value else to_jsonb(left(value #>> '{}', 100) || '…') end
"""


class Migration(migrations.Migration):
    dependencies = [("catalog", "0004_blueprint_extra")]

    operations = [
        migrations.RunSQL(SHARE, "drop function pc_share(jsonb)"),
        migrations.CreateModel(
            name="IndexedProperty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("property", models.CharField(max_length=100)),
                ("for_views", models.BooleanField(default=False, editable=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False),
                ),
                (
                    "blueprint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="indexed", to="catalog.blueprint"
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "indexed properties",
                "ordering": ["blueprint", "property"],
                "constraints": [models.UniqueConstraint(fields=("blueprint", "property"), name="indexed_once")],
            },
        ),
    ]
