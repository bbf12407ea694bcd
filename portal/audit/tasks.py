from celery import shared_task

from portal.audit.outbox import deliver_due


@shared_task(name="audit.deliver")
def deliver() -> None:
    deliver_due()
