"""What comes from Slack: kept and acknowledged within its three seconds, worked on after that, lost never.

The deed, what it records and the answers that Slack is owed are one transaction; the answers are sent after it. A
process that dies anywhere leaves a row behind that another takes up: the deed is not done twice, an answer may come
twice. What has waited for longer than Slack takes answers is not done at all: nobody would hear of it.
"""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from time import monotonic
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from portal.audit.subscribers import Hopeless, RetryLater
from portal.audit.wake import wake
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, PortalError
from portal.kit.locking import retried
from portal.kit.seal import seal, unseal
from portal.slackbot import client, people
from portal.slackbot.blocks import Json, escape, is_sound, section
from portal.slackbot.models import Inbound
from portal.slackbot.people import Who

logger = logging.getLogger(__name__)
State = Inbound.State

TASK = "slackbot.work"
MOST_TRIES = 8
KEPT = timedelta(days=2)  # so long Slack may send it again


@dataclass(frozen=True)
class Call:
    """One of Slack's methods, or `respond`, with its arguments."""

    method: str
    arguments: Json


@dataclass(frozen=True)
class Asked:
    """Something that came, and who did it. `trace` goes on all that is done for it."""

    kind: str
    payload: Json
    who: Who
    trace: UUID
    came_at: datetime

    def tell(self, text: str, blocks: list[Json] | None = None) -> Call:
        """To him alone: beside what he did, or, where that has no place to answer at, in a message of his own."""
        body: Json = {"text": text, "blocks": blocks or [section(text)]}
        url = self.payload.get("response_url")
        if url:
            return Call(client.RESPOND, body | {"url": url, "response_type": "ephemeral", "replace_original": False})
        return Call("chat.postMessage", body | {"channel": self.who.slack_id, "unfurl_links": False})

    @property
    def is_at_home(self) -> bool:
        """It was done on his Home page, or in a form that was opened there."""
        view = self.payload.get("view") or {}
        return view.get("type") == "home" or '"home": true' in str(view.get("private_metadata"))

    def meta(self) -> Json:
        """What a form has to know of where it was opened."""
        if self.is_at_home:
            return {"home": True}
        return {"url": url} if (url := self.payload.get("response_url")) else {}

    def open(self, view: Json) -> Call:
        """Slack opens a form within three seconds of what asks for it; after that he is told so."""
        late = self.tell("That took too long for a form: Slack waits three seconds. Do it once more.")
        trigger = {"trigger_id": self.payload.get("trigger_id", ""), "view": view}
        return Call("views.open", trigger | {"late": [late.method, late.arguments]})


Handler = Callable[[Asked], list[Call]]
HANDLERS: dict[str, Handler] = {}


def handles(kind: str) -> Callable[[Handler], Handler]:
    def known(handler: Handler) -> Handler:
        HANDLERS[kind] = handler
        return handler

    return known


def key_of(kind: str, body: Json) -> str:
    """Slack's name for it: the same when it is sent again, another when somebody does the same once more."""
    if kind == "event":
        name = body.get("event_id")
    elif kind == "view":
        name = (body.get("view") or {}).get("id")
    else:
        name = body.get("trigger_id")
    name = name or sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
    return f"{kind}:{name}"[:200]


@transaction.atomic
def inbound_take(kind: str, body: Json) -> bool:
    """Keeps it for a worker. False for what came before."""
    kept = Inbound(key=key_of(kind, body), kind=kind, sealed=seal(json.dumps(body)))
    known = Inbound.objects.filter(key=kept.key).exists()
    if not known:
        Inbound.objects.bulk_create([kept], ignore_conflicts=True)
        transaction.on_commit(partial(wake, TASK), robust=True)
    return not known


def inbound_work(seconds: float = 5.0) -> bool:
    """Works on what is due, for about so long; whether there may be more. Any number of workers may."""
    until = monotonic() + seconds
    while monotonic() < until:
        row = _claimed(database_now())
        if row is None:
            return False
        _advance(row)
    return True


@transaction.atomic
def _claimed(now: datetime) -> Inbound | None:
    free = Q(held_until=None) | Q(held_until__lte=now)
    due = Inbound.objects.filter(free, state__in=Inbound.UNFINISHED, due_at__lte=now)
    row = due.select_for_update(skip_locked=True).order_by("due_at", "id").first()
    if row:
        row.held_until, row.attempts = now + Inbound.LEASE, row.attempts + 1
        row.save(update_fields=["held_until", "attempts"])
    return row


def _advance(row: Inbound) -> None:
    try:
        if row.state == State.WAITING:
            if row.came_at + Inbound.LIFE <= database_now():
                raise Hopeless("It waited for longer than Slack takes answers, and was not done.")
            payload = _opened(row.sealed)
            who = people.who(slack_id_of(row.kind, payload))
            row = _decided(row.pk, payload, who)
        _send(row)
    except RetryLater as reason:
        _put_off(row, str(reason), reason.after)
    except (Hopeless, Conflict) as reason:
        _end(row, State.LOST, str(reason))
    except Exception as error:
        logger.exception("What came from Slack failed: %s", row)
        _put_off(row, f"{type(error).__name__}: {error}", None)
    else:
        _end(row, State.DONE)


@retried
@transaction.atomic
def _decided(pk: int, payload: Json, who: Who) -> Inbound:
    """Does it, and writes down what Slack is to be told. Whoever comes second finds it done."""
    row = Inbound.objects.select_for_update().get(pk=pk)
    if row.state == State.WAITING:
        answers = answered(Asked(row.kind, payload, who, row.trace, row.came_at))
        row.answers = seal(json.dumps([[each.method, each.arguments] for each in answers]))
        row.state, row.sealed = State.DECIDED, ""
        row.save(update_fields=["answers", "state", "sealed"])
    return row


def answered(asked: Asked) -> list[Call]:
    """What is refused is told to him who asked, and leaves nothing behind."""
    try:
        with transaction.atomic():
            check(asked.payload)
            return HANDLERS[asked.kind](asked)
    except PortalError as error:
        return [asked.tell(sentence(error))] if asked.kind != "event" else []


def sentence(error: PortalError) -> str:
    """Of several faults each; what people wrote in them cannot call anybody."""
    faults = error.details.get("errors") or []
    texts = [_fault(each) for each in faults] or [error.message]
    return escape(" ".join(texts)[:2000])


def _fault(fault: Json) -> str:
    text = f"{fault['path'].replace('_', ' ')} {fault['message']}".strip()
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")


def check(payload: Any) -> None:
    """Raises Invalid for text that nothing here can hold."""
    if isinstance(payload, str):
        if not is_sound(payload):
            raise Invalid("The text holds U+0000 or half of a character, which nothing here can hold.")
    elif isinstance(payload, dict):
        for value in payload.values():
            check(value)
    elif isinstance(payload, list):
        for value in payload:
            check(value)


def slack_id_of(kind: str, payload: Json) -> str:
    user = (
        (payload.get("event") or {}).get("user") if kind == "event" else payload.get("user") or payload.get("user_id")
    )
    return str((user.get("id") if isinstance(user, dict) else user) or "")[:40]


def _send(row: Inbound) -> None:
    calls = _opened(row.answers)
    for number, (method, arguments) in enumerate(calls):
        if number < row.sent:
            continue
        client.send(method, arguments)
        row.sent = number + 1
        Inbound.objects.filter(pk=row.pk).update(sent=row.sent)


def _opened(sealed: str) -> Any:
    return json.loads(unseal(sealed))


def _put_off(row: Inbound, reason: str, after: float | None) -> None:
    now = database_now()
    wait = min(after if after is not None else 2.0**row.attempts, 600.0)
    if row.attempts >= MOST_TRIES or row.came_at + Inbound.LIFE <= now:
        return _end(row, State.LOST, reason)
    Inbound.objects.filter(pk=row.pk, held_until=row.held_until).update(
        due_at=now + timedelta(seconds=wait), held_until=None, fault=reason[:500]
    )


def _end(row: Inbound, state: str, fault: str = "") -> None:
    """What was said is forgotten; its name is kept, for when Slack sends it again."""
    if fault:
        logger.warning("%s came to nothing: %s", row, fault)
    changes = {"state": state, "fault": fault[:500], "done_at": database_now(), "held_until": None}
    Inbound.objects.filter(pk=row.pk).update(**changes, sealed="", answers="")


def inbound_forget() -> None:
    Inbound.objects.filter(came_at__lt=database_now() - KEPT).exclude(state__in=Inbound.UNFINISHED).delete()
