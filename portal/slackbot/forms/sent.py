"""What is done with a form that was sent: at once, because Slack shows its faults only in its answer to that."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db import transaction

from portal.audit.subscribers import Hopeless, RetryLater
from portal.audit.wake import wake
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from portal.kit.ids import uuid7
from portal.kit.locking import advisory_lock, retried
from portal.kit.seal import seal
from portal.slackbot import people
from portal.slackbot.blocks import Json, cut
from portal.slackbot.forms.inputs import inputs_in, meta_of
from portal.slackbot.inbound import TASK, Asked, Call, check, key_of, sentence, slack_id_of
from portal.slackbot.models import Inbound

PATIENCE = 1.2  # seconds for each of two calls to Slack, of the three that it gives us


@dataclass(frozen=True)
class Outcome:
    """Done, with what Slack is told after that; or not, with the `faults` by field, or the form as it is asked again."""

    calls: list[Call] = field(default_factory=list)
    faults: dict[str, str] = field(default_factory=dict)
    again: Json | None = None

    @property
    def is_done(self) -> bool:
        return not self.faults and self.again is None


Sent = Callable[[Asked], Outcome]
FORMS: dict[str, Sent] = {}


def sends(name: str) -> Callable[[Sent], Sent]:
    def known(handler: Sent) -> Sent:
        FORMS[name] = handler
        return handler

    return known


def submitted(body: Json) -> Json:
    """The arguments of the acknowledgement. The same form sent twice is sent once: it closes."""
    view = body.get("view") or {}
    handler = FORMS.get(view.get("callback_id") or "")
    if handler is None:
        return {}
    try:
        who = people.who(slack_id_of("view", body), wait=PATIENCE)
    except (RetryLater, Hopeless):
        return _at_first(body, "Slack did not say in time who you are. Nothing was done; send it once more.")
    payload = body | ({"response_url": url} if (url := meta_of(body).get("url")) else {})
    try:
        return _kept(body, handler, Asked("view", payload, who, uuid7(), database_now()))
    except PortalError as error:
        return _at_first(body, sentence(error))


@retried
@transaction.atomic
def _kept(body: Json, handler: Sent, asked: Asked) -> Json:
    """The deed, and the row that says it is done and what Slack is owed, are one transaction."""
    key = key_of("view", body)
    advisory_lock("slack form", key)
    if Inbound.objects.filter(key=key).exists():
        return {}
    check(body.get("view", {}).get("state"))
    outcome = handler(asked)
    if outcome.faults:
        return {"response_action": "errors", "errors": outcome.faults}
    if outcome.again:
        return {"response_action": "update", "view": outcome.again}
    answers = json.dumps([[each.method, each.arguments] for each in outcome.calls])
    Inbound.objects.create(key=key, kind="view", trace=asked.trace, answers=seal(answers), state=Inbound.State.DECIDED)
    transaction.on_commit(partial(wake, TASK), robust=True)
    return {}


def _at_first(body: Json, text: str) -> dict[str, Any]:
    names = inputs_in(body)
    fault = {names[0]: cut(text, 2000)} if names else {}
    return {"response_action": "errors", "errors": fault}
