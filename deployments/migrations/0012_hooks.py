
import deployments.models.hooks
import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0011_happened'),
    ]

    operations = [
        migrations.CreateModel(
            name='Hook',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=100, unique=True)),
                ('kind', models.CharField(choices=[('github', 'GitHub: deployment, deployment_status, workflow_run'), ('gitlab', 'GitLab: deployment events'), ('cdevents', 'CDEvents: service deployed, upgraded, rolled back, removed'), ('signed', 'Reports as /v1/deployments takes them, signed with a secret')], max_length=10)),
                ('enabled', models.BooleanField(default=True)),
                ('secret', models.TextField(editable=False)),
                ('key', models.CharField(default=deployments.models.hooks.new_key, editable=False, max_length=64, unique=True)),
                ('creates_services', models.BooleanField(default=False, help_text='A service that it names and the catalog does not know is made; otherwise its reports wait in the inbox.', verbose_name='makes unknown services')),
                ('workflows', models.JSONField(blank=True, db_default=models.Value({}, models.JSONField()), default=dict)),
                ('created_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), editable=False)),
            ],
            options={
                'ordering': ['name', 'id'],
            },
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='hook',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to='deployments.hook'),
        ),
    ]
