"""Blueprints and entities as the pages show them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from django.core.serializers.json import DjangoJSONEncoder
from django.urls import reverse

from catalog import kinds
from catalog.icons import icon_of
from catalog.models import Blueprint, Entity
from catalog.queries import Related, computed_definitions, owner_teams, relations_of
from catalog.search import standings
from catalog.tables import cells
from catalog.tables.addresses import entity_url, list_url
from portal.kit.clock import iso

Json = dict[str, Any]

LINK_ICONS = {
    "logsUrl": "file-text",
    "errorsUrl": "bug",
    "sessionsUrl": "eye",
    "tracesUrl": "route",
    "serviceMapUrl": "map",
}
HEADLINE = ("tier", "onCall", "region", "status", "version")  # what people look for first, where a blueprint has it


def blueprint_row(blueprint: Blueprint) -> Json:
    return {
        "identifier": blueprint.identifier,
        "title": blueprint.title,
        "description": blueprint.description,
        "icon": icon_of(blueprint.icon),
        "url": list_url(blueprint.identifier),
        "count": getattr(blueprint, "count", None),
    }


def properties(entity: Entity, values: Json) -> list[Json]:
    """All declared ones, then what was sent beyond the blueprint."""
    known = entity.blueprint.properties | computed_definitions(entity.blueprint)
    extra: dict[str, Json] = {name: {} for name in sorted(values.keys() - known.keys())}
    return [
        {
            "title": definition.get("title") or name,
            "description": definition.get("description") or "",
            "html": cells.value(definition, values.get(name), brief=False),
        }
        for name, definition in (known | extra).items()
    ]


def relations(entity: Entity) -> list[Json]:
    """What it points at by each of its relations, as far as it was read with them."""
    arrows = list(entity.arrows.all())
    return [
        {
            "title": declared.get("title") or name,
            "description": declared.get("description") or "",
            "html": cells.targets([each for each in arrows if each.name == name]),
        }
        for name, declared in entity.blueprint.relations.items()
    ]


def headline(entity: Entity, values: Json) -> list[Json]:
    blueprint = entity.blueprint
    facts = []
    teams = owner_teams(entity)
    if teams or (blueprint.ownership or {}).get("type") == "Direct":
        facts.append({"label": "Team", "html": cells.teams(teams, blueprint.identifier)})
    known = blueprint.properties | computed_definitions(blueprint)
    for name in HEADLINE:
        definition = known.get(name)
        if definition and values.get(name) not in (None, ""):
            facts.append({"label": definition.get("title") or name, "html": cells.value(definition, values[name])})
    return facts


def links(entity: Entity, values: Json) -> list[Json]:
    """Its addresses as buttons."""
    return [
        {"label": definition.get("title") or name, "url": values[name], "icon": LINK_ICONS.get(name, "external-link")}
        for name, definition in (entity.blueprint.properties | computed_definitions(entity.blueprint)).items()
        if definition.get("format") == "url" and cells.is_web(values.get(name))
    ]


def tabs(entity: Entity, tab: str, related: Sequence[Related]) -> list[Json]:
    here = entity_url(entity.blueprint.identifier, entity.identifier)
    parts = [("overview", "Overview", None), ("related", "Related", sum(group.count for group in related))]
    parts += [(panel.name, panel.title, None) for panel in kinds.panels(entity.blueprint.identifier)]
    parts += [("scorecards", "Scorecards", None)] if standings.judges(entity.blueprint) else []
    parts += [("runs", "Runs", None), ("changelog", "Changelog", None), ("json", "JSON", None)]
    return [
        {
            "label": label,
            "url": here if name == "overview" else f"{here}?tab={name}",
            "active": name == tab,
            "count": count,
        }
        for name, label, count in parts
    ]


def panels(entity: Entity) -> list[Json]:
    return [
        {"id": panel.name, "title": panel.title, "url": reverse(panel.url_name, args=[entity.identifier])}
        for panel in kinds.panels(entity.blueprint.identifier)
    ]


def panel_urls(entity: Entity) -> dict[str, str]:
    """Where the tabs beside overview and related load from."""
    named = {"blueprint": entity.blueprint.identifier, "entity": entity.identifier}
    own = {panel["id"]: panel["url"] for panel in panels(entity)}
    return (
        own
        | {"scorecards": reverse("scorecards:panel", query=named)}
        | {"runs": reverse("actions:panel", query=named), "changelog": reverse("pages:changelog", query=named)}
    )


def related_tabs(entity: Entity, groups: Sequence[Related], blueprints: Mapping[str, Blueprint], of: str) -> list[Json]:
    """One for each relation that leads from or to the entity; `of` is the one that is shown."""
    here = f"{entity_url(entity.blueprint.identifier, entity.identifier)}?tab=related&of="
    return [
        {
            **_relation(group, blueprints[group.blueprint], entity.blueprint),
            "count": group.count,
            "url": here + quote(group.key),
            "active": group.key == of,
        }
        for group in groups
    ]


def _relation(group: Related, other: Blueprint, own: Blueprint) -> Json:
    declaring = other if group.incoming else own
    relation = declaring.relations.get(group.name, {}).get("title") or group.name
    if group.incoming:
        return {"label": f"{other.title}: {relation}", "title": f"{other.title}, whose “{relation}” is this"}
    return {"label": relation, "title": other.title}


def as_json(entity: Entity, values: Json) -> str:
    """The entity as programs read it."""
    whole = entity.facts(relations_of(entity)) | {
        "blueprint": entity.blueprint.identifier,
        "properties": values,
        "createdAt": iso(entity.created_at),
        "createdBy": entity.created_by,
        "updatedAt": iso(entity.updated_at),
        "updatedBy": entity.updated_by,
    }
    return json.dumps(whole, indent=2, ensure_ascii=False, cls=DjangoJSONEncoder)
