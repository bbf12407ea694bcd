"""Entities that somebody chose, deleted: all at once as far as nothing speaks against it, the others each by itself.

A preview does all of it and takes it back, so that it refuses exactly what the deed would refuse.
"""

from collections.abc import Iterable, Mapping, Sequence

from django.db import transaction

from catalog import hooks, permissions, queries
from catalog.commands.bulk import Outcome, check_size, facts_of
from catalog.commands.deletion import entities_delete, entity_delete
from catalog.models import Entity
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing, PortalError
from portal.kit.locking import retried


@retried
@transaction.atomic
def entities_remove(
    blueprint: str, chosen: Mapping[str, str], *, dependents: bool = False, preview: bool = False, by: By
) -> list[Outcome]:
    """Deletes each of `chosen` (identifier: the `updated_at` it was seen with, or empty) and, if wished, what needs it.

    Those that need each other go together when all of them are chosen. Raises Invalid for too many.
    """
    check_size(chosen)
    outcomes = _at_once(blueprint, chosen, by)
    waiting, progress = [name for name in chosen if name not in outcomes], True
    while waiting and progress:
        gone = {each[:2] for outcome in outcomes.values() for each in outcome.taken}
        outcomes |= {name: _remove(blueprint, name, chosen[name], dependents, gone, by) for name in waiting}
        left = [name for name in waiting if outcomes[name].needed_by]
        waiting, progress = left, len(left) < len(waiting)
    transaction.set_rollback(preview)
    return [outcomes[name] for name in chosen]


def _at_once(blueprint: str, chosen: Mapping[str, str], by: By) -> dict[str, Outcome]:
    """What became of those that can be judged together. Of the others nothing has gone yet."""
    rows = queries.entities(by, queries.blueprint(blueprint)).filter(identifier__in=list(chosen))
    found = {each.identifier: each for each in rows}
    outcomes: dict[str, Outcome] = {}
    for name, seen in chosen.items():
        try:
            _check(found.get(name), seen, by)
        except PortalError as wrong:
            outcomes[name] = _refused(blueprint, name, found.get(name), wrong)
    free = queries.unneeded([each for name, each in found.items() if name not in outcomes])
    before = {each.identifier: facts_of(each) for each in free}
    for entity, held in _deleted(free, by):
        name = entity.identifier
        done = Outcome(blueprint, name, str(entity), before[name])
        outcomes[name] = _refused(blueprint, name, entity, held) if held else done
    return outcomes


def _check(entity: Entity | None, seen: str, by: By) -> None:
    if entity is None:
        raise Missing("It is gone already.")
    if seen and seen != entity.updated_at.isoformat():
        raise Conflict(f"{entity.updated_by} has changed it meanwhile. Look at it again before you delete it.")
    teams = () if permissions.writes_all(by.actor, entity.blueprint) else queries.owner_teams(entity)
    permissions.require_write(by, "unregister", entity.blueprint, teams=teams, entity=entity)


def _deleted(entities: Sequence[Entity], by: By) -> list[tuple[Entity, PortalError | None]]:
    """Those that went, and those that an app above names when it refuses. What speaks against others shows for each alone."""
    fates: list[tuple[Entity, PortalError | None]] = []
    while len(entities) > 1:
        try:
            with transaction.atomic():
                entities_delete(entities[0].blueprint.identifier, [each.identifier for each in entities], by=by)
                return [*fates, *((each, None) for each in entities)]
        except hooks.Holds as held:
            fates += [(each, held) for each in entities if each.pk in held.keys]
            entities = queries.unneeded([each for each in entities if each.pk not in held.keys])
        except PortalError:
            half = len(entities) // 2
            parts = [queries.unneeded(part) for part in (entities[:half], entities[half:])]
            return [*fates, *(each for part in parts for each in _deleted(part, by))]
    return fates


def _remove(
    blueprint: str, identifier: str, seen: str, dependents: bool, gone: Iterable[tuple[str, str]], by: By
) -> Outcome:
    if (blueprint, identifier) in gone:
        return Outcome(blueprint, identifier, identifier, before={})
    entity: Entity | None = None
    needing: tuple[tuple[str, str, str], ...] = ()
    try:
        with transaction.atomic():
            entity = queries.entity(by, blueprint, identifier)
            _check(entity, seen, by)
            needing = _named(queries.with_dependents([entity])[1:], by)
            before = facts_of(entity)
            entity_delete(entity, dependents=dependents, by=by)
            return Outcome(blueprint, identifier, str(entity), before, taken=needing)
    except PortalError as wrong:
        return _refused(blueprint, identifier, entity, wrong, needing)


def _refused(
    blueprint: str,
    identifier: str,
    entity: Entity | None,
    wrong: PortalError,
    needing: tuple[tuple[str, str, str], ...] = (),
) -> Outcome:
    needed = needing if wrong.code == "has_dependents" else ()
    why = f"{len(needed)} {'entity needs' if len(needed) == 1 else 'entities need'} it." if needed else wrong.message
    if isinstance(wrong, Missing):
        why = "It is gone already."
    return Outcome(blueprint, identifier, str(entity or identifier), needed_by=needed, refused=why)


def _named(entities: Sequence[Entity], by: By) -> tuple[tuple[str, str, str], ...]:
    """What the viewer may not see is counted with the others and not told by name."""
    shown = queries.seen_of(by, entities) if entities else set()
    return tuple(
        (each.blueprint.identifier, each.identifier, str(each))
        if each.pk in shown
        else ("", "", "one that you may not see")
        for each in entities
    )
