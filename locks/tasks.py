from celery import shared_task

from locks.commands import lock_expiries_tell


@shared_task(name="locks.expire")
def expire() -> None:
    lock_expiries_tell()
