from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import kinds, queries, search
from catalog.models import Blueprint
from catalog.schema.definition import check_blueprint, check_given, group_of
from catalog.schema.paths import Known, path_faults
from catalog.schema.types import type_of
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing

Json = dict[str, Any]


@transaction.atomic
def blueprint_create(definition: Json, *, by: By) -> Blueprint:
    """A taken identifier is a Conflict, except a kind's own: that merges into the kind."""
    check_blueprint(definition)
    require(by, "blueprint.write", blueprint=definition["identifier"])
    kind = kinds.kind(definition["identifier"])
    if kind:
        existing = _locked(kind.identifier)
        return _set(existing, kinds.merge(kinds.definition_of(existing), definition), by=by)
    _check_others(definition)
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


@transaction.atomic
def blueprint_update(blueprint: Blueprint, definition: Json, *, partial: bool = False, by: By) -> Blueprint:
    """Sets the whole definition, or its top-level keys that are given when `partial`.

    Absent keys of a kind's base are kept; nothing changed is no event.
    """
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    check_given(definition)
    blueprint = _locked(blueprint.identifier)
    definition = {"identifier": blueprint.identifier} | definition
    # Merged under the lock: of two who change different keys at once, neither is lost.
    return _set(blueprint, kinds.definition_of(blueprint) | definition if partial else definition, by=by)


def _locked(identifier: str) -> Blueprint:
    found = Blueprint.objects.select_for_update().filter(identifier=identifier).first()
    if found is None:
        raise Missing(f'Blueprint with identifier "{identifier}" was not found')
    return found


def _set(blueprint: Blueprint, definition: Json, *, by: By) -> Blueprint:
    kind = kinds.kind(blueprint.identifier)
    if kind:
        definition = kinds.merge(kind.definition, definition)
        _check_base(kind, definition)
    check_blueprint(definition)
    if definition["identifier"] != blueprint.identifier:
        raise Invalid.at("identifier", "the identifier of a blueprint cannot be changed")
    _check_others(definition, before=kinds.definition_of(blueprint))
    _check_types(blueprint, definition)
    before, order = blueprint.facts(), blueprint.order
    kinds.fill(blueprint, definition)
    after = blueprint.facts()
    if after == before and blueprint.order == order:
        return blueprint
    blueprint.updated_at, blueprint.updated_by = timezone.now(), by.actor.name
    blueprint.save()
    payload = {"order": blueprint.order} if blueprint.order != order else {}
    record("blueprint.updated", blueprint.noun(), by=by, before=before, after=after, payload=payload)
    return blueprint


@transaction.atomic
def blueprint_delete(blueprint: Blueprint, *, by: By) -> None:
    """Refused for a kind, while it has entities, and while another blueprint points at it."""
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    blueprint = _locked(blueprint.identifier)
    if kinds.kind(blueprint.identifier):
        raise Conflict(f"The blueprint “{blueprint.title}” comes with the portal and stays.", code="protected")
    count = blueprint.entities.count()
    if count:
        raise Conflict(
            f"The blueprint “{blueprint.title}” still has {count} entities; delete them first.",
            code="has_dependents",
            entities=count,
        )
    pointing = queries.blueprints_pointing_at(blueprint.identifier)
    if pointing:
        raise Conflict(f"Relations of {', '.join(pointing)} point at it; remove them first.", code="has_dependents")
    record("blueprint.deleted", blueprint.noun(), by=by, before=blueprint.facts())
    blueprint.delete()


def _check_others(definition: Json, *, before: Json | None = None) -> None:
    """What it says of other blueprints: they are there, and its paths lead somewhere.

    A path that led nowhere before this change, because another blueprint changed, is no fault of this writer's.
    """
    known = queries.known_blueprints() | {definition["identifier"]: _known(definition)}
    for target in sorted(_targets(definition) - known.keys()):
        raise Missing(f'Blueprint with identifier "{target}" was not found')
    faults = path_faults(definition, known)
    old = path_faults(before, known | {before["identifier"]: _known(before)}) if before and faults else []
    if fresh := [fault for fault in faults if fault not in old]:
        raise Invalid.of(fresh)
    for name, declared in group_of(definition, "aggregationProperties").items():
        if declared.get("query"):
            search.parse(declared["query"], path=f"aggregationProperties.{name}.query")


def _known(definition: Json) -> Known:
    groups = ("schema.properties", "calculationProperties", "mirrorProperties", "aggregationProperties")
    declared = {name: each for group in groups for name, each in group_of(definition, group).items()}
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


def _check_types(blueprint: Blueprint, definition: Json) -> None:
    """A property that entities have values for keeps its type: values would be lost."""
    for name, declared in definition["schema"]["properties"].items():
        old = blueprint.schema["properties"].get(name)
        if old and old["type"] != declared["type"]:
            count = blueprint.entities.filter(properties__has_key=name).count()
            if count:
                raise Invalid.at(
                    f"schema.properties.{name}.type",
                    f"{count} entities have a value of type {old['type']}; make a new property, move them, then delete this one",
                )
