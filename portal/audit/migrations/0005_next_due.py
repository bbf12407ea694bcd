from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    """Beside those who write: there may be very many events."""

    atomic = False

    dependencies = [("audit", "0004_targets")]

    operations = [
        AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["due_at", "id"], name="delivery_next", condition=models.Q(state__in=["pending", "sending"])
            ),
        ),
        AddIndexConcurrently(
            "delivery",
            models.Index(
                fields=["subscriber", "stream"], name="delivery_sending", condition=models.Q(state="sending")
            ),
        ),
        RemoveIndexConcurrently("delivery", "delivery_due"),
        # However many wait in one stream: whoever took them all for one would not ask the index of streams.
        migrations.RunSQL(
            "alter table audit_delivery alter column stream set (n_distinct = -0.2)",
            "alter table audit_delivery alter column stream reset (n_distinct)",
        ),
    ]
