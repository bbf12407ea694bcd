from django.db import migrations, models


# What had run out before anybody kept an eye on it is told to nobody.
RUNNING = """
insert into catalog_timer (blueprint, entity, property, value, due_at, expired_at)
select e.blueprint_id, e.id, declared.key, e.properties ->> declared.key, due.at,
    case when due.at <= statement_timestamp() then statement_timestamp() end
from catalog_blueprint b
cross join jsonb_each(b.schema -> 'properties') as declared (key, value)
join catalog_entity e on e.blueprint_id = b.id and e.properties ? declared.key
cross join least(greatest(pc_ts(e.properties -> declared.key), '1000-01-01'::timestamptz), '9999-12-30'::timestamptz) as due (at)
where declared.value ->> 'format' = 'timer' and pc_ts(e.properties -> declared.key) is not null
"""


class Migration(migrations.Migration):

    dependencies = [
        ('catalog', '0012_self_check'),
    ]

    operations = [
        migrations.AlterField(
            model_name='migration',
            name='kind',
            field=models.CharField(choices=[('map', 'entities into another blueprint'), ('move', 'values to another name'), ('fill', 'a default for what is required'), ('arm', 'timers of a property that has become one'), ('delete', 'all entities')], max_length=10),
        ),
        migrations.CreateModel(
            name='Timer',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('blueprint', models.BigIntegerField()),
                ('entity', models.BigIntegerField()),
                ('property', models.CharField(max_length=100)),
                ('value', models.TextField()),
                ('due_at', models.DateTimeField()),
                ('expired_at', models.DateTimeField(null=True)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('expired_at', None)), fields=['due_at', 'id'], name='timer_due'), models.Index(fields=['blueprint', 'property'], name='timer_blueprint')],
                'constraints': [models.UniqueConstraint(fields=('entity', 'property', 'due_at'), name='timer_once')],
            },
        ),
        migrations.RunSQL(RUNNING, migrations.RunSQL.noop),
    ]
