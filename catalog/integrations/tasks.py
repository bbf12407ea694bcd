from celery import shared_task

from catalog.integrations.commands import reports_forget


@shared_task(name="integrations.forget")
def forget() -> None:
    reports_forget()
