from functools import lru_cache

from celery import shared_task

from deployments.health.commands import maintenance_settle, queue_mend, readings_forget, readings_roll_up
from deployments.health.prober import Prober
from portal.kit.clock import database_now

ROUND = 5.0  # seconds


@lru_cache(maxsize=1)
def prober() -> Prober:
    """One a process, whose calls outlive a round."""
    return Prober()


@shared_task(name="health.poll")
def poll() -> None:
    prober().run(ROUND, patience=1.5)


@shared_task(name="health.sweep")
def sweep() -> None:
    queue_mend()
    maintenance_settle(now=database_now())


@shared_task(name="health.roll_up")
def roll_up() -> None:
    now = database_now()
    readings_roll_up(now=now)
    readings_forget(now=now)
