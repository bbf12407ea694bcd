"""Entities as programs in jq read them."""

from typing import Any

from catalog import moves
from catalog.models import Blueprint, Entity, Json
from portal.kit.clock import iso


def told(entity: Entity, properties: Json, relations: Json, team: list[str]) -> Json:
    return {
        "identifier": entity.identifier,
        "title": entity.title or None,
        "icon": entity.icon or None,
        "team": team,
        "blueprint": entity.blueprint.identifier,
        "properties": properties,
        "relations": relations,
        "createdAt": iso(entity.created_at),
        "createdBy": entity.created_by,
        "updatedAt": iso(entity.updated_at),
        "updatedBy": entity.updated_by,
    }


def relations_shown(blueprint: Blueprint, targets: dict[str, list[Any]]) -> Json:
    """A list where the blueprint says many, one alone elsewhere; what it does not declare is left out."""
    declared = blueprint.relations
    targets = moves.shown(blueprint, targets, "relations")
    return {
        name: found if declared[name].get("many") else found[0]
        for name, found in sorted(targets.items())
        if found and name in declared
    }
