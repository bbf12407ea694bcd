from collections.abc import Mapping, Sequence, Set
from types import MappingProxyType
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import compute, kinds, queries, search
from catalog.commands.moves import move_start, moves_finish
from catalog.commands.timers import timers_drop
from catalog.models import Blueprint
from catalog.moves import Arm, Fill, Move, Part, Work, moving
from catalog.permissions.telling import telling_no_more
from catalog.schema.definition import GROUPS, check_blueprint, check_given, group_of, timers_of
from catalog.schema.paths import Known, path_faults
from catalog.schema.types import type_of
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit import outgoing
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]

NOTHING: Json = {"schema": {"properties": {}}}


@retried
@transaction.atomic
def blueprint_create(definition: Json, *, by: By) -> Blueprint:
    """A taken identifier is a Conflict, except a kind's own: that merges into the kind."""
    check_blueprint(definition)
    require(by, "blueprint.write", blueprint=definition["identifier"])
    compute.hold_definitions()
    with telling_no_more(by):
        made = _merge(definition, by) if kinds.kind(definition["identifier"]) else _create(definition, {}, by)
    compute.derive(made)
    return made


@retried
@transaction.atomic
def blueprints_import(definitions: Sequence[Json], *, by: By) -> list[Blueprint]:
    """Makes those that are missing and sets those that are there: all, or none.

    They may speak of each other in any order, and in circles.
    """
    for number, definition in enumerate(definitions):
        check_blueprint(definition, under=f"blueprints.{number}")
        require(by, "blueprint.write", blueprint=definition["identifier"])
    named = {each["identifier"]: each for each in definitions}
    if len(named) < len(definitions):
        raise Invalid.at("blueprints", "names a blueprint twice")
    compute.hold_definitions()
    coming = {name: _known(each) for name, each in named.items()}
    there = set(Blueprint.objects.filter(identifier__in=named).values_list("identifier", flat=True))
    # In one order, whoever imports: two at once wait for each other instead of both giving up.
    with telling_no_more(by):
        done = {name: _import(named[name], name in there, coming, by) for name in sorted(named)}
    compute.derive()
    return [done[each["identifier"]] for each in definitions]


def _import(definition: Json, exists: bool, coming: Mapping[str, Known], by: By) -> Blueprint:
    if kinds.kind(definition["identifier"]):
        return _merge(definition, by, coming)
    if exists:
        return _set(held(definition["identifier"]), definition, coming, by=by)
    return _create(definition, coming, by)


def _merge(definition: Json, by: By, coming: Mapping[str, Known] = MappingProxyType({})) -> Blueprint:
    existing = held(definition["identifier"])
    return _set(existing, kinds.merge(kinds.definition_of(existing), definition), coming, by=by)


def _create(definition: Json, coming: Mapping[str, Known], by: By) -> Blueprint:
    _check_destination(definition, {})
    check_others(definition, coming)
    blueprint = Blueprint(created_by=by.actor.name, updated_by=by.actor.name)
    kinds.fill(blueprint, definition)
    try:
        with transaction.atomic():
            blueprint.save()
    except IntegrityError as taken:
        raise Conflict(
            f'Blueprint with identifier "{blueprint.identifier}" already exists', code="identifier_taken"
        ) from taken
    record("blueprint.created", blueprint.noun(), by=by, after=blueprint.facts())
    return blueprint


def blueprint_update(blueprint: Blueprint, definition: Json, *, partial: bool = False, by: By) -> Blueprint:
    """Sets the whole definition, or its top-level keys that are given when `partial`.

    Absent keys of a kind's base are kept; nothing changed is no event. What the blueprint no longer declares goes from
    its entities; what they would not satisfy is refused (Invalid, with how many).
    """
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    check_given(definition)
    old = kinds.definition_of(blueprint)
    moves_finish(blueprint, _changed(old, (old if partial else NOTHING) | definition))
    return _update(blueprint.identifier, definition, partial, by)


@retried
@transaction.atomic
def _update(identifier: str, definition: Json, partial: bool, by: By) -> Blueprint:
    blueprint = held(identifier)
    definition = {"identifier": identifier} | definition
    # Merged under the lock: of two who change different keys at once, neither is lost.
    with telling_no_more(by):
        _set(blueprint, kinds.definition_of(blueprint) | definition if partial else definition, by=by)
    compute.derive(blueprint)
    return blueprint


def held(identifier: str) -> Blueprint:
    """Nobody writes its entities, or it, until the transaction ends."""
    compute.hold_definitions()
    advisory_lock("schema", identifier)
    found = Blueprint.objects.select_for_update(no_key=True).filter(identifier=identifier).first()
    if found is None:
        raise Missing(f'Blueprint with identifier "{identifier}" was not found')
    return found


def _set(
    blueprint: Blueprint, definition: Json, coming: Mapping[str, Known] = MappingProxyType({}), *, by: By
) -> Blueprint:
    kind = kinds.kind(blueprint.identifier)
    if kind:
        definition = kinds.merge(kind.whole(), definition)
        _check_base(kind, definition)
    check_blueprint(definition)
    if definition["identifier"] != blueprint.identifier:
        raise Invalid.at("identifier", "the identifier of a blueprint cannot be changed")
    old = kinds.definition_of(blueprint)
    _check_destination(definition, old)
    check_others(definition, coming, before=old)
    check_free(blueprint, _changed(old, definition))
    if unfit := queries.misfits(blueprint, definition):
        raise Invalid.of([{"path": each.path, "message": each.message, "entities": each.count} for each in unfit])
    before, order = blueprint.facts(), blueprint.order
    lost = _losses(old, definition)
    filled = _fills(blueprint, definition)
    running = timers_of(blueprint.schema)
    kinds.fill(blueprint, definition)
    after = blueprint.facts()
    if after == before and blueprint.order == order:
        return blueprint
    counts = {"removed": _start(blueprint, lost, by), "filled": _start(blueprint, filled, by)}
    payload = {name: count for name, count in counts.items() if count}
    _time(blueprint, running, by)
    stamp(blueprint, by)
    record(
        "blueprint.updated",
        blueprint.noun(),
        by=by,
        before=before,
        after=after,
        payload=payload | ({"order": blueprint.order} if blueprint.order != order else {}),
    )
    return blueprint


def stamp(blueprint: Blueprint, by: By) -> None:
    blueprint.updated_at, blueprint.updated_by = timezone.now(), by.actor.name
    blueprint.save()


def check_free(blueprint: Blueprint, names: Set[str]) -> None:
    busy = sorted({each.new or each.old for each in moving(blueprint) if {each.old, each.new} & names})
    if busy:
        raise Conflict(f"Values of {', '.join(busy)} are still being moved; ask again in a moment.", code="migrating")


def _changed(old: Json, new: Json) -> set[str]:
    """Names of properties and relations that are declared otherwise, or only before or after."""
    pairs = [(group_of(old, group), group_of(new, group)) for group in (*GROUPS, "relations")]
    return {name for was, will in pairs for name in was.keys() | will.keys() if was.get(name) != will.get(name)}


def _losses(old: Json, new: Json) -> list[Move]:
    parts: dict[str, Part] = {GROUPS[0]: "properties", "relations": "relations"}
    return [
        Move(part, name)
        for group, part in parts.items()
        for name in group_of(old, group).keys() - group_of(new, group).keys()
    ]


def _fills(blueprint: Blueprint, definition: Json) -> list[Fill]:
    """What is required from now on, has a default, and is missing somewhere."""
    schema = definition["schema"]
    fresh = set(schema.get("required", [])) - set(blueprint.schema["required"])
    return [Fill(name, schema["properties"][name]["default"]) for name in fresh if queries.lacking(blueprint, name)]


def _start(blueprint: Blueprint, works: Sequence[Work], by: By) -> Json:
    """By name, how many entities changed at once; the workers do the rest."""
    counts = {each.old if isinstance(each, Move) else each.name: move_start(blueprint, each, by=by) for each in works}
    return {name: count for name, count in sorted(counts.items()) if count}


def _time(blueprint: Blueprint, before: Set[str], by: By) -> None:
    """Properties that are timers from now on run, and those that are none any more stop."""
    now = timers_of(blueprint.schema)
    timers_drop(blueprint, before - now)
    _start(blueprint, [Arm(name) for name in sorted(now - before)], by)


def check_others(definition: Json, coming: Mapping[str, Known], *, before: Json | None = None) -> None:
    """What it says of other blueprints: they are there, or `coming`, and its paths lead somewhere.

    A path that led nowhere before this change, because another blueprint changed, is no fault of this writer's.
    """
    known = queries.known_blueprints() | dict(coming) | {definition["identifier"]: _known(definition)}
    for target in sorted(_targets(definition) - known.keys()):
        raise Missing(f'Blueprint with identifier "{target}" was not found')
    faults = path_faults(definition, known)
    old = path_faults(before, known | {before["identifier"]: _known(before)}) if before and faults else []
    if fresh := [fault for fault in faults if fault not in old]:
        raise Invalid.of(fresh)
    for name, declared in group_of(definition, "aggregationProperties").items():
        if declared.get("query"):
            path = f"aggregationProperties.{name}.query"
            if search.asks_for_viewer(search.parse(declared["query"], path=path)):
                raise Invalid.at(
                    path, "asks who is looking; an aggregation is the same for all, so compare with a value"
                )


def _check_destination(definition: Json, old: Json) -> None:
    """What could never be called would hold up each change until somebody looks. What was there before stays."""
    destination = definition.get("changelogDestination") or {}
    if destination.get("type") != "WEBHOOK" or destination == old.get("changelogDestination"):
        return
    try:
        outgoing.check(destination["url"])
    except outgoing.NotAllowed as reason:
        raise Invalid.at("changelogDestination.url", str(reason)) from reason


def _known(definition: Json) -> Known:
    declared = {name: each for group in GROUPS for name, each in group_of(definition, group).items()}
    return Known(group_of(definition, "relations"), declared, definition.get("ownership") or {})


def _targets(definition: Json) -> set[str]:
    groups = ("relations", "aggregationProperties")
    return {each["target"] for group in groups for each in group_of(definition, group).values()}


def _check_base(kind: kinds.Kind, definition: Json) -> None:
    for name, declared in kind.definition["schema"]["properties"].items():
        if type_of(definition["schema"]["properties"][name]).type != type_of(declared).type:
            raise Invalid.at(f"schema.properties.{name}", f"is a {declared['type']} of the portal and stays one")
    for name in kind.base_relations:
        if definition["relations"][name]["target"] != kind.definition["relations"][name]["target"]:
            raise Invalid.at(f"relations.{name}", "this relation belongs to the portal; its target stays")
