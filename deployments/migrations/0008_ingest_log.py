from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('deployments', '0007_log_source'),
    ]

    operations = [
        migrations.AddField(
            model_name='reportrequest',
            name='answer',
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='door',
            field=models.CharField(choices=[('report', 'Report'), ('batch', 'Batch'), ('webhook', 'Webhook'), ('entity', 'Entity')], db_default='report', max_length=10),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='environment',
            field=models.CharField(db_default='', max_length=200),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='headers',
            field=models.JSONField(db_default=models.Value({}, models.JSONField())),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='is_backfill',
            field=models.BooleanField(db_default=False),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='late_by',
            field=models.BigIntegerField(null=True),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='outcome',
            field=models.CharField(choices=[('waiting', 'Waiting'), ('created', 'Created'), ('advanced', 'Advanced'), ('repeated', 'Repeated'), ('late', 'Late'), ('conflicting', 'Conflicting'), ('refused', 'Refused'), ('inbox', 'Inbox'), ('ignored', 'Ignored')], db_default='', max_length=12),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='replayed_at',
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='replayed_by',
            field=models.CharField(db_default='', max_length=254),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='sender',
            field=models.CharField(db_default='', max_length=254),
        ),
        migrations.AddField(
            model_name='reportrequest',
            name='service',
            field=models.CharField(db_default='', max_length=200),
        ),
        migrations.AlterField(
            model_name='reportrequest',
            name='body',
            field=models.JSONField(null=True),
        ),
        migrations.AlterField(
            model_name='reportrequest',
            name='key',
            field=models.CharField(max_length=255, null=True),
        ),
        migrations.AddIndex(
            model_name='reportrequest',
            index=models.Index(fields=['service', 'id'], name='report_request_service'),
        ),
        migrations.AddIndex(
            model_name='reportrequest',
            index=models.Index(condition=models.Q(('outcome__in', ['', 'created', 'advanced', 'repeated']), _negated=True), fields=['outcome', 'id'], name='report_request_unusual'),
        ),
    ]
