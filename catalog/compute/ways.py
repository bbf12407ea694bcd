"""How the entities of one blueprint come to those of another: chains of relations, told from the definitions alone."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush

from catalog.models import Blueprint, Json
from catalog.schema.paths import begins_at

LONGEST_WAY = 15
# Found shortest first. Who needs one of the others names it in pathFilter.
MOST_WAYS = 50
# Places from which a next step is tried.
MOST_LOOKS = 5000


@dataclass(frozen=True)
class Step:
    """Along the arrows called `relation`, or against them (not `forward`), to `blueprint`."""

    relation: str
    forward: bool
    blueprint: str


Way = tuple[Step, ...]
Known = Mapping[str, Blueprint]


def known() -> dict[str, Blueprint]:
    """All blueprints, by identifier. One query."""
    return {each.identifier: each for each in Blueprint.objects.all()}


class Around(Known):
    """All blueprints, by identifier; read are only these and those that their computed values depend on, in one query.

    Another is read when it is asked for, and all of them when somebody goes through them.
    """

    def __init__(self, blueprints: Iterable[Blueprint]) -> None:
        self._read = {each.identifier: each for each in blueprints}
        self._is_whole = False
        held = {each.pk for each in self._read.values()}
        others = {pk for each in self._read.values() for pk in each.derived.get("reads", ())} - held
        if others:
            self._take(pk__in=others)

    def with_key(self, pk: int) -> Blueprint | None:
        if not any(each.pk == pk for each in self._read.values()):
            self._take(pk=pk)
        return next((each for each in self._read.values() if each.pk == pk), None)

    def __getitem__(self, identifier: str) -> Blueprint:
        if identifier not in self._read and not self._is_whole:
            self._take(identifier=identifier)
        return self._read[identifier]

    def __iter__(self) -> Iterator[str]:
        self._take_all()
        return iter(self._read)

    def __len__(self) -> int:
        self._take_all()
        return len(self._read)

    def _take_all(self) -> None:
        if not self._is_whole:
            self._take()
            self._is_whole = True

    def _take(self, **which: object) -> None:
        """Those that are known stay the objects that they are."""
        self._read = {each.identifier: each for each in Blueprint.objects.filter(**which)} | self._read


def ways(blueprint: Blueprint, name: str, among: Known | None = None) -> list[Way]:
    """From the blueprint that has the aggregation `name` to the target of it, each target blueprint at the end of a way.

    With a pathFilter the one that it names, if it leads there. Without, all that only follow arrows, and all that only go
    against them; none comes by a blueprint twice, but one may end where it began. `among`: what `known` answers.
    """
    return Roads({**(among or known()), blueprint.identifier: blueprint}).ways(blueprint, name)


class Roads:
    """All relations of all blueprints, from either end."""

    def __init__(self, among: Known) -> None:
        self.among = among
        self._onward: dict[str, list[Step]] = {name: [] for name in among}
        self._back: dict[str, list[Step]] = {name: [] for name in among}
        for identifier, blueprint in sorted(among.items()):
            for relation, declared in sorted(blueprint.relations.items()):
                self._onward[identifier].append(Step(relation, True, declared["target"]))
                self._back.setdefault(declared["target"], []).append(Step(relation, False, identifier))

    def ways(self, blueprint: Blueprint, name: str) -> list[Way]:
        """What the function of this name answers; the blueprint is among them."""
        declared = blueprint.aggregation_properties[name]
        owner, target = blueprint.identifier, declared["target"]
        chains = declared.get("pathFilter") or []
        if chains:
            return [way for chain in chains if (way := _named(owner, target, chain, self.among))]
        both = [self._all(owner, target, forward=forward) for forward in (True, False)]
        return sorted((way for found in both for way in found), key=len)[:MOST_WAYS]

    def _all(self, owner: str, target: str, *, forward: bool) -> list[Way]:
        """Shortest first. Only what may still come to the target is followed, and first what may come to it soonest."""
        near, looks = self._leading(target, forward=forward), 0
        wanted: list[Way] = []
        longest = min(LONGEST_WAY, len(self.among))
        growing: list[tuple[int, tuple[int, ...], Way]] = [(0, (), ())]
        while growing and len(wanted) < MOST_WAYS and looks < MOST_LOOKS:
            _, places, way = heappop(growing)
            here, before = _end(owner, way), {owner, *(step.blueprint for step in way)}
            if way and here == target:
                wanted.append(way)
                continue
            looks += 1
            for place, step in enumerate(self._steps(here, forward)):
                length = len(way) + 1 + near.get(step.blueprint, LONGEST_WAY)
                if length <= longest and (step.blueprint == target or step.blueprint not in before):
                    heappush(growing, (length, (*places, place), (*way, step)))
        return wanted

    def _steps(self, here: str, forward: bool) -> list[Step]:
        return (self._onward if forward else self._back).get(here, [])

    def _leading(self, target: str, *, forward: bool) -> dict[str, int]:
        """The blueprints from which the target is reached, each with the least number of steps to it."""
        found, fresh, steps = {target: 0}, {target}, 0
        while fresh:
            steps += 1
            fresh = {each.blueprint for here in fresh for each in self._steps(here, not forward)} - found.keys()
            found |= dict.fromkeys(fresh, steps)
        return found


def _end(owner: str, way: Way) -> str:
    return way[-1].blueprint if way else owner


def _named(owner: str, target: str, chain: Json, among: Known) -> Way | None:
    """A path that begins somewhere is read from its end, which is the owner."""
    start = begins_at(owner, target, chain)
    places = _along(start or owner, chain["path"], among)
    if places is None or (places[0], places[-1]) != ((target, owner) if start else (owner, target)):
        return None
    steps = list(zip(chain["path"], places, places[1:], strict=False))
    if not start:
        return tuple(Step(relation, True, end) for relation, _, end in steps)
    return tuple(Step(relation, False, begin) for relation, begin, _ in reversed(steps))


def _along(start: str, path: list[str], among: Known) -> list[str] | None:
    """The blueprints on the path, the first and the last too; None where it leads nowhere."""
    places = [start]
    for relation in path:
        declared = among[places[-1]].relations.get(relation) if places[-1] in among else None
        if declared is None:
            return None
        places.append(declared["target"])
    return places
