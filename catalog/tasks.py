from celery import shared_task

from catalog.commands.indexes import indexes_settle
from catalog.tables.kept import sorted_or_grouped


@shared_task(name="catalog.index")
def index() -> None:
    indexes_settle(sorted_or_grouped())
