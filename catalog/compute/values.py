"""Computed values, made anew from what entities and their neighbours are at this instant. Nothing stored is trusted."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from django.db import connection

from catalog import kinds, moves
from catalog.compute.aggregations import aggregated, reached
from catalog.compute.graph import Node, counted, inputs, live_names, mirrored, on_the_way, steps_of
from catalog.compute.owners import owners
from catalog.compute.told import relations_shown, told
from catalog.compute.ways import Around, Way
from catalog.models import Blueprint, Entity, Json, Stale
from portal.kit import jq, rows
from portal.kit.clock import database_now, iso
from portal.kit.errors import Invalid

# A mirror shows so many values and no more: what is counted, an aggregation counts.
MOST_SHOWN = 1000
TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "number": (int, float),
    "boolean": (bool,),
    "object": (dict,),
    "array": (list,),
}
SAID = {str: "a text", bool: "true or false", dict: "an object", list: "a list"}


Make = Callable[[Blueprint, str, list[int]], dict[int, Any]]


class World:
    """What has been read and made so far. Of one transaction, or of one answer; never kept.

    `around`: the blueprints that it begins with.
    """

    def __init__(self, around: Iterable[Blueprint] = (), now: datetime | None = None) -> None:
        self.among = Around(around)
        self._now = now
        self.entities: dict[int, Entity] = {}
        self.faults: dict[tuple[int, str], str] = {}  # by entity and calculation
        self._made: dict[Node, dict[int, Any]] = {}
        self._walked: dict[tuple[str, Way], dict[int, list[int]]] = {}
        self._live: dict[int, Json] = {}
        self._busy: set[Node] = set()

    @property
    def now(self) -> datetime:
        self._now = self._now or database_now()
        return self._now

    def know(self, entities: Iterable[Entity]) -> None:
        """These are as they stand in the database, in this transaction."""
        self.entities |= {each.pk: each for each in entities}

    def of(self, identifier: str, pks: Iterable[int], names: Iterable[str] | None = None) -> dict[int, Json]:
        """For each key its computed values by name; what has none is left out. `names`: only these.

        A fixed number of queries, however many keys.
        """
        blueprint, keys = self.among[identifier], sorted(set(pks))
        wanted = list(blueprint.computed_properties if names is None else names)
        for name in wanted:
            if name in blueprint.mirror_properties:
                self._make(blueprint, name, keys, self._mirror)
            elif name in blueprint.aggregation_properties:
                self._make(blueprint, name, keys, self._sum)
        programs = [each for each in wanted if each in blueprint.calculation_properties]
        live = set(blueprint.derived.get("live", ()))
        self._calculate(blueprint, [each for each in programs if each not in live], keys)
        self._calculate(blueprint, [each for each in programs if each in live], keys)
        made = {name: self._made.get((identifier, name), {}) for name in wanted}
        return {
            pk: {name: value for name, found in made.items() if (value := found.get(pk)) is not None} for pk in keys
        }

    def _make(self, blueprint: Blueprint, name: str, keys: list[int], make: Make) -> None:
        """Only what is not made yet."""
        made = self._made.setdefault((blueprint.identifier, name), {})
        missing = [pk for pk in keys if pk not in made]
        if missing and (blueprint.identifier, name) not in self._busy:
            with self._making(blueprint, name):
                found = make(blueprint, name, missing)
            made |= {pk: found.get(pk) for pk in missing}

    @contextmanager
    def _making(self, blueprint: Blueprint, name: str) -> Iterator[None]:
        """What is asked for meanwhile would be computed from itself, and is nothing."""
        self._busy.add((blueprint.identifier, name))
        try:
            yield
        finally:
            self._busy.discard((blueprint.identifier, name))

    # Mirrors.

    def _mirror(self, blueprint: Blueprint, name: str, keys: list[int]) -> dict[int, Any]:
        end, last = mirrored(blueprint, name, self.among)
        if end is None:
            return {}
        many = any(each.relations[relation].get("many") for each, relation in on_the_way(blueprint, name, self.among))
        ends = self.walk(blueprint, steps_of(blueprint, name, self.among), keys)
        shown = self._shown(end, last, {pk for found in ends.values() for pk in found})
        return {pk: _joined([shown.get(each) for each in found], many) for pk, found in ends.items()}

    def _shown(self, blueprint: Blueprint, name: str, keys: set[int]) -> dict[int, Any]:
        """One property of entities of one blueprint: stored, live or computed, or what its `$name` stands for."""
        if name in live_names(blueprint):
            return {pk: values.get(name) for pk, values in self._live_of(blueprint, keys).items()}
        if name in blueprint.computed_properties:
            return {pk: values.get(name) for pk, values in self.of(blueprint.identifier, keys, [name]).items()}
        found = self.load(keys)
        if name == "$team":
            return {pk: team or None for pk, team in owners(list(found.values())).items()}
        if name.startswith("$"):
            return {pk: _meta(each, name) for pk, each in found.items()}
        return {pk: moves.shown(blueprint, each.properties).get(name) for pk, each in found.items()}

    def walk(self, blueprint: Blueprint, way: Way, keys: Sequence[int]) -> dict[int, list[int]]:
        """From each key the entities at the end of a way along arrows, each once, in the order of the arrows. One query."""
        walked = self._walked.setdefault((blueprint.identifier, way), {})
        missing = [pk for pk in keys if pk not in walked]
        if missing:
            walked |= {pk: [] for pk in missing}
            for pk, end in _walked(blueprint, way, missing, self.among):
                if end not in walked[pk]:
                    walked[pk].append(end)
        return {pk: walked[pk] for pk in keys}

    def load(self, keys: Iterable[int]) -> dict[int, Entity]:
        wanted = set(keys)
        missing = wanted - self.entities.keys()
        if missing:
            for each in Entity.objects.filter(pk__in=missing):
                if blueprint := self.among.with_key(each.blueprint_id):
                    each.blueprint = blueprint
                    self.entities[each.pk] = each
        return {pk: self.entities[pk] for pk in wanted if pk in self.entities}

    def _live_of(self, blueprint: Blueprint, keys: set[int]) -> dict[int, Json]:
        owner, missing = kinds.live(blueprint), keys - self._live.keys()
        if owner and missing:
            self._live |= {pk: {} for pk in missing} | owner.load(list(self.load(missing).values()))
        return {pk: self._live.get(pk, {}) for pk in keys}

    # Aggregations.

    def _sum(self, blueprint: Blueprint, name: str, keys: list[int]) -> dict[int, Any]:
        told = self._targets(blueprint, name, keys)
        fresh = {} if told is None else {name: told}
        try:
            found = aggregated(blueprint, [name], keys, now=self.now, fresh=fresh, among=self.among)
        except Invalid:  # its query came past the check, long ago
            return {}
        return {pk: values[name] for pk, values in found.items()}

    def _targets(self, blueprint: Blueprint, name: str, keys: list[int]) -> dict[int, Json] | None:
        """What the targets compute, where a worker has not come by yet; else SQL counts by what is stored of it."""
        declared = blueprint.aggregation_properties[name]
        target = self.among.get(declared["target"])
        read = counted(declared, target) if target else set()
        if not (target and read) or not Stale.objects.filter(blueprint__in=target.derived.get("reads", ())).exists():
            return None
        return self.of(target.identifier, reached(blueprint, name, keys, self.among), sorted(read))

    # Calculations.

    def _calculate(self, blueprint: Blueprint, names: list[str], keys: list[int]) -> None:
        """What they read is made first, each by itself: on the way to it another of them may be asked for."""
        nodes = {name: (blueprint.identifier, name) for name in names}
        names = [name for name in names if nodes[name] not in self._busy]
        missing = [pk for pk in keys if any(pk not in self._made.get(nodes[name], {}) for name in names)]
        if not names or not missing:
            return
        for name in names:
            with self._making(blueprint, name):
                self.of(blueprint.identifier, missing, self._inputs(blueprint, name))
        for name, found in self._calculations(blueprint, names, missing).items():
            made = self._made.setdefault(nodes[name], {})
            made |= {pk: found.get(pk) for pk in missing}

    def _inputs(self, blueprint: Blueprint, name: str) -> list[str]:
        """Those that are stored never read what depends on the clock."""
        live = set(blueprint.derived.get("live", ()))
        return sorted(inputs(blueprint, name) - (set() if name in live else live))

    def _calculations(self, blueprint: Blueprint, names: list[str], keys: list[int]) -> dict[str, dict[int, Any]]:
        live = set(blueprint.derived.get("live", ()))
        own = self.of(
            blueprint.identifier, keys, sorted({each for name in names for each in self._inputs(blueprint, name)})
        )
        entities = self.load(keys)
        now = self._live_of(blueprint, set(keys)) if live.intersection(names) and live_names(blueprint) else {}
        arrows, teams = _arrows(blueprint, keys), owners(list(entities.values()))
        found = [pk for pk in keys if pk in entities]
        told_of = [
            told(
                entities[pk],
                moves.shown(blueprint, entities[pk].properties) | own[pk] | now.get(pk, {}),
                relations_shown(blueprint, arrows.get(pk, {})),
                teams[pk],
            )
            for pk in found
        ]
        programs = [blueprint.calculation_properties[name]["calculation"] for name in names]
        outcomes = jq.evaluate(programs, told_of)
        values: dict[str, dict[int, Any]] = {name: {} for name in names}
        for pk, row in zip(found, outcomes, strict=True):
            for name, outcome in zip(names, row, strict=True):
                fault = outcome.error or mismatch(blueprint.calculation_properties[name], outcome.value)
                if fault:
                    self.faults[pk, name] = fault
                else:
                    values[name][pk] = outcome.value
        return values


def mismatch(declared: Json, value: Any) -> str:
    """Why a calculation's value is not of its type."""
    kind = declared["type"]
    if value is None or isinstance(value, TYPES[kind]) and not (kind == "number" and isinstance(value, bool)):
        return ""
    said = next((words for each, words in SAID.items() if isinstance(value, each)), "a number")
    return f"gives {said}; it is declared as {kind}"


def _joined(values: list[Any], many: bool) -> Any:
    """Of one entity its value. Of many a list of theirs, lists laid flat; nothing where none has any."""
    if not many:
        return values[0] if values else None
    flat: list[Any] = []
    for each in values:
        flat += each if isinstance(each, list) else [] if each is None else [each]
    return flat[:MOST_SHOWN] or None


def _meta(entity: Entity, name: str) -> Any:
    values: Json = {
        "$identifier": entity.identifier,
        "$title": str(entity),
        "$icon": entity.icon or None,
        "$createdAt": iso(entity.created_at),
        "$updatedAt": iso(entity.updated_at),
        "$createdBy": entity.created_by,
        "$updatedBy": entity.updated_by,
        "$blueprint": entity.blueprint.identifier,
        "$datasource": entity.datasource or None,
    }
    return values.get(name)


def _walked(
    blueprint: Blueprint, way: Way, keys: Sequence[int], among: Mapping[str, Blueprint]
) -> list[tuple[int, int]]:
    """(where it began, where it came to), in the order of the arrows."""
    last, here = len(way) - 1, among[way[0].blueprint]
    joins = ""
    parameters: list[Any] = []
    for number, step in enumerate(way[1:], start=1):
        joins += f" join catalog_relation r{number} on r{number}.source_id = r{number - 1}.target_id and r{number}.name = any(%s)"
        parameters.append(here.names_stored(step.relation))
        here = among[step.blueprint]
    order = ", ".join(f"r{number}.position, r{number}.id" for number in range(last + 1))
    query = (
        f"select r0.source_id, r{last}.target_id from catalog_relation r0{joins}"
        f" join catalog_entity e on e.id = r{last}.target_id and e.blueprint_id = %s"
        f" where r0.source_id = any(%s) and r0.name = any(%s) order by {order}"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, [*parameters, here.pk, list(keys), blueprint.names_stored(way[0].relation)])
        return list(cursor.fetchall())


_ARROWS = """
    select r.source_id, r.name, e.identifier from catalog_relation r join catalog_entity e on e.id = r.target_id
    where r.source_id = any(%s) order by r.position, r.id
"""


def _arrows(blueprint: Blueprint, keys: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    if not blueprint.relations:
        return {}
    found: dict[int, dict[str, list[str]]] = {}
    for source, name, identifier in rows.prepared(_ARROWS, [list(keys)]):
        found.setdefault(source, {}).setdefault(name, []).append(identifier)
    return found


def computed(blueprint: Blueprint, pks: Sequence[int]) -> tuple[dict[int, Json], dict[tuple[int, str], str]]:
    """Everything the blueprint computes of these entities, made anew; and by entity and calculation why there is no value."""
    world = World()
    return world.of(blueprint.identifier, pks), world.faults


# Storing.


def settle(pks: Iterable[int]) -> int:
    """Stores the computed values of these entities as they are now; answers how many had others. In a transaction."""
    rows_held = Entity.objects.filter(pk__in=sorted(pks)).select_for_update(no_key=True).order_by("pk")
    held = list(rows_held)
    if not held:
        return 0
    return len(stored_anew(held, World()))


def stored_anew(held: Sequence[Entity], world: World) -> list[Entity]:
    """Whose rows the caller holds; answers those whose values were others."""
    wrong = made_anew(held, world)
    rows.update(wrong, ["computed"])
    return wrong


def made_anew(held: Sequence[Entity], world: World) -> list[Entity]:
    """Sets their computed values and stores nothing; answers those whose values were others."""
    for each in held:
        blueprint = world.among.with_key(each.blueprint_id)
        assert blueprint  # it stays while its entities are held
        each.blueprint = blueprint
    world.know(held)
    wrong: list[Entity] = []
    for blueprint in {each.blueprint for each in held}:
        own = [each for each in held if each.blueprint_id == blueprint.pk]
        fresh = stored_values(world, blueprint, [each.pk for each in own])
        for each in own:
            if each.computed != fresh[each.pk]:
                each.computed = fresh[each.pk]
                wrong.append(each)
    return wrong


def stored_values(world: World, blueprint: Blueprint, pks: Sequence[int]) -> dict[int, Json]:
    live = set(blueprint.derived.get("live", ()))
    names = [name for name in blueprint.computed_properties if name not in live]
    return world.of(blueprint.identifier, pks, names)
