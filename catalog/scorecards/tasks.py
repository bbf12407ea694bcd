from celery import shared_task

from catalog.scorecards.commands import levels_compare


@shared_task(name="scorecards.compare")
def compare() -> None:
    levels_compare()
