"""Slack at the socket, and people who sit before it: Bob and Alice are known here, Dana has no account, Gus is a guest."""

import json
import re
from urllib.parse import urlencode

import pytest
from django.db import transaction
from django.test import Client

from catalog import queries as catalog
from portal.accounts.commands import team_create, user_create
from portal.accounts.models import User
from portal.embedded.mock_slack import MockSlack, signature
from portal.slackbot import people
from portal.slackbot.inbound import inbound_work
from portal.slackbot.models import Inbound, Member
from tests.conftest import SETUP, Shop, write

SECRET = "shhh"
CHANNEL = "C00000001"
FORM = "application/x-www-form-urlencoded"
ROLES = {"alice": "admin", "bob": "member", "charlie": "member"}


@pytest.fixture(scope="module")
def town(django_db_setup, django_db_blocker):
    """The shop and its people, made once for a file; each test undoes what it did."""
    with django_db_blocker.unblock(), transaction.atomic():
        write("environment", "production", properties={"tier": "production", "aliases": ["prod", "Live"]})
        write("environment", "staging", properties={"tier": "staging"})
        write("service", "checkout", title="Checkout", team=("payments",))
        write("service", "search", title="Search")
        people = {
            name: user_create(f"{name}@example.org", name.title(), password=None, role=role, by=SETUP)
            for name, role in ROLES.items()
        }
        team_create("payments", "Payments", members=[people["bob"]], by=SETUP)
        yield {name: each.pk for name, each in people.items()}
        transaction.set_rollback(True)


@pytest.fixture
def shop(town, db):
    places = ("checkout", "production"), ("checkout", "staging"), ("search", "production")
    return Shop(*(catalog.place(*each) for each in places))


@pytest.fixture
def alice(town, db):
    return User.objects.get(pk=town["alice"])


@pytest.fixture
def bob(town, db):
    return User.objects.get(pk=town["bob"])


@pytest.fixture
def charlie(town, db):
    return User.objects.get(pk=town["charlie"])


@pytest.fixture(scope="session")
def running():
    """One server for all; each test begins it anew."""
    with MockSlack() as slack:
        yield slack


@pytest.fixture
def slack(running, settings):
    running.begin_anew()
    settings.SLACK_API_URL, settings.SLACK_BOT_TOKEN, settings.SLACK_CHANNEL = running.url, "xoxb-test", "general"
    people._workspace.cache_clear()
    return running


class Told(list):
    """What he alone was told since, as readable text."""

    @property
    def text(self):
        return "\n".join(readable(each) for each in self)


class Sitting:
    """Somebody in Slack: `bob.types("locks all")`, `bob.presses("lock_release", lock.public_id)`; both give what he is told.

    What Slack sends goes to the portal in this very process; the workers do their part before the answer is read.
    """

    def __init__(self, slack, email, name="", **more):
        self.slack, self.space = slack, slack.workspace
        self.id = self.space.add_person(email, name or email.partition("@")[0].title(), **more)["id"]
        self.space.channels.setdefault(CHANNEL, "general")
        self.sender = slack.sends_to("", SECRET)
        self.sender.raw = self.post

    def post(self, body, kind, **headers):
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = signature(SECRET, body)
        self.last = Client().post("/slack/events", body, content_type=kind, headers=signed | named)
        return self.last

    def types(self, text, command="/portal"):
        return self._told(lambda: self.sender.command(self.id, text, CHANNEL, command))

    def presses(self, action, value, *, message=None, home=False):
        asked = {"action_id": action, "value": str(value)}
        return self._told(lambda: self.sender.press(self.id, asked, message=message, home=home))

    def sends(self, **values):
        """The form that is open, with these values put over its first ones; gives Slack's answer."""
        view = self.form
        state = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                state[block["block_id"]] = {block["block_id"]: filled(block["element"], values.get(block["block_id"]))}
        answer = self.sender.submit(view, state)
        self.answered = json.loads(answer.content or b"{}")
        if self.answered.get("response_action") == "update":
            self.space.call("views.update", {"view_id": view["id"], "view": self.answered["view"]})
        return self.answered

    def told_after(self, deed):
        return self._told(deed)

    def opens_home(self):
        self.sender.event({"type": "app_home_opened", "user": self.id, "tab": "home", "channel": "D0"})
        inbound_work()
        return readable(self.space.homes[self.id])

    def posts(self, *urls):
        links = [{"url": url, "domain": "127.0.0.1"} for url in urls]
        place = {"channel": CHANNEL, "message_ts": "1700000000.000100"}
        self.sender.event({"type": "link_shared", "user": self.id, "links": links} | place)
        inbound_work()
        return [blocks for each in self.space.unfurls for blocks in each["unfurls"].items()]

    @property
    def form(self):
        return self.space.newest_form(self.id)

    def _told(self, deed):
        before = len(self.space.whispers), len(self.space.messages)
        response = deed()
        assert response.status_code == 200, response.content
        inbound_work()
        mine = [each for each in self.space.whispers[before[0] :] if each["user"] == self.id]
        return Told(mine + [each for each in self.space.messages[before[1] :] if each["channel"] == self.id])


def filled(element, value):
    kind = element["type"]
    made = {"type": kind}
    if kind == "checkboxes":
        first = [each["value"] for each in element.get("initial_options", [])]
        return made | {"selected_options": [{"value": each} for each in (first if value is None else value)]}
    if kind in ("static_select", "external_select"):
        chosen = (element.get("initial_option") or {}).get("value") if value is None else value
        return made | {"selected_option": {"value": chosen} if chosen else None}
    if kind == "datetimepicker":
        return made | {"selected_date_time": value}
    return made | {"value": element.get("initial_value") if value is None else value}


def readable(shown):
    """A message, a form or a Home page as lines: [buttons] in brackets, instants as «then», addresses left out."""
    lines = [line for block in shown.get("blocks") or [] for line in lines_of(block)] or [shown.get("text", "")]
    text = "\n".join(lines)
    text = re.sub(r"<!date\^\d+\^[^|]*\|[^>]*>", "«then»", text)
    text = re.sub(r"<https?://[^|>]+\|([^>]*)>", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def lines_of(block):
    kind = block["type"]
    if kind == "divider":
        return ["---"]
    if kind == "header":
        return [f"# {block['text']['text']}"]
    if kind == "input":
        return [f"{block['label']['text']}: {block['element']['type']}"]
    if kind == "actions":
        return [" ".join(f"[{each['text']['text']}]" for each in block["elements"])]
    if kind == "context":
        return [each["text"] for each in block["elements"]]
    return block["text"]["text"].split("\n")


@pytest.fixture
def at_slack(slack, bob, alice, charlie, settings):
    """Everybody who sits before it, by name."""
    settings.SLACK_SIGNING_SECRET = SECRET
    Member.objects.all().delete()
    known = {name: Sitting(slack, f"{name}@example.org") for name in ("alice", "bob", "charlie", "dana")}
    known["gus"] = Sitting(slack, "gus@agency.example", "Gus", is_restricted=True)
    known["robot"] = Sitting(slack, "robot@example.org", "Robot", is_bot=True)
    return known


def posted(fields, *, secret=SECRET, at=None, headers=()):
    """A form as Slack posts it, signed with this secret at that second."""
    body = urlencode(fields).encode()
    return Client().post("/slack/events", body, content_type=FORM, headers=signature(secret, body, at) | dict(headers))


__all__ = ["CHANNEL", "FORM", "SECRET", "Inbound", "Sitting", "posted", "readable"]
