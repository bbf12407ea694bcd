from celery import shared_task
from django.conf import settings

from deployments.commands import deployments_roll_up, requests_forget


@shared_task(name="deployments.forget")
def forget() -> None:
    requests_forget()


@shared_task(name="deployments.roll_up")
def roll_up() -> None:
    deployments_roll_up(settings.KEEP_DEPLOYMENTS)
