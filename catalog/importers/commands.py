"""What importers found, written by one command in one transaction. What is wrong with one thing leaves the others alone."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from django.db import transaction

from catalog.commands import Written, entities_write
from catalog.importers import queries
from catalog.importers.things import Fate, Key, Thing
from catalog.wishes import Mode, Wish
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]

MOST = 1000
# What others point at comes first.
ORDER = ["_team", "_user", "domain", "system", "resource", "api", "service"]


@retried
@transaction.atomic
def things_import(
    things: Sequence[Thing], *, source: str, mode: Mode = "merge", preview: bool = False, by: By
) -> list[Fate]:
    """Makes what is missing and changes what differs; what a thing does not speak of stays. In the order given.

    `source` is kept as the datasource of what is written. A preview does all of it and takes it back.
    """
    require(by, "entity.write")
    if len(things) > MOST:
        raise Invalid.at("entities", f"are {len(things):,}; {MOST:,} can be imported at once")
    by = replace(by, agent=source)
    first, twice = _once(things)
    before = queries.facts(by, [each.key for each in first])
    plan = _Plan(first, before, by)
    written = _written(plan.first, mode, by)
    written |= {
        key: error for key, error in _written(plan.rest(written), mode, by).items() if isinstance(error, PortalError)
    }
    after = queries.facts(by, before.keys() | {key for key, each in written.items() if isinstance(each, Written)})
    fates = {each.key: _fate(each, written[each.key], before.get(each.key), after.get(each.key)) for each in plan.told}
    transaction.set_rollback(preview)
    return [twice[number] if number in twice else fates[each.key] for number, each in enumerate(things)]


def _once(things: Sequence[Thing]) -> tuple[list[Thing], dict[int, Fate]]:
    """The first of those that are the same entity, and by their place the others."""
    kept: dict[Key, Thing] = {}
    twice: dict[int, Fate] = {}
    for number, each in enumerate(things):
        if each.key in kept:
            twice[number] = Fate(each, "left", why=f"{kept[each.key].source} describes the same entity")
        else:
            kept[each.key] = each
    return list(kept.values()), twice


class _Plan:
    """In which order they are written: what others point at before them, and last the arrows that close a circle."""

    def __init__(self, things: Sequence[Thing], before: dict[Key, Json], by: By) -> None:
        rank = {name: place for place, name in enumerate(ORDER)}
        self.things = sorted(things, key=lambda each: rank.get(each.blueprint, len(rank)))
        self.before = before
        self.targets = queries.targets_of({each.blueprint for each in things})
        coming = {each.key for each in things}
        aims = {key for each in things for _, keys in self._aims(each) for key in keys}
        self.there = queries.known(by, aims - coming) | before.keys()
        self.told = [self._trimmed(each, self.there | coming) for each in self.things]
        self.first: list[Thing] = []
        self.later: list[Thing] = []
        self._order()

    def _aims(self, thing: Thing) -> Iterator[tuple[str, list[Key]]]:
        declared = self.targets.get(thing.blueprint, {})
        for name, identifiers in thing.relations.items():
            if name in declared:
                yield name, [(declared[name], each) for each in identifiers]

    def _trimmed(self, thing: Thing, known: set[Key]) -> Thing:
        """Without the arrows that lead nowhere here, and with a note of each."""
        relations: dict[str, tuple[str, ...]] = {}
        notes = list(thing.notes)
        aims = dict(self._aims(thing))
        for name in thing.relations:
            if name not in aims:
                notes.append(f"{thing.blueprint} has no relation {name} here")
                continue
            lost = [identifier for target, identifier in aims[name] if (target, identifier) not in known]
            notes += [f"{name}: there is no {aims[name][0][0]} “{each[:80]}”" for each in lost]
            kept = tuple(identifier for target, identifier in aims[name] if (target, identifier) in known)
            # Where none is known, what it points at now stays.
            relations |= {name: kept} if kept else {}
        team = thing.team
        if thing.blueprint == "_user" and team:
            team = tuple(dict.fromkeys([*self.before.get(thing.key, {}).get("team", []), *team]))
        return replace(thing, relations=relations, notes=tuple(notes), team=team)

    def _order(self) -> None:
        done = set(self.there)
        waiting = list(self.told)
        while waiting:
            ready = [each for each in waiting if all(key in done for _, keys in self._aims(each) for key in keys)]
            if not ready:
                ready = [self._cut(waiting[0], done)]
            self.first += ready
            names = {each.key for each in ready}
            done |= names
            waiting = [each for each in waiting if each.key not in names]

    def _cut(self, thing: Thing, done: set[Key]) -> Thing:
        """Without the relations that something of the circle has to come before."""
        self.later.append(thing)
        aims = dict(self._aims(thing))
        kept = {name: each for name, each in thing.relations.items() if all(key in done for key in aims[name])}
        return replace(thing, relations=kept)

    def rest(self, written: dict[Key, Written | PortalError]) -> list[Thing]:
        """What was cut off, for those that could be written at all."""
        return [
            Thing(each.blueprint, each.identifier, each.source, relations=each.relations)
            for each in self.later
            if isinstance(written[each.key], Written)
        ]


def _written(things: Sequence[Thing], mode: Mode, by: By) -> dict[Key, Written | PortalError]:
    fates = entities_write([_wish(each, mode) for each in things], by=by)
    return {thing.key: fate for thing, fate in zip(things, fates, strict=True)}


def _wish(thing: Thing, mode: Mode) -> Wish:
    given = {name for name in ("title", "team", "properties", "relations") if getattr(thing, name)}
    return Wish(
        thing.blueprint,
        thing.identifier,
        mode,
        title=thing.title,
        team=thing.team,
        properties=thing.properties,
        relations=thing.relations,
        given=frozenset(given),
    )


def _fate(thing: Thing, written: Written | PortalError, before: Json | None, after: Json | None) -> Fate:
    if isinstance(written, PortalError):
        return Fate(thing, "left", before, before, why=written.message)
    if before is None:
        return Fate(thing, "created", None, after)
    return Fate(thing, "same" if before == after else "updated", before, after)


def counts(fates: Iterable[Fate]) -> dict[str, int]:
    found = dict.fromkeys(("created", "updated", "same", "left"), 0)
    for each in fates:
        found[each.word] += 1
    return found
