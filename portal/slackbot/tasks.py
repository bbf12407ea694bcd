from celery import shared_task

from portal.slackbot.inbound import inbound_forget, inbound_work
from portal.slackbot.waiting import watches_keep


@shared_task(name="slackbot.work")
def work() -> None:
    inbound_work()


@shared_task(name="slackbot.forget")
def forget() -> None:
    inbound_forget()


@shared_task(name="slackbot.wait")
def wait() -> None:
    watches_keep()
