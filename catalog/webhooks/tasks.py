from celery import shared_task

from catalog.webhooks.commands import received_forget


@shared_task(name="webhooks.forget")
def forget() -> None:
    received_forget()
