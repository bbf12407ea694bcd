"""How the entities of one blueprint come to those of another: chains of relations, told from the definitions alone."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from catalog.models import Blueprint, Json
from catalog.schema.paths import begins_at

LONGEST_WAY = 15
# Found shortest first. Who needs one of the others names it in pathFilter.
MOST_WAYS = 50
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


def ways(blueprint: Blueprint, name: str, among: Known | None = None) -> list[Way]:
    """From the blueprint that has the aggregation `name` to the target of it, each target blueprint at the end of a way.

    With a pathFilter the one that it names, if it leads there. Without, all that only follow arrows, and all that only go
    against them; none comes by a blueprint twice, but one may end where it began. `among`: what `known` answers.
    """
    declared, among = blueprint.aggregation_properties[name], {**(among or known()), blueprint.identifier: blueprint}
    chains = declared.get("pathFilter") or []
    if chains:
        return [way for chain in chains if (way := _named(blueprint.identifier, declared["target"], chain, among))]
    both = [_all(blueprint.identifier, declared["target"], among, forward=forward) for forward in (True, False)]
    return sorted((way for found in both for way in found), key=len)[:MOST_WAYS]


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


def _all(owner: str, target: str, among: Known, *, forward: bool) -> list[Way]:
    """Shortest first: the ways grow by one step at a time, and only where the target can still be reached."""
    near, wanted = _leading(target, among, forward=forward), []
    growing: list[Way] = [()]
    for _ in range(min(LONGEST_WAY, len(among))):
        grown = [(*way, step) for way in growing for step in _steps(_end(owner, way), among, forward=forward)]
        wanted += [way for way in grown if _end(owner, way) == target]
        growing = [way for way in grown if _goes_on(owner, target, way, near)][:MOST_LOOKS]
        if not growing or len(wanted) >= MOST_WAYS:
            break
    return wanted[:MOST_WAYS]


def _goes_on(owner: str, target: str, way: Way, near: set[str]) -> bool:
    here, before = _end(owner, way), {owner, *(step.blueprint for step in way[:-1])}
    return here != target and here in near and here not in before


def _end(owner: str, way: Way) -> str:
    return way[-1].blueprint if way else owner


def _steps(here: str, among: Known, *, forward: bool) -> Iterator[Step]:
    if forward:
        for relation, declared in sorted(among[here].relations.items()) if here in among else ():
            yield Step(relation, True, declared["target"])
        return
    for identifier, other in sorted(among.items()):
        for relation, declared in sorted(other.relations.items()):
            if declared["target"] == here:
                yield Step(relation, False, identifier)


def _leading(target: str, among: Known, *, forward: bool) -> set[str]:
    """The blueprints from which the target is reached."""
    found, fresh = {target}, {target}
    while fresh:
        fresh = {step.blueprint for each in fresh for step in _steps(each, among, forward=not forward)} - found
        found |= fresh
    return found
