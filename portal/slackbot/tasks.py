from celery import shared_task

from portal.slackbot.inbound import inbound_work
from portal.slackbot.waiting import watches_keep


@shared_task(name="slackbot.work")
def work() -> None:
    inbound_work()


@shared_task(name="slackbot.wait")
def wait() -> None:
    watches_keep()
