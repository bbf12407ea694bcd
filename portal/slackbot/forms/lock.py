"""Takes a lock: the page's form, in Slack."""

from typing import Any

from catalog import queries as catalog
from catalog.builtin import TIERS
from locks.forms import LockForm, usual_duration
from locks.forms.locks import DURATIONS
from locks.forms.scopes import EFFECTS, SCOPES
from locks.models import Lock, ScopeKind
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, PortalError
from portal.slackbot.blocks import Json, escape, section
from portal.slackbot.forms.inputs import (
    asked_for,
    boxes,
    choice,
    faults_of,
    field,
    inputs_in,
    meta_of,
    text,
    values_of,
    view,
)
from portal.slackbot.forms.sent import Outcome, sends
from portal.slackbot.home import refreshed
from portal.slackbot.inbound import Asked
from portal.slackbot.sights import locked_blocks, short
from portal.slackbot.waiting import turn_used

NAME = "lock"
OVER = "over"


def lock_form(
    by: By, *, given: dict[str, Any] | None = None, meta: Json | None = None, taken: Lock | None = None
) -> Json:
    """`given` are the page's fields. `taken` is the lock that stands in the way, which can be taken over."""
    had = {"scope": ScopeKind.PAIR.value, "environment": "production"} | (given or {})
    tier = had.get("tier") or catalog.tier_called(had.get("environment", ""))
    blocks = _taken(taken) if taken else []
    blocks += [
        field("scope", "Lock", choice(SCOPES, had["scope"])),
        field("service", "Service", asked_for(had.get("service", "")), optional=True),
        field("environment", "Environment", asked_for(had.get("environment", "")), optional=True),
        field("reason", "Reason", text(had.get("reason", ""), placeholder="What are you doing there?")),
        field("duration", "For", choice(DURATIONS, had.get("duration") or usual_duration(tier))),
        field("until", "Until", {"type": "datetimepicker"}, optional=True, hint="For “Until…” alone."),
        field("effect", "Stops", choice(EFFECTS, had.get("effect") or Lock.Effect.BLOCK.value)),
        field("link", "Link", text(had.get("link", "")), optional=True, hint="An incident, a ticket, a thread."),
        field("tier", "Tier", choice(((each, each) for each in TIERS), had.get("tier", "")), optional=True),
        field("team", "Team", asked_for(had.get("team", "")), optional=True),
    ]
    return view(NAME, "Lock", "Lock", blocks, meta)


def _taken(lock: Lock) -> list[Json]:
    words = f":lock: {short(lock.holder_name)} holds it already: {short(lock.reason)}"
    box = boxes([(OVER, f"Take it over from {lock.holder_name[:40]}")])
    hint = "The holder is told, with your reason."
    return [section(words), field("steal", "Take over", box, optional=True, hint=hint)]


def over_form(by: By, lock: Lock, meta: Json | None = None, *, taken: bool = True) -> Json:
    """Of the same scope; with `taken` it is to be taken over."""
    given = {
        "scope": lock.scope_kind,
        "service": lock.service_identifier,
        "environment": lock.environment_identifier,
        "tier": lock.tier,
        "team": lock.team,
    }
    return lock_form(by, given=given, meta=meta, taken=lock if taken else None)


@sends(NAME)
def lock_sent(asked: Asked) -> Outcome:
    by = asked.who.acting(asked.trace)
    values = values_of(asked.payload)
    form = LockForm(values, by=by)
    if form.is_valid():
        _check_visible(form, by)
    names = inputs_in(asked.payload)
    try:
        lock = form.take(steal=OVER in (values.get("steal") or [])) if form.is_valid() else None
    except Conflict as conflict:
        return Outcome(again=lock_form(by, given=values, meta=meta_of(asked.payload), taken=conflict.details["lock"]))
    if lock is None:
        return Outcome(faults=faults_of(form, names))
    turn_used(lock, by=by)
    return Outcome(
        calls=[asked.tell(f"Locked {escape(lock.covers)}.", locked_blocks(lock, by, database_now())), *refreshed(asked)]
    )


def _check_visible(form: LockForm, by: By) -> None:
    """What he may not see is unknown to him, in Slack as everywhere."""
    data = form.cleaned_data
    if data["scope"] in (ScopeKind.PAIR, ScopeKind.SERVICE) and data["service"]:
        try:
            catalog.service_named(data["service"], by=by)
        except PortalError as error:
            form.add_error("service", error.message)
