"""Many entities changed by one command: what is wrong with one does not touch another.

A preview does all of it and takes it back, so that it refuses exactly what the deed would refuse.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from catalog import queries
from catalog.commands.batch import Written
from catalog.commands.entities import entities_write
from catalog.models import Entity
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]
Name = tuple[str, str]  # a blueprint's identifier, an entity's

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
    check_size(wishes)
    outcomes = writings(wishes, there(wishes, by), by)
    transaction.set_rollback(preview)
    return outcomes


def check_size(chosen: Sequence[Any] | Mapping[str, Any]) -> None:
    if len(chosen) > MOST:
        raise Invalid.at("entities", f"are {len(chosen)}; {MOST} can be changed at once")


def there(wishes: Sequence[Wish], by: By) -> dict[Name, Entity]:
    """The entities that these are for, as far as the viewer may see them."""
    found: dict[Name, Entity] = {}
    for blueprint in {each.blueprint for each in wishes}:
        rows = queries.entities(by, queries.blueprint(blueprint))
        names = [each.identifier for each in wishes if each.blueprint == blueprint]
        found |= {(blueprint, each.identifier): each for each in rows.filter(identifier__in=names)}
    return found


def writings(wishes: Sequence[Wish], known: Mapping[Name, Entity], by: By) -> list[Outcome]:
    """What became of each wish for one of the `known`, written together; what is not known was not found."""
    before = {name: facts_of(each) for name, each in known.items()}
    titles = {name: str(each) for name, each in known.items()}
    wanted = [each for each in wishes if (each.blueprint, each.identifier) in known]
    fates = dict(zip(map(_name, wanted), entities_write(wanted, by=by), strict=True))
    keys = [each.entity.pk for each in fates.values() if isinstance(each, Written)]
    # Read anew: what was at hand of its relations is as it was.
    after = {each.pk: each for each in queries.with_relations(Entity.objects.filter(pk__in=keys))}
    outcomes = []
    for wish in wishes:
        unknown = Missing(f'Entity with identifier "{wish.identifier}" was not found')
        fate, was = fates.get(_name(wish), unknown), before.get(_name(wish))
        if isinstance(fate, PortalError):
            title = titles.get(_name(wish), wish.identifier)
            outcomes.append(Outcome(wish.blueprint, wish.identifier, title, was, was, refused=fate.message))
        else:
            now = after[fate.entity.pk]
            outcomes.append(Outcome(wish.blueprint, now.identifier, str(now), was, facts_of(now)))
    return outcomes


def _name(wish: Wish) -> Name:
    return wish.blueprint, wish.identifier


def facts_of(entity: Entity) -> Json:
    return entity.facts(queries.relations_of(entity))
