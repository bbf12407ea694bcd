from django.db import migrations

# Deployments from before whose run held a claim went through the gate. Apart from the columns: those are added under a
# lock that keeps all readers out, and this takes as long as there are rows.
BY_CLAIM = """
    update deployments_deployment d set gate = 'claim'
    from deployments_deploymentconfig g, locks_claim c
    where d.gate = 'ungated' and g.id = d.config_id and d.run <> ''
        and c.service_id = g.service_id and c.environment_id = g.environment_id
        and c.run = d.provider || ':' || d.run || ':' || d.attempt
"""


class Migration(migrations.Migration):
    dependencies = [("deployments", "0003_deployment_gate"), ("locks", "0006_bound")]

    operations = [migrations.RunSQL(BY_CLAIM, migrations.RunSQL.noop)]
