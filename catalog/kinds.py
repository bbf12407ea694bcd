"""Blueprints that come installed, and the hooks of the apps that own them.

An upper app registers a Kind so that a write through the generic API and through the app's own door
are one command with one result. It registers Live values for properties that depend on time.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db import transaction

from portal.audit.record import record
from portal.kit.by import By, system

if TYPE_CHECKING:
    from django.db.models import Expression, Q

    from catalog.models import Blueprint, Entity
    from catalog.wishes import Wish

Json = dict[str, Any]

# The keys of a definition that the portal knows, and those that it alone writes and clients send back.
KNOWN = frozenset(
    "identifier title description icon schema calculationProperties mirrorProperties aggregationProperties relations "
    "ownership teamInheritance changelogDestination createdAt createdBy updatedAt updatedBy".split()
)


@dataclass(frozen=True)
class Kind:
    """`definition` is the blueprint as the API would send it.

    `base` are the keys without which it is not this kind: properties and relations that may not be removed or retyped.
    `told` are properties that the owner keeps up by itself: what a person typed there would not stay.
    `write(wish, by)` takes a whole write over, or answers None to let it be stored plain.
    `saved(entity, by)` runs inside the write's transaction.
    """

    definition: Json
    base_relations: tuple[str, ...] = ()
    told: frozenset[str] = frozenset()
    write: "Callable[[Wish, By], Entity | None] | None" = None
    saved: "Callable[[Entity, By], None] | None" = None
    # What else than its permissions keeps its entities from a viewer: `seen(by)` is true of those that he may see,
    # None where all are; asked only where something in the catalog is kept from somebody.
    seen: "Callable[[By], Q | None] | None" = None
    # True of entities that are deleted already, though their rows are still there: nobody sees them.
    going: "Callable[[], Q] | None" = None
    # `settle()` is called before its entities are read.
    settle: "Callable[[], None] | None" = None
    # Relations that have come to it since, by the owner's doing; they are as much of its base as the others.
    grown: "Callable[[], Json] | None" = None

    def whole(self) -> Json:
        """The definition, with what has grown."""
        relations = (self.definition.get("relations") or {}) | (self.grown() if self.grown else {})
        return self.definition | {"relations": relations}

    @property
    def identifier(self) -> str:
        return str(self.definition["identifier"])


@dataclass(frozen=True)
class Live:
    """Properties of a blueprint that are true at the instant of reading, and never stored.

    `load(entities)` answers `{entity id: {property: value}}` in a fixed number of queries.
    `write(entity, wished, by)` calls the owner's command with the properties a client sent.
    `function` names an SQL function that makes the same values, one JSON object, from an entity's key:
    lists are searched and sorted by it. Without one the blueprint's entities have none of the properties.
    """

    blueprint: str
    properties: frozenset[str]
    load: "Callable[[Sequence[Entity]], dict[int, Json]]"
    write: "Callable[[Entity, Json, By], None]"
    function: str = ""
    # Where each property has an expression of its own; it says of an entity's row what `load` says.
    expression: "Callable[[str], Expression] | None" = None
    # Those that it was put together of, where several apps own properties of one blueprint.
    parts: "tuple[Live, ...]" = ()

    def of(self, name: str) -> "Live":
        """The one that owns the property."""
        return next((each for each in self.parts if name in each.properties), self)


@dataclass(frozen=True)
class Panel:
    """A part of an entity's page that another app owns; it loads from the URL called `url_name`, by identifier.

    Panels stand by their `order`.
    """

    blueprint: str
    name: str
    title: str
    url_name: str
    order: int


@dataclass
class _Registry:
    kinds: dict[str, Kind] = field(default_factory=dict)
    live: dict[str, Live] = field(default_factory=dict)
    panels: list[Panel] = field(default_factory=list)
    sources: "list[Callable[[Blueprint, Live | None], Live | None]]" = field(default_factory=list)


_registry = _Registry()


def register(kind: Kind) -> None:
    _registry.kinds[kind.identifier] = kind


def register_live(live: Live) -> None:
    there = _registry.live.get(live.blueprint)
    _registry.live[live.blueprint] = _together(there, live) if there else live


def _together(*lives: Live) -> Live:
    parts = tuple(part for each in lives for part in (each.parts or (each,)))

    def load(entities: "Sequence[Entity]") -> dict[int, Json]:
        found: dict[int, Json] = {}
        for part in parts:
            for pk, values in part.load(entities).items():
                found[pk] = found.get(pk, {}) | values
        return found

    @transaction.atomic
    def write(entity: "Entity", wished: Json, by: By) -> None:
        for part in parts:
            if own := {name: value for name, value in wished.items() if name in part.properties}:
                part.write(entity, own, by)

    names = frozenset[str]().union(*(each.properties for each in parts))
    function = next((each.function for each in parts if each.function), "")
    return Live(parts[0].blueprint, names, load, write, function=function, parts=parts)


def register_panel(panel: Panel) -> None:
    _registry.panels.append(panel)


def panels(blueprint: str) -> list[Panel]:
    own = [panel for panel in _registry.panels if panel.blueprint == blueprint]
    return sorted(own, key=lambda panel: panel.order)


def kind(blueprint: str) -> Kind | None:
    return _registry.kinds.get(blueprint)


def register_live_source(source: "Callable[[Blueprint, Live | None], Live | None]") -> None:
    """For live properties that a blueprint's own definition tells of: `source(blueprint, registered)` answers all of them."""
    _registry.sources.append(source)


def settle(blueprint: str) -> None:
    """Before entities of it are read."""
    found = _registry.kinds.get(blueprint)
    if found and found.settle:
        found.settle()


def growing() -> list[Kind]:
    return [each for each in _registry.kinds.values() if each.grown]


def going(blueprint: str = "") -> "list[Q]":
    """What is true of entities that are deleted already: of the blueprint's, of all without one."""
    return [each.going() for name, each in _registry.kinds.items() if each.going and blueprint in ("", name)]


def bounded() -> list[Kind]:
    """Those whose entities are kept from viewers by more than permissions."""
    return [each for each in _registry.kinds.values() if each.seen]


def live(blueprint: "Blueprint") -> Live | None:
    found = _registry.live.get(blueprint.identifier)
    for source in _registry.sources:
        found = source(blueprint, found)
    return found


def live_in(name: str) -> list[str]:
    """The blueprints whose property of this name is live."""
    return [each.blueprint for each in _registry.live.values() if name in each.properties]


def merge(base: Json, own: Json) -> Json:
    """The blueprint `own` with whatever of the kind's `base` it leaves out."""
    merged = base | own
    schema, own_schema = base["schema"], own.get("schema") or {}
    merged["schema"] = {
        "properties": schema["properties"] | (own_schema.get("properties") or {}),
        "required": own_schema.get("required", schema.get("required", [])),
    }
    merged["relations"] = (base.get("relations") or {}) | (own.get("relations") or {})
    return merged


@transaction.atomic
def install(**_: Any) -> None:
    """Makes the blueprints of all kinds, once; what people added to them stays."""
    from catalog.models import Blueprint

    by = system("setup")
    for each in _registry.kinds.values():
        if not Blueprint.objects.filter(identifier=each.identifier).exists():
            blueprint = Blueprint(created_by=by.actor.name, updated_by=by.actor.name)
            fill(blueprint, each.definition)
            blueprint.save()
            record("blueprint.created", blueprint.noun(), by=by, after=blueprint.facts())


def definition_of(blueprint: Any) -> Json:
    """What `fill` was given, with the properties in their order."""
    definition: Json = blueprint.facts()
    return definition | {"schema": blueprint.schema | {"properties": blueprint.properties}}


def fill(blueprint: Any, definition: Json) -> None:
    """Sets a Blueprint's columns from a definition as clients send it."""
    schema = definition["schema"]
    blueprint.identifier = definition["identifier"]
    blueprint.title = definition["title"]
    blueprint.description = definition.get("description") or ""
    blueprint.icon = definition.get("icon") or ""
    blueprint.schema = {"properties": schema.get("properties", {}), "required": schema.get("required", [])}
    blueprint.calculation_properties = definition.get("calculationProperties") or {}
    blueprint.mirror_properties = definition.get("mirrorProperties") or {}
    blueprint.aggregation_properties = definition.get("aggregationProperties") or {}
    blueprint.relations = {
        name: {"required": False, "many": False} | each for name, each in (definition.get("relations") or {}).items()
    }
    blueprint.ownership = definition.get("ownership")
    blueprint.team_inheritance = definition.get("teamInheritance")
    blueprint.changelog_destination = definition.get("changelogDestination")
    blueprint.extra = {key: value for key, value in definition.items() if key not in KNOWN}
    blueprint.order = list(blueprint.schema["properties"])
