from celery import shared_task

from locks.commands import freezes_lay, freezes_tell, lock_expiries_tell


@shared_task(name="locks.expire")
def expire() -> None:
    lock_expiries_tell()
    freezes_tell()


@shared_task(name="locks.lay")
def lay() -> None:
    freezes_lay()
