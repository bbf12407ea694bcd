"""Breaks glass, and releases what is somebody else's: both ask for a reason."""

from typing import Any
from uuid import UUID

from locks import queries
from locks.forms import ReleaseForm
from locks.forms.overrides import LIVES, OverrideForm
from locks.models import Lock, Override
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.slackbot.blocks import Json, cut, escape, section
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
from portal.slackbot.sights import released, short


def glass_form(by: By, given: dict[str, Any], meta: Json | None = None) -> Json:
    """Once the place is named, what stops there is offered by name: an override passes nothing else."""
    known = OverrideForm(initial=given, by=by)
    stops = [(str(value), str(words)) for value, words in known.fields["passes"].choices]  # type: ignore[attr-defined]
    chosen = given.get("passes") or [value for value, _ in stops]
    words = ":rotating_light: An override lets this commit pass what is named here, and is told to everybody."
    blocks = [
        section(words),
        field("service", "Service", asked_for(given.get("service", ""))),
        field("environment", "Environment", asked_for(given.get("environment", ""))),
        *([field("passes", "It may pass", boxes(stops, chosen), optional=True)] if stops else []),
        field("commit", "Commit", text(given.get("commit", ""), most=100)),
        field("reason", "Reason", text(given.get("reason", ""), placeholder="Why can it not wait?")),
        field("life", "For", choice(LIVES, given.get("life") or "30m")),
        field("max_uses", "Runs it lets through", choice(((str(n), str(n)) for n in range(1, 11)), "1")),
    ]
    return view("glass", "Break glass", "Ask", blocks, meta)


def glass_of(by: By, lock: Lock, meta: Json) -> Json:
    return glass_form(by, {"service": lock.service_identifier, "environment": lock.environment_identifier}, meta)


@sends("glass")
def glass_sent(asked: Asked) -> Outcome:
    by = asked.who.acting(asked.trace)
    values = values_of(asked.payload)
    form = OverrideForm(values, by=by)
    names = inputs_in(asked.payload)
    if form.place and form.stops and "passes" not in names:
        return Outcome(again=glass_form(by, values, meta_of(asked.payload)))
    made = form.ask() if form.is_valid() else None
    if made is None:
        return Outcome(faults=faults_of(form, names))
    return Outcome(calls=[asked.tell(asked_for_override(made)), *refreshed(asked)])


def asked_for_override(made: Override) -> str:
    end = "Another has to approve it before it opens anything." if made.needs_approval else "It is good now."
    return f":rotating_light: Asked to let {escape(made.commit[:40])} pass to {escape(made.where)}. {end}"


def release_form(lock: Lock, meta: Json) -> Json:
    words = f"The lock of {escape(cut(lock.covers, 300))} is {short(lock.holder_name)}'s: {short(lock.reason)}"
    hint = "The holder is told, with your reason."
    blocks = [section(words), field("reason", "Why do you release it?", text(), hint=hint)]
    return view("release", "Release", "Release", blocks, meta | {"lock": str(lock.public_id)})


@sends("release")
def release_sent(asked: Asked) -> Outcome:
    by = asked.who.acting(asked.trace)
    lock = queries.lock(by, _id_of(meta_of(asked.payload)))
    stranger = not allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams())
    form = ReleaseForm(values_of(asked.payload), stranger=stranger)
    freed = form.release(lock, by=by) if form.is_valid() else None
    if freed is None:
        return Outcome(faults=faults_of(form, inputs_in(asked.payload)))
    return Outcome(calls=[asked.tell(released(freed)), *refreshed(asked)])


def _id_of(meta: Json) -> str | UUID:
    return str(meta.get("lock") or "")
