from celery import shared_task

from deployments.commands import requests_forget


@shared_task(name="deployments.forget")
def forget() -> None:
    requests_forget()
