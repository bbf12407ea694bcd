from celery import shared_task

from portal.audit.wake import wake
from portal.github.imports import TASK, imports_run


@shared_task(name=TASK)
def run_imports() -> None:
    if imports_run():
        wake(TASK)
