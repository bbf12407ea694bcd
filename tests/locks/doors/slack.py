"""A Slack at the socket, and somebody who sits before it; what it sends is answered in the transaction of the test."""

from functools import cache

from django.test import override_settings

from portal.embedded.mock_slack import MockSlack
from portal.slackbot.models import Member
from tests.locks.doors.door import DONE, HELD, REASON, REFUSED, WHY, Door, filled
from tests.slackbot.conftest import SECRET, Sitting

TAKE, UNLOCK = f"lock checkout production 2h {REASON}", "unlock checkout production"

DEEDS = {
    "ask the gate": ("types", "check checkout production"),
    "read locks": ("types", "locks all"),
    "take a lock": ("types", TAKE),
    "take another's lock over": ("types", TAKE),
    "take another's lock over, by force": ("presses", "lock_over", {"steal": ["over"], "reason": REASON}),
    "take another's lock over, by force, silent": ("presses", "lock_over", {"steal": ["over"], "reason": ""}),
    "release one's own lock": ("presses", "lock_release"),
    "release another's lock, by force": ("types", f"{UNLOCK} {REASON}"),
    "release another's lock, by force, silent": ("types", UNLOCK),
    "extend one's own lock": ("presses", "lock_extend"),
    "extend another's lock": ("presses", "lock_extend"),
    "ask to pass another's lock": ("presses", "glass_break", {"commit": "4f2a9c1", "reason": REASON}),
}
HEARD = {
    "is already locked by": HELD,
    "ay why": WHY,
    "may not": REFUSED,
    "You are a guest": REFUSED,
}


@cache
def workspace():
    slack = MockSlack()
    return slack.__enter__()


def ask(who, how, what):
    slack = workspace()
    with override_settings(SLACK_API_URL=slack.url, SLACK_BOT_TOKEN="xoxb-door", SLACK_SIGNING_SECRET=SECRET):
        Member.objects.all().delete()
        somebody = Sitting(slack, who.user.email) if who.user else Sitting(slack, "gus@a.example", is_restricted=True)
        slack.workspace.forms.clear()
        return heard(somebody, *filled(how, what), what)


def heard(somebody, way, first, *rest):
    *values, what = rest
    if way == "types":
        return answer_in(somebody.types(first).text)
    told = somebody.presses(first, what.public_id if what else "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708").text
    if not values or not somebody.form:
        return answer_in(told)
    return answer_in(" ".join(somebody.sends(**values[0]).get("errors", {}).values()))


def answer_in(text):
    return next((answer for words, answer in HEARD.items() if words in text), DONE)


# Each asks a server at a socket: a stranger, an owner, an administrator.
SLACK = Door("slack", DEEDS, ask, for_people=True, enough=frozenset({"charlie", "bob", "alice"}))
