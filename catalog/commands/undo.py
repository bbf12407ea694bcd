"""What one request did to entities, undone from the images that its events kept."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog import permissions, queries
from catalog.commands.bulk import MOST, Outcome, facts_of
from catalog.commands.deletion import entity_delete
from catalog.commands.entities import entity_write
from catalog.commands.timers import timers_remember
from catalog.models import Entity
from catalog.wishes import Wish
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]
Name = tuple[str, str]

EVERYTHING = frozenset({"title", "icon", "team", "properties", "relations"})


@retried
@transaction.atomic
def changes_undo(trace: UUID, *, preview: bool = False, by: By) -> list[Outcome]:
    """Makes every entity that the request changed as it was before, unless it has changed since.

    Each by itself, as in a bulk edit. Raises Missing when the request changed no entity,
    Invalid when it changed too many.
    """
    made = audit.of_trace(trace, noun="entity").filter(name__startswith="entity.")
    # What one did oneself one may take back, even where it took the entity out of one's own sight.
    events = list((permissions.visible_events(by, made) | made.filter(actor_key=by.actor.key))[: MOST + 1])
    if not events:
        raise Missing("There is nothing to undo: that changed no entity.")
    if len(events) > MOST:
        raise Invalid.at("trace", f"more than {MOST} entities were changed together; that is not undone at once")
    deleted = [event for event in events if event.name == "entity.deleted"]
    others = [event for event in reversed(events) if event.name != "entity.deleted"]
    outcomes = [*_restore(deleted, by), *(_undo(event, by) for event in others)]
    transaction.set_rollback(preview)
    return outcomes


@retried
@transaction.atomic
def deletions_undo(events: Sequence[Event], *, by: By) -> list[Outcome]:
    """Makes what these events say was deleted as it was, each by itself. An outcome more for each arrow that cannot be."""
    return _restore(events, by)


def _undo(event: Event, by: By) -> Outcome:
    now: Json | None = None
    assert event.after is not None
    identifier = event.after["identifier"]
    try:
        with transaction.atomic():
            entity = queries.entity(by, event.blueprint, identifier)
            now = facts_of(entity)
            if now != event.after:
                raise Conflict(f"{entity.updated_by} has changed it since.")
            seen = entity.updated_at.isoformat()
            if event.before is None:
                entity_delete(entity, by=by)
                return Outcome(event.blueprint, identifier, event.title, now)
            written = entity_write(replace(wish_of(event.blueprint, event.before, identifier), seen=seen), by=by)
            after = facts_of(Entity.objects.select_related("blueprint").get(pk=written.pk))
            return Outcome(event.blueprint, written.identifier, str(written), now, after)
    except PortalError as wrong:
        why = "It is gone." if isinstance(wrong, Missing) and now is None else wrong.message
        return Outcome(event.blueprint, identifier, event.title, now, now, refused=why)


def wish_of(blueprint: str, facts: Json, identifier: str = "") -> Wish:
    """The entity as it was. `identifier` is its name now, where it exists."""
    former = facts["identifier"]
    return Wish(
        blueprint=blueprint,
        identifier=identifier or former,
        mode="replace" if identifier else "create",
        rename=former if identifier and identifier != former else "",
        title=facts["title"] or "",
        icon=facts["icon"] or "",
        team=tuple(facts["team"]),
        properties=facts["properties"],
        relations={name: _targets(value) for name, value in facts["relations"].items()},
        given=EVERYTHING,
    )


def _targets(value: str | list[str]) -> tuple[str, ...]:
    return tuple(value) if isinstance(value, list) else (value,)


def _restore(events: Sequence[Event], by: By) -> list[Outcome]:
    """Those that point at each other: first all, then the arrows between them, then the arrows from outside."""
    missing = {(event.blueprint, event.entity) for event in events}
    arrows: list[Wish] = []
    outcomes: dict[int, Outcome] = {}
    waiting, progress = list(events), True
    while waiting and progress:
        for event in waiting:
            outcomes[event.pk] = _make(event, missing, arrows, by)
            if not outcomes[event.pk].refused:
                missing.discard((event.blueprint, event.entity))
        left = [event for event in waiting if outcomes[event.pk].refused]
        waiting, progress = left, len(left) < len(waiting)
    back = {name for outcome in outcomes.values() if not outcome.refused for name in [_name(outcome)]}
    problems = [_point(wish, by) for wish in [*arrows, *_from_outside(events, back)]]
    return [*(outcomes[event.pk] for event in events), *filter(None, problems)]


def _name(outcome: Outcome) -> Name:
    return outcome.blueprint, outcome.identifier


def _make(event: Event, missing: set[Name], arrows: list[Wish], by: By) -> Outcome:
    assert event.before is not None
    wish = wish_of(event.blueprint, event.before)
    try:
        with transaction.atomic():
            relations = queries.blueprint(event.blueprint).relations
            later = {
                name: targets
                for name, targets in wish.relations.items()
                if name in relations
                and not relations[name].get("required")
                and any((relations[name]["target"], each) in missing for each in targets)
            }
            first = {name: targets for name, targets in wish.relations.items() if name not in later}
            written = entity_write(replace(wish, relations=first), by=by)
            timers_remember(written, event.payload.get("expired", {}))
            if later:
                arrows.append(_patch(event.blueprint, written.identifier, later))
            return Outcome(event.blueprint, written.identifier, str(written), None, event.before)
    except PortalError as wrong:
        return Outcome(event.blueprint, wish.identifier, event.title, refused=wrong.message)


def _patch(blueprint: str, identifier: str, relations: dict[str, tuple[str, ...]]) -> Wish:
    return Wish(blueprint, identifier, "patch", relations=relations, given=frozenset({"relations"}))


def _from_outside(events: Iterable[Event], back: set[Name]) -> list[Wish]:
    """Arrows that pointed at what is back, from entities that were not deleted themselves."""
    wishes = []
    for event in events:
        if (event.blueprint, event.entity) not in back:
            continue
        for blueprint, identifier, name in event.payload.get("pointed", []):
            source = Entity.objects.filter(blueprint__identifier=blueprint, identifier=identifier).first()
            declared = source.blueprint.relations.get(name) if source else None
            if source is None or declared is None:
                continue
            now = _targets(queries.relations_of(source).get(name) or [])
            if declared.get("many") or not now:
                wishes.append(_patch(blueprint, identifier, {name: (*now, event.entity)}))
    return wishes


def _point(wish: Wish, by: By) -> Outcome | None:
    """Sets the arrows, or says which could not be."""
    try:
        with transaction.atomic():
            entity_write(wish, by=by)
            return None
    except PortalError as wrong:
        names = ", ".join(wish.relations)
        why = f"Its relation {names} could not be set again. {wrong.message}"
        return Outcome(wish.blueprint, wish.identifier, wish.identifier, refused=why)
