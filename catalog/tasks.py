from celery import shared_task

from catalog import compute
from catalog.commands import migrations_run, timers_expire
from catalog.commands.indexes import indexes_settle
from catalog.tables.kept import sorted_or_grouped
from portal.audit.wake import wake


@shared_task(name="catalog.index")
def index() -> None:
    indexes_settle(sorted_or_grouped())


@shared_task(name="catalog.sweep")
def sweep() -> None:
    if compute.sweep():
        wake("catalog.sweep")


@shared_task(name="catalog.check")
def check() -> None:
    compute.check()


@shared_task(name="catalog.migrate")
def migrate() -> None:
    if migrations_run():
        wake("catalog.migrate")


@shared_task(name="catalog.expire")
def expire() -> None:
    if timers_expire():
        wake("catalog.expire")
