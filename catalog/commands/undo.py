"""What one request did to entities, undone from the images that its events kept."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.db import transaction

from catalog import permissions, queries
from catalog.commands.bulk import MOST, Name, Outcome, facts_of, there, writings
from catalog.commands.deletion import entity_delete
from catalog.commands.entities import entities_write
from catalog.commands.timers import timers_remember
from catalog.models import Blueprint, Entity
from catalog.wishes import Wish
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]

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
    outcomes = [*_restore(deleted, by), *(outcome for wave in _waves(others) for outcome in _undo(wave, by))]
    transaction.set_rollback(preview)
    return outcomes


@retried
@transaction.atomic
def deletions_undo(events: Sequence[Event], *, by: By) -> list[Outcome]:
    """Makes what these events say was deleted as it was, each by itself. An outcome more for each arrow that cannot be."""
    return _restore(events, by)


def _waves(events: Iterable[Event]) -> Iterator[list[Event]]:
    """In their order, as many together as may be: none of an entity after another of the same."""
    wave: list[Event] = []
    names: set[Name] = set()
    for event in events:
        own = {(event.blueprint, facts["identifier"]) for facts in (event.before, event.after) if facts}
        made = event.before is None
        if wave and (made or names & own or wave[-1].before is None):
            yield wave
            wave, names = [], set()
        wave.append(event)
        names |= own
    if wave:
        yield wave


def _undo(events: Sequence[Event], by: By) -> list[Outcome]:
    """Of different entities: one that was made, or some that were changed."""
    known = there([Wish(*_now_called(each), "patch") for each in events], by)
    outcomes = {each.pk: _objection(each, known.get(_now_called(each))) for each in events}
    wishes = {}
    for event in (each for each in events if not outcomes[each.pk]):
        entity = known[_now_called(event)]
        if event.before is None:
            outcomes[event.pk] = _unmake(event, entity, by)
        else:
            seen = entity.updated_at.isoformat()
            wishes[event.pk] = replace(wish_of(event.blueprint, event.before, entity.identifier), seen=seen)
    outcomes |= zip(wishes, writings(list(wishes.values()), known, by), strict=True)
    return [each for each in outcomes.values() if each]


def _now_called(event: Event) -> Name:
    assert event.after is not None
    return event.blueprint, event.after["identifier"]


def _objection(event: Event, entity: Entity | None) -> Outcome | None:
    blueprint, identifier = _now_called(event)
    now = facts_of(entity) if entity else None
    if entity and now == event.after:
        return None
    why = f"{entity.updated_by} has changed it since." if entity else "It is gone."
    return Outcome(blueprint, identifier, event.title, now, now, refused=why)


def _unmake(event: Event, entity: Entity, by: By) -> Outcome:
    name, now = _now_called(event), facts_of(entity)
    try:
        with transaction.atomic():
            entity_delete(entity, by=by)
            return Outcome(*name, event.title, now)
    except PortalError as wrong:
        return Outcome(*name, event.title, now, now, refused=wrong.message)


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
        outcomes |= _make(waiting, missing, arrows, by)
        missing -= {_name(each) for each in outcomes.values() if not each.refused}
        left = [event for event in waiting if outcomes[event.pk].refused]
        waiting, progress = left, len(left) < len(waiting)
    back = {_name(outcome) for outcome in outcomes.values() if not outcome.refused}
    problems = _point([*arrows, *_from_outside(events, back)], by)
    return [*(outcomes[event.pk] for event in events), *problems]


def _name(outcome: Outcome) -> Name:
    return outcome.blueprint, outcome.identifier


def _make(events: Sequence[Event], missing: set[Name], arrows: list[Wish], by: By) -> dict[int, Outcome]:
    """Together, without the arrows at what is still missing, which are left for later; nothing of what is refused."""
    wishes = [wish_of(event.blueprint, event.before or {}) for event in events]
    kinds = Blueprint.objects.filter(identifier__in={each.blueprint for each in events})
    declared = {each.identifier: each.relations for each in kinds}
    later = [_later(wish, declared.get(wish.blueprint, {}), missing) for wish in wishes]
    firsts = [
        replace(wish, relations={name: each for name, each in wish.relations.items() if name not in left})
        for wish, left in zip(wishes, later, strict=True)
    ]
    outcomes = {}
    for event, wish, left, fate in zip(events, wishes, later, entities_write(firsts, by=by), strict=True):
        if isinstance(fate, PortalError):
            outcomes[event.pk] = Outcome(event.blueprint, wish.identifier, event.title, refused=fate.message)
            continue
        written = fate.entity
        timers_remember(written, event.payload.get("expired", {}))
        if left:
            arrows.append(_patch(event.blueprint, written.identifier, left))
        outcomes[event.pk] = Outcome(event.blueprint, written.identifier, str(written), None, event.before)
    return outcomes


def _later(wish: Wish, relations: Json, missing: set[Name]) -> dict[str, tuple[str, ...]]:
    """Its relations that can wait, and have to."""
    return {
        name: targets
        for name, targets in wish.relations.items()
        if name in relations
        and not relations[name].get("required")
        and any((relations[name]["target"], each) in missing for each in targets)
    }


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


def _point(wishes: Sequence[Wish], by: By) -> list[Outcome]:
    """Sets the arrows; answers which could not be."""
    return [
        Outcome(wish.blueprint, wish.identifier, wish.identifier, refused=_unset(wish, fate))
        for wish, fate in zip(wishes, entities_write(wishes, by=by), strict=True)
        if isinstance(fate, PortalError)
    ]


def _unset(wish: Wish, wrong: PortalError) -> str:
    return f"Its relation {', '.join(wish.relations)} could not be set again. {wrong.message}"
