from celery import shared_task

from portal.audit.outbox import deliver_due
from portal.audit.retention import deliveries_forget


@shared_task(name="audit.deliver")
def deliver() -> None:
    deliver_due()


@shared_task(name="audit.forget")
def forget() -> None:
    deliveries_forget()
