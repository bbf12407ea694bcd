from celery import shared_task

from deployments.environments.commands import environments_tick
from deployments.environments.orphans import look
from deployments.environments.worker import work_due


@shared_task(name="environments.work")
def work() -> None:
    work_due()


@shared_task(name="environments.tick")
def tick() -> None:
    environments_tick()


@shared_task(name="environments.look")
def look_for_orphans() -> None:
    look()
