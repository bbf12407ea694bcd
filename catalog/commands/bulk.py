"""Many entities changed or deleted by one command, each by itself, and what was done undone.

A preview does all of it and takes it back, so that it refuses exactly what the deed would refuse.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import queries
from catalog.commands.deletion import entity_delete
from catalog.commands.entities import entity_write
from catalog.models import Entity
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]

MOST = 500


@dataclass(frozen=True)
class Outcome:
    """What became of one entity, or would. `refused` says why nothing did.

    `before` and `after` are its facts, None where it was not or is no more. `taken` went with it; `needed_by` keep
    it from being deleted. Both are (blueprint, identifier, title), the first two empty where only the number is told.
    """

    blueprint: str
    identifier: str
    title: str
    before: Json | None = None
    after: Json | None = None
    taken: tuple[tuple[str, str, str], ...] = ()
    needed_by: tuple[tuple[str, str, str], ...] = ()
    refused: str = ""

    @property
    def is_change(self) -> bool:
        return not self.refused and self.before != self.after


@retried
@transaction.atomic
def entities_edit(wishes: Sequence[Wish], *, preview: bool = False, by: By) -> list[Outcome]:
    """Writes what is wished of each. What one is refused keeps nothing from the others. Raises Invalid for too many."""
    _check_size(wishes)
    outcomes = [_edit(wish, by) for wish in wishes]
    transaction.set_rollback(preview)
    return outcomes


@retried
@transaction.atomic
def entities_remove(
    blueprint: str, chosen: Mapping[str, str], *, dependents: bool = False, preview: bool = False, by: By
) -> list[Outcome]:
    """Deletes each of `chosen` (identifier: the `updated_at` it was seen with, or empty) and, if wished, what needs it.

    Those that need each other go together when all of them are chosen. Raises Invalid for too many.
    """
    _check_size(chosen)
    outcomes: dict[str, Outcome] = {}
    waiting, progress = list(chosen), True
    while waiting and progress:
        gone = {each[:2] for outcome in outcomes.values() for each in outcome.taken}
        outcomes |= {name: _remove(blueprint, name, chosen[name], dependents, gone, by) for name in waiting}
        left = [name for name in waiting if outcomes[name].needed_by]
        waiting, progress = left, len(left) < len(waiting)
    transaction.set_rollback(preview)
    return [outcomes[name] for name in chosen]


def _check_size(chosen: Sequence[Any] | Mapping[str, Any]) -> None:
    if len(chosen) > MOST:
        raise Invalid.at("entities", f"are {len(chosen)}; {MOST} can be changed at once")


def _edit(wish: Wish, by: By) -> Outcome:
    title, before = wish.identifier, None
    try:
        with transaction.atomic():
            entity = queries.entity(by, wish.blueprint, wish.identifier)
            title, before = str(entity), facts_of(entity)
            written = entity_write(wish, by=by)
            # Read anew: what was at hand of its relations is as it was.
            after = facts_of(Entity.objects.select_related("blueprint").get(pk=written.pk))
            return Outcome(wish.blueprint, written.identifier, str(written), before, after)
    except PortalError as wrong:
        return Outcome(wish.blueprint, wish.identifier, title, before, before, refused=wrong.message)


def _remove(
    blueprint: str, identifier: str, seen: str, dependents: bool, gone: Iterable[tuple[str, str]], by: By
) -> Outcome:
    title = identifier
    if (blueprint, identifier) in gone:
        return Outcome(blueprint, identifier, title, before={})
    needing: tuple[tuple[str, str, str], ...] = ()
    try:
        with transaction.atomic():
            entity = queries.entity(by, blueprint, identifier)
            title = str(entity)
            if seen and seen != entity.updated_at.isoformat():
                raise Conflict(f"{entity.updated_by} has changed it meanwhile. Look at it again before you delete it.")
            needing = _named(queries.with_dependents([entity])[1:], by)
            before = facts_of(entity)
            entity_delete(entity, dependents=dependents, by=by)
            return Outcome(blueprint, identifier, title, before, taken=needing)
    except PortalError as wrong:
        needed = needing if wrong.code == "has_dependents" else ()
        why = f"{len(needed)} {'entity needs' if len(needed) == 1 else 'entities need'} it." if needed else ""
        return Outcome(blueprint, identifier, title, needed_by=needed, refused=why or _said(wrong, identifier))


def _said(wrong: PortalError, identifier: str) -> str:
    return "It is gone already." if isinstance(wrong, Missing) else wrong.message


def facts_of(entity: Entity) -> Json:
    return entity.facts(queries.relations_of(entity))


def _named(entities: Sequence[Entity], by: By) -> tuple[tuple[str, str, str], ...]:
    """What the viewer may not see is counted with the others and not told by name."""
    shown = queries.seen_of(by, entities) if entities else set()
    return tuple(
        (each.blueprint.identifier, each.identifier, str(each))
        if each.pk in shown
        else ("", "", "one that you may not see")
        for each in entities
    )
