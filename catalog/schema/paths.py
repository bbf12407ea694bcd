"""Whether the paths that a definition walks along relations lead anywhere.

The property at the end may be one that nobody declared: its values are kept too.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.schema.definition import group_of

Json = dict[str, Any]
Faults = list[dict[str, str]]

META = frozenset(
    "$identifier $title $team $icon $createdAt $updatedAt $createdBy $updatedBy $blueprint $datasource".split()
)
INSTANTS = {"$createdAt", "$updatedAt"}


@dataclass(frozen=True)
class Known:
    """Of a blueprint, what others' paths need."""

    relations: Json
    declared: Json = field(default_factory=dict)
    ownership: Json = field(default_factory=dict)


def path_faults(definition: Json, known: Mapping[str, Known]) -> Faults:
    """Every fault of the definition's own paths. `known` holds all blueprints, this one as it is to be."""
    found = [*_mirrors(definition, known), *_aggregations(definition, known), *_ownership(definition, known)]
    return [{"path": path, "message": message} for path, message in found]


def ends_of(start: str, steps: list[str], known: Mapping[str, Known]) -> tuple[str, str]:
    """Where the relations lead from the blueprint `start`, and what is wrong on the way (then it leads nowhere)."""
    here = start
    for step in steps:
        relation = known[here].relations.get(step) if here in known else None
        if relation is None:
            return "", f"“{step}” is not a relation of {here}"
        here = relation["target"]
    return here, ""


def _mirrors(definition: Json, known: Mapping[str, Known]) -> Iterator[tuple[str, str]]:
    for name, mirror in group_of(definition, "mirrorProperties").items():
        *steps, last = mirror["path"].split(".")
        _, fault = ends_of(definition["identifier"], steps, known)
        if not fault and last.startswith("$") and last not in META:
            fault = f"{last} is not one of {', '.join(sorted(META))}"
        if fault:
            yield f"mirrorProperties.{name}.path", fault


def _aggregations(definition: Json, known: Mapping[str, Known]) -> Iterator[tuple[str, str]]:
    for name, declared in group_of(definition, "aggregationProperties").items():
        path, target = f"aggregationProperties.{name}", declared["target"]
        for chain in declared.get("pathFilter") or []:
            if fault := _chain(definition["identifier"], target, chain, known):
                yield f"{path}.pathFilter.0.path", fault
        yield from _measured(declared["calculationSpec"], known.get(target, Known({})).declared, target, path)


def _chain(owner: str, target: str, chain: Json, known: Mapping[str, Known]) -> str:
    """From the owner to the target; or, where it says where it begins, from the target to the owner."""
    start = begins_at(owner, target, chain)
    if start not in ("", target) and start in known:
        return f"begins at {start}; a path with fromBlueprint begins at the target, {target}, and leads to {owner}"
    end, fault = ends_of(start or owner, chain["path"], known)
    wanted = owner if start else target
    return fault or ("" if end == wanted else f"leads to {end}, not to {wanted}")


def begins_at(owner: str, target: str, chain: Json) -> str:
    """Where a pathFilter's path begins, empty where it is at the owner."""
    start: str = chain.get("fromBlueprint") or ""
    return "" if start == owner != target else start


def _measured(spec: Json, declared: Json, target: str, path: str) -> Iterator[tuple[str, str]]:
    measured, by = declared.get(spec.get("property", "")), spec.get("measureTimeBy", "")
    if measured and measured.get("type", "number") != "number":
        yield f"{path}.calculationSpec.property", f"is a {measured['type']} of {target}; only numbers are counted up"
    timed = declared.get(by)
    if (timed and timed.get("format") != "date-time") or (by.startswith("$") and by not in INSTANTS):
        yield f"{path}.calculationSpec.measureTimeBy", f"“{by}” is not a date of {target}"


def _ownership(definition: Json, known: Mapping[str, Known]) -> Iterator[tuple[str, str]]:
    """The owner at the end may get its own ownership later: clients patch several blueprints at once."""
    ownership = definition.get("ownership") or {}
    if ownership.get("type") != "Inherited":
        return
    steps = ownership["path"].split(".")
    end, fault = ends_of(definition["identifier"], steps, known)
    here = definition["identifier"]
    for step in steps if not fault else []:
        relation = known[here].relations[step]
        if relation.get("many"):
            fault = f"“{step}” of {here} leads to many; an owner is found along single relations only"
        here = relation["target"]
    if not fault and end in known and known[end].ownership.get("type") == "Inherited":
        fault = f"{end} inherits its ownership itself; lead the path on to where it is Direct"
    if fault:
        yield "ownership.path", fault
