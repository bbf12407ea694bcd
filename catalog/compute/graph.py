"""Which computed property reads what, told from the definitions alone, and what follows for each blueprint.

`Blueprint.derived` keeps it, so that a write and a read ask nothing more:

    plan      changes when the values may: all entities are then computed again
    reads     keys of the blueprints whose changes touch its computed values, itself included
    live      computed properties that depend on the clock: evaluated on read, never stored
    heads     its relations along which the stored ones reach others
    watched   what others' stored values read of its entities: properties, `$title`, `relations.service`; `*`: anything

It is empty for a blueprint without computed properties that no other reads.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from typing import Any

from catalog import kinds
from catalog.compute.asked import asked
from catalog.compute.programs import properties_read, reads_clock
from catalog.compute.ways import Roads, Step, Way
from catalog.models import Blueprint, Json
from catalog.search.values import inherited
from portal.kit.errors import Invalid

Node = tuple[str, str]  # a blueprint's identifier, the name of a computed property
# Whatever depends on others in more ways is computed for whoever reads it, as if it depended on the clock.
MOST_READS = 1000
# Each is a look of its own for whoever reads the last one.
LONGEST_CHAIN = 100
ANYTHING = "*"
ROUND = "is computed from itself"
CLOCK = "depends on the clock: it is computed for whoever reads it, and never stored"


@dataclass(frozen=True)
class Read:
    """What of the entities at the end of a way is read; the arrows on the way are read too."""

    way: Way
    names: frozenset[str]


class Graph:
    """Of all blueprints, by identifier, as they are now. Raises Invalid where something is computed from itself."""

    def __init__(self, among: Mapping[str, Blueprint]) -> None:
        self.among = among
        self._cut: set[tuple[Node, Node]] = set()
        self._reads: dict[Node, list[Read]] = {}
        self._live: dict[Node, bool] = {}
        self._plans: dict[Node, str] = {}
        self._roads = Roads(among)
        self._ways: dict[Node, list[Way]] = {}

    @cached_property
    def nodes(self) -> list[Node]:
        return [(each.identifier, name) for each in self.among.values() for name in sorted(each.computed_properties)]

    # What a computed property reads of others that are computed.

    def sources(self, node: Node) -> list[Node]:
        return [each for each in self._sources(node) if (node, each) not in self._cut]

    def _sources(self, node: Node) -> list[Node]:
        blueprint, name = self.among[node[0]], node[1]
        if name in blueprint.mirror_properties:
            end, last = mirrored(blueprint, name, self.among)
            return [(end.identifier, last)] if end and last in end.computed_properties else []
        if name in blueprint.calculation_properties:
            return [(blueprint.identifier, each) for each in sorted(inputs(blueprint, name))]
        declared = blueprint.aggregation_properties[name]
        target = self.among.get(declared["target"])
        return [(target.identifier, each) for each in sorted(counted(declared, target))] if target else []

    def check(self) -> None:
        """Raises Invalid with the path of whatever goes round in a circle."""
        self._check_chains()
        self._check_rings()
        for node in self.nodes:
            self._check_counts(node)

    def _check_counts(self, node: Node) -> None:
        blueprint, name = self.among[node[0]], node[1]
        clocked = [each for each in self.sources(node) if self.is_live(each)]
        if name in blueprint.aggregation_properties and clocked:
            raise Invalid.at(place(blueprint, name), f"counts by {'.'.join(clocked[0])}, which {CLOCK}")

    def _check_chains(self) -> None:
        depths: dict[Node, int] = {}
        for node in self.nodes:
            if self._depth(node, (), depths) > LONGEST_CHAIN:
                said = f"ends a chain of more than {LONGEST_CHAIN} computed properties"
                raise Invalid.at(place(self.among[node[0]], node[1]), said)

    def _depth(self, node: Node, path: tuple[Node, ...], known: dict[Node, int]) -> int:
        """How many follow one from the other, itself included, as far as it matters; a circle is told by itself."""
        if node in path or len(path) > LONGEST_CHAIN:
            return 1
        if node not in known:
            further = [self._depth(each, (*path, node), known) for each in self.sources(node)]
            known[node] = 1 + max(further, default=0)
        return known[node]

    def _check_rings(self) -> None:
        if ring := self._ring():
            shown = " → ".join(f"{blueprint}.{name}" for blueprint, name in ring)
            raise Invalid.at(place(self.among[ring[0][0]], ring[0][1]), f"{ROUND}: {shown}")

    def cut_circles(self) -> None:
        while ring := self._ring():
            self._cut.add((ring[-2], ring[-1]))

    def _ring(self) -> list[Node]:
        done: set[Node] = set()
        return next(filter(None, (self._walk(node, [], done) for node in self.nodes)), [])

    def _walk(self, node: Node, path: list[Node], done: set[Node]) -> list[Node]:
        """The circle that is come upon from here, its first node at its end again."""
        if node in done:
            return []
        if node in path:
            return [*path[path.index(node) :], node]
        for each in self.sources(node):
            if ring := self._walk(each, [*path, node], done):
                return ring
        done.add(node)
        return []

    # What its value depends on.

    def is_live(self, node: Node) -> bool:
        if node not in self._live:
            self._live[node] = self._depends_on_clock(node) or len(self.reads(node)) > MOST_READS
        return self._live[node]

    def _depends_on_clock(self, node: Node) -> bool:
        blueprint, name = self.among[node[0]], node[1]
        if any(map(self.is_live, self.sources(node))):
            return True
        if name in blueprint.mirror_properties:
            end, last = mirrored(blueprint, name, self.among)
            return end is not None and last in live_names(end)
        if name in blueprint.calculation_properties:
            program = blueprint.calculation_properties[name]["calculation"]
            named = properties_read(program)
            own = live_names(blueprint)
            return reads_clock(program) or bool(own if named is None else own & named)
        declared = blueprint.aggregation_properties[name]
        target = self.among.get(declared["target"])
        return asked(declared).loose or bool(target and asked(declared).names & live_names(target))

    def reads(self, node: Node) -> list[Read]:
        if node not in self._reads:
            self._reads[node] = list(dict.fromkeys(islice(self._found(node), MOST_READS + 1)))
        return self._reads[node]

    def _found(self, node: Node) -> Iterator[Read]:
        blueprint, name = self.among[node[0]], node[1]
        if name in blueprint.calculation_properties:
            yield Read((), frozenset({ANYTHING}))
            begun: list[Way] = [()]
            program = blueprint.calculation_properties[name]["calculation"]
            if "relations" in program or properties_read(program) is None:
                for relation, each in sorted(blueprint.relations.items()):
                    yield Read((Step(relation, True, each["target"]),), frozenset({"$identifier"}))
            if "team" in program or properties_read(program) is None:
                yield from self._owners((), blueprint)
        elif name in blueprint.mirror_properties:
            begun, last = (
                [steps_of(blueprint, name, self.among)],
                blueprint.mirror_properties[name]["path"].split(".")[-1],
            )
            yield Read(begun[0], frozenset({last}))
            end, _ = mirrored(blueprint, name, self.among)
            if end and last == "$team":
                yield from self._owners(begun[0], end)
        else:
            declared = blueprint.aggregation_properties[name]
            begun = self._ways_of(node)
            for way in begun:
                yield from _counting(way, declared, self.among)
        for source in self.sources(node):
            for read in self.reads(source):
                for way in begun:
                    yield Read((*way, *read.way), read.names)

    def _ways_of(self, node: Node) -> list[Way]:
        if node not in self._ways:
            self._ways[node] = self._roads.ways(self.among[node[0]], node[1])
        return self._ways[node]

    def _owners(self, way: Way, blueprint: Blueprint) -> Iterator[Read]:
        """What the teams of its entities depend on beside themselves."""
        here: Blueprint | None = blueprint
        for relation in inherited(blueprint):
            if here is None or relation not in here.relations:
                return
            way = (*way, Step(relation, True, here.relations[relation]["target"]))
            here = self.among.get(way[-1].blueprint)
        if inherited(blueprint):
            yield Read(way, frozenset({"$team"}))

    # What follows for a blueprint.

    def stored(self, blueprint: Blueprint) -> list[Node]:
        own = [(blueprint.identifier, name) for name in sorted(blueprint.computed_properties)]
        return [node for node in own if not self.is_live(node)]

    def derived(self) -> dict[str, Json]:
        watched: dict[str, set[str]] = {name: set() for name in self.among}
        for node in self.nodes:
            if not self.is_live(node):
                for read in self.reads(node):
                    _watch(watched, node[0], read)
        return {name: self._derived(each, watched[name]) for name, each in self.among.items()}

    def _derived(self, blueprint: Blueprint, watched: Set[str]) -> Json:
        found: Json = {"watched": sorted(watched)} if watched else {}
        own = [(blueprint.identifier, name) for name in sorted(blueprint.computed_properties)]
        if not own:
            return found
        reads = [read for node in own for read in self.reads(node)]
        reached = {step.blueprint for read in reads for step in read.way} | {blueprint.identifier}
        stored = self.stored(blueprint)
        heads = {
            read.way[0].relation for node in stored for read in self.reads(node) if read.way and read.way[0].forward
        }
        return found | {
            "plan": _digest([self.plan(node) for node in stored]),
            "reads": sorted(self.among[name].pk for name in reached if name in self.among),
            "live": [name for _, name in own if (blueprint.identifier, name) not in stored],
            "heads": sorted(heads),
        }

    def plan(self, node: Node) -> str:
        """Whatever its values follow from, as far as definitions say it."""
        if node not in self._plans:
            self._plans[node] = _digest([node, self._plan(node), *(self.plan(each) for each in self.sources(node))])
        return self._plans[node]

    def _plan(self, node: Node) -> Any:
        blueprint, name = self.among[node[0]], node[1]
        declared = {key: each for key, each in blueprint.computed_properties[name].items() if key not in _LOOKS}
        if name in blueprint.calculation_properties:
            return [declared, sorted(blueprint.properties), _arrows(blueprint), inherited(blueprint)]
        if name in blueprint.mirror_properties:
            end, last = mirrored(blueprint, name, self.among)
            many = [
                _many(blueprint, name, self.among),
                end and end.identifier,
                end is not None and last in end.declared,
            ]
            return [declared["path"], many, inherited(end) if end and last == "$team" else []]
        target = self.among.get(declared["target"])
        known = sorted(asked(declared).names & target.declared.keys()) if target else []
        return [declared, self._ways_of(node), known]


_LOOKS = {"title", "description", "icon", "colorized", "colors", "enumColors"}


def _arrows(blueprint: Blueprint) -> list[Any]:
    return [[name, each["target"], bool(each.get("many"))] for name, each in sorted(blueprint.relations.items())]


def _watch(watched: dict[str, set[str]], owner: str, read: Read) -> None:
    """Notes what is read of each blueprint on the way. What it reads of itself is its own writer's concern."""
    here = owner
    for step in read.way:
        holder = here if step.forward else step.blueprint
        if step is not read.way[0] or not step.forward:
            watched[holder].add(f"relations.{step.relation}")
        here = step.blueprint
    if read.way:
        watched[here] |= read.names


def live_names(blueprint: Blueprint) -> frozenset[str]:
    owner = kinds.live(blueprint)
    return owner.properties if owner else frozenset()


def place(blueprint: Blueprint, name: str) -> str:
    """Where the definition says it."""
    if name in blueprint.mirror_properties:
        return f"mirrorProperties.{name}.path"
    if name in blueprint.calculation_properties:
        return f"calculationProperties.{name}.calculation"
    return f"aggregationProperties.{name}"


def steps_of(blueprint: Blueprint, name: str, among: Mapping[str, Blueprint]) -> Way:
    """The steps of a mirror's path, as far as they lead anywhere."""
    way: list[Step] = []
    here: Blueprint | None = blueprint
    for relation in blueprint.mirror_properties[name]["path"].split(".")[:-1]:
        declared = here.relations.get(relation) if here else None
        if declared is None:
            break
        way.append(Step(relation, True, declared["target"]))
        here = among.get(declared["target"])
    return tuple(way)


def mirrored(blueprint: Blueprint, name: str, among: Mapping[str, Blueprint]) -> tuple[Blueprint | None, str]:
    """The blueprint at the end of a mirror's path, None where it leads nowhere, and the property."""
    *path, last = blueprint.mirror_properties[name]["path"].split(".")
    way = steps_of(blueprint, name, among)
    return (among.get(way[-1].blueprint) if way and len(way) == len(path) else None), last


def _many(blueprint: Blueprint, name: str, among: Mapping[str, Blueprint]) -> bool:
    return any(is_many(each, relation) for each, relation in on_the_way(blueprint, name, among))


def is_many(blueprint: Blueprint, relation: str) -> bool:
    return bool(blueprint.relations[relation].get("many"))


def on_the_way(blueprint: Blueprint, name: str, among: Mapping[str, Blueprint]) -> Iterable[tuple[Blueprint, str]]:
    """Each blueprint that an arrow of the mirror's path leaves, and the relation."""
    here = blueprint
    for step in steps_of(blueprint, name, among):
        yield here, step.relation
        if step.blueprint not in among:
            return
        here = among[step.blueprint]


def inputs(blueprint: Blueprint, name: str) -> set[str]:
    """The mirrors and aggregations that a calculation may read."""
    own = blueprint.mirror_properties.keys() | blueprint.aggregation_properties.keys()
    named = properties_read(blueprint.calculation_properties[name]["calculation"])
    return set(own) if named is None else own & named


def counted(declared: Json, target: Blueprint) -> set[str]:
    """Computed properties of the target that an aggregation reads."""
    return target.computed_properties.keys() & asked(declared).names


def _counting(way: Way, declared: Json, among: Mapping[str, Blueprint]) -> Iterator[Read]:
    """What it reads at the end of one of its ways, and of what the targets point at."""
    yield Read(way, asked(declared).names)
    target = among.get(declared["target"])
    for name, what in sorted(asked(declared).relations):
        if target and name in target.relations:
            yield Read((*way, Step(name, True, target.relations[name]["target"])), frozenset({what}))


def _digest(said: Any) -> str:
    return hashlib.blake2b(json.dumps(said, sort_keys=True, default=str).encode(), digest_size=12).hexdigest()
