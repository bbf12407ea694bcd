from django.db import migrations

# Requests from before, which all were taken in. Apart from the columns, as this takes as long as there are rows.
OUTCOMES = """
    update deployments_reportrequest set
        outcome = case when deployment_id is null and inbox_item_id is not null then 'inbox' else 'created' end,
        service = left(coalesce(body ->> 'service', ''), 200),
        environment = left(coalesce(body ->> 'environment', ''), 200)
    where outcome = ''
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0008_ingest_log")]

    operations = [migrations.RunSQL(OUTCOMES, migrations.RunSQL.noop)]
