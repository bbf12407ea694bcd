from celery import shared_task
from django.conf import settings

from deployments.commands import deployments_roll_up, requests_forget, watches_look


@shared_task(name="deployments.forget")
def forget() -> None:
    requests_forget()


@shared_task(name="deployments.roll_up")
def roll_up() -> None:
    deployments_roll_up(settings.KEEP_DEPLOYMENTS)


@shared_task(name="deployments.watch")
def watch() -> None:
    watches_look()
