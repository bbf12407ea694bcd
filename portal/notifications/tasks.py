from celery import shared_task

from portal.notifications.retention import threads_forget


@shared_task(name="notifications.forget")
def forget() -> None:
    threads_forget()
