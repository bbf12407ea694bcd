import socketserver
import threading

import pytest
from django.utils import timezone

from portal.audit import outbox
from portal.audit.models import Delivery, Pause
from portal.embedded.mock_slack import MockSlack
from portal.notifications.models import Route


@pytest.fixture
def slack(settings):
    with MockSlack() as slack:
        settings.SLACK_API_URL, settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = slack.url, "xoxb-test", "general"
        yield slack


@pytest.fixture
def only(db):
    """Of the portal's own routes none is on: `only({...})` makes the one that is asked about."""
    from portal.notifications.commands import route_create
    from tests.conftest import SETUP

    Route.objects.all().delete()
    return lambda **more: route_create({"name": "It", "events": ["lock.*"], "to": "place"} | more, by=SETUP)


def later(times=1):
    """Whatever waits is due, and nobody asks anybody to wait."""
    for _ in range(times):
        Pause.objects.all().delete()
        Delivery.objects.filter(state="pending").update(due_at=timezone.now())
        outbox.deliver_due()


def told(**of):
    """The notifications, without the deliveries that found out where to."""
    return list(Delivery.objects.exclude(target="").filter(**of).order_by("id"))


class Mail(socketserver.StreamRequestHandler):
    """Enough of SMTP for Django to be rid of a letter. `server.answers` are what it says next to a letter's end."""

    def handle(self):
        self.say("220 here")
        while line := self.rfile.readline():
            word = line.split()[0].upper() if line.split() else b""
            if word == b"DATA":
                self.say("354 go on")
                letter = self.letter()
                answer = self.server.answers.pop(0) if self.server.answers else "250 taken"
                if not answer.startswith("5") and not answer.startswith("4"):
                    self.server.letters.append(letter)
                if answer == "drop":
                    return
                self.say(answer)
            elif word == b"QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 yes")

    def letter(self):
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        return b"".join(lines)

    def say(self, text):
        self.wfile.write(f"{text}\r\n".encode())


class MailServer(socketserver.ThreadingTCPServer):
    daemon_threads, allow_reuse_address = True, True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Mail)
        self.letters, self.answers = [], []

    def handle_error(self, request, client_address):
        pass


@pytest.fixture
def post(settings):
    """A mail server at the socket: `post.letters`."""
    with MailServer() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        settings.EMAIL_HOST, settings.EMAIL_PORT = server.server_address
        settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        yield server
        server.shutdown()
