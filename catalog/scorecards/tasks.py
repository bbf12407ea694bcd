from celery import shared_task

from catalog.scorecards.commands import levels_compare, results_sweep
from portal.audit.wake import wake


@shared_task(name="scorecards.compare")
def compare() -> None:
    levels_compare()
    if results_sweep():
        wake("scorecards.compare")
