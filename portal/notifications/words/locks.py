"""Locks: who holds what, until when, and which runs were stopped by it."""

from collections.abc import Sequence
from typing import Any

from catalog.permissions import ANYBODY
from deployments.queries import Blocked, blocked_by
from locks.models import Lock, ScopeKind
from locks.queries import reminder_is_stale
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import database_now, in_words
from portal.notifications.about import is_open
from portal.notifications.notice import Button, Items, Line, Link, Notice, Person, When, says
from portal.notifications.words.phrases import after, facts_of, moment, page

GROUP = "Locks"
MOST_RUNS = 6


def _holder(event: Event) -> str:
    found = Lock.objects.filter(public_id=event.noun_id).values_list("holder_key", flat=True).first()
    return found or ""


def _stale(event: Event) -> bool:
    return reminder_is_stale(event, now=database_now())


@says("lock.taken", "A lock is taken", group=GROUP, person=_holder)
def taken(event: Event) -> Notice:
    said = f"{_who(event)} locked {event.title}"
    return _held(event, said, standing=said, deeds=("lock_next", "glass_break"))


@says("lock.extended", "The end of a lock is moved", group=GROUP, person=_holder)
def extended(event: Event) -> Notice:
    said = f"{event.actor_name} moved the end of the lock of {event.title}"
    standing = f"{after(event).get('holder', '')} holds the lock of {event.title}"
    return _held(event, said, standing=standing, deeds=("lock_next", "glass_break"), folds=True)


@says("lock.released", "A lock is released", group=GROUP, person=_holder)
def released(event: Event) -> Notice:
    facts = after(event)
    return _ended(event, f"{event.actor_name} unlocked {event.title}, locked by {facts.get('holder', '')}")


@says("lock.expired", "A lock has run out", group=GROUP, person=_holder)
def expired(event: Event) -> Notice:
    return _ended(event, f"The lock of {event.title} by {after(event).get('holder', '')} has run out")


@says("lock.expiry_warned", "A lock ends soon", group=GROUP, person=_holder, is_stale=_stale)
def expiry_warned(event: Event) -> Notice:
    said = f"The lock of {event.title} by {after(event).get('holder', '')} ends soon"
    return _reminder(event, said, "hourglass")


@says("lock.holder_reminded", "A lock is held for long", group=GROUP, person=_holder, is_stale=_stale)
def holder_reminded(event: Event) -> Notice:
    facts = after(event)
    since = moment(facts.get("starts_at"))
    held = in_words(event.at - since) if since else "long"
    said = f"{facts.get('holder', '')} has held the lock of {event.title} for {held}. Is it still needed?"
    return _reminder(event, said, "alarm_clock")


@says("lock_rule.would_lock", "A rule on trial would have locked", group=GROUP)
def would_lock(event: Event) -> Notice:
    facts = {**after(event), **event.payload}
    reason = facts.get("reason")
    return Notice(
        f"The rule “{event.title}” would have locked {_place(event)}",
        facts_of(("Reason", str(reason) if reason else None), ("Trial", "It is tried out: nothing is locked.")),
        Link(page("locks:lock_list"), "See the locks"),
        tone="waiting",
        emoji="robot_face",
    )


def _place(event: Event) -> str:
    where = [part for part in (event.service, event.environment) if part]
    return " in ".join(where) or "something"


def _who(event: Event) -> str:
    rule = after(event).get("automatic_by")
    return f"The rule “{rule}”" if rule else event.actor_name


def _held(event: Event, said: str, *, standing: str, deeds: Sequence[str], folds: bool = False) -> Notice:
    facts = after(event)
    return Notice(
        said,
        facts_of(
            ("Reason", facts.get("reason")),
            ("Until", When(moment(facts.get("expires_at")), "it is released")),
            ("Automatic", _automatic(event)),
            _link(facts),
        ),
        _see(event),
        tone="waiting",
        emoji="robot_face" if facts.get("automatic_by") else "lock",
        buttons=tuple(Button(deed, event.noun_id) for deed in deeds),
        thread=event.stream,
        standing=standing,
        folds=folds,
    )


def _automatic(event: Event) -> str | None:
    rule = after(event).get("automatic_by")
    return f"Taken by the rule “{rule}”, not by a person" if rule else None


def _link(facts: dict[str, Any]) -> tuple[str, Link | None]:
    """That of a rule's lock leads to what it was taken for."""
    label = "What was found" if facts.get("automatic_by") else "Link"
    return label, Link(facts["link"]) if facts.get("link") else None


def _ended(event: Event, said: str) -> Notice:
    facts = after(event)
    lock = Lock.objects.filter(public_id=event.noun_id).first()
    blocked = blocked_by(lock, now=database_now(), by=_reader(lock, event)) if lock else []
    return Notice(
        said,
        facts_of(
            ("Reason", facts.get("reason")),
            ("Released because", facts.get("release_reason")),
            ("Automatic", _automatic(event)),
            _link(facts),
        ),
        _see(event),
        tone="good",
        emoji="unlock",
        items=(_stopped(blocked, page("locks:lock_detail", event.noun_id)),) if blocked else (),
        thread=event.stream,
        standing=said,
        closes=True,
    )


def _reader(lock: Lock, event: Event) -> By | None:
    """A wide lock is told where everybody reads: of the runs that it stopped, those that everybody may see."""
    return None if lock.scope_kind == ScopeKind.PAIR or not is_open(event) else ANYBODY


def _reminder(event: Event, said: str, emoji: str) -> Notice:
    facts = after(event)
    ends = moment(facts.get("expires_at"))
    deeds = ["lock_extend"] * bool(ends) + ["lock_release"]
    more = [Link(page("locks:lock_detail", event.noun_id, anchor="extend"), "Extend it")] * bool(ends)
    return Notice(
        said,
        facts_of(
            ("Holder", Person(_holder(event), facts.get("holder", ""))),
            ("Reason", facts.get("reason")),
            ("Until", When(ends, "it is released")),
        ),
        _see(event),
        tone="waiting",
        emoji=emoji,
        buttons=tuple(Button(deed, event.noun_id) for deed in deeds),
        more=(*more, Link(page("locks:lock_detail", event.noun_id, anchor="release"), "Release it")),
        thread=event.stream,
    )


def _see(event: Event) -> Link:
    return Link(page("locks:lock_detail", event.noun_id), "See the lock")


def _stopped(blocked: Sequence[Blocked], url: str) -> Items:
    """The runs that it stopped, in the order in which they asked."""
    again = "" if all(each.stopped for each in blocked) else " They can be run again, in this order:"
    over = len(blocked) - MOST_RUNS
    lines = tuple(_line(each) for each in blocked[:MOST_RUNS])
    return Items(f"It stopped these runs.{again}", lines, Link(url, f"{over} more") if over > 0 else None)


def _line(each: Blocked) -> Line:
    denial = each.denial
    what = f"{denial.intent} of {denial.service_identifier[:40]} to {denial.environment_identifier[:40]}"
    name = what + (f", {denial.commit[:7]}" if denial.commit else "")
    stopped = " (something else stops it now)" if each.stopped else ""
    return Line(Link(denial.run_url, name), f"by {denial.actor_name[:40]}{stopped}")
