import signal
import threading
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from portal.slackbot.socket import listen


class Command(BaseCommand):
    help = "Takes what comes from Slack over a socket (Socket Mode), until it is stopped."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.SLACK_APP_TOKEN or not settings.SLACK_BOT_TOKEN:
            raise CommandError("Set PORTCULLIS_SLACK_APP_TOKEN and PORTCULLIS_SLACK_TOKEN; see docs/slack.md.")
        over = threading.Event()
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, lambda *_: over.set())
        with listen():
            self.stdout.write("Listening to Slack.")
            over.wait()
