from celery import shared_task

from locks.commands import (
    claims_lapse,
    freezes_lay,
    freezes_tell,
    holds_release,
    lines_advance,
    lock_expiries_tell,
    locks_remind,
    pending_deployments_advance,
)


@shared_task(name="locks.expire")
def expire() -> None:
    lock_expiries_tell()
    holds_release()
    locks_remind()
    freezes_tell()
    claims_lapse()
    lines_advance()
    pending_deployments_advance()


@shared_task(name="locks.lay")
def lay() -> None:
    freezes_lay()
