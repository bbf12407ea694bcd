"""Blueprints and entities as the pages show them."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils import timezone

from catalog import kinds
from catalog.models import Blueprint, Entity
from catalog.queries import Related
from catalog.schema.types import type_of

Json = dict[str, Any]

ICONS = {
    "Microservice": "box",
    "Environment": "layers",
    "DeploymentConfig": "server",
    "Deployment": "rocket",
    "Service": "box",
    "Team": "users",
    "User": "user",
    "Cloud": "cloud",
    "Github": "git-branch",
    "Package": "package",
}
LINK_ICONS = {
    "logsUrl": "file-text",
    "errorsUrl": "bug",
    "sessionsUrl": "eye",
    "tracesUrl": "route",
    "serviceMapUrl": "map",
}
HEADLINE = ("tier", "onCall", "region", "status", "version")  # what people look for first, where a blueprint has it


def entity_url(blueprint: str, identifier: str) -> str:
    return reverse("catalog:entity_detail", args=[blueprint, identifier])


def list_url(blueprint: str) -> str:
    return reverse("catalog:entity_list", args=[blueprint])


def icon_of(name: str) -> str:
    return ICONS.get(name, "box")


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
    known = entity.blueprint.declared
    extra: dict[str, Json] = {name: {} for name in sorted(values.keys() - known.keys())}
    return [
        {
            "title": definition.get("title") or name,
            "description": definition.get("description") or "",
            **shown(definition, values.get(name)),
        }
        for name, definition in (known | extra).items()
    ]


def headline(entity: Entity, values: Json) -> list[Json]:
    owned = entity.team or (entity.blueprint.ownership or {}).get("type") == "Direct"
    facts = [{"label": "Team", "value": ", ".join(entity.team), "url": None}] if owned else []
    for name in HEADLINE:
        definition = entity.blueprint.declared.get(name)
        if definition and values.get(name) not in (None, ""):
            facts.append({"label": definition.get("title") or name, "value": str(values[name]), "url": None})
    return facts


def links(entity: Entity, values: Json) -> list[Json]:
    """Its addresses as buttons."""
    return [
        {"label": definition.get("title") or name, "url": values[name], "icon": LINK_ICONS.get(name, "external-link")}
        for name, definition in entity.blueprint.declared.items()
        if definition.get("format") == "url" and is_web(values.get(name))
    ]


def tabs(entity: Entity, tab: str, related: Sequence[Related]) -> list[Json]:
    here = entity_url(entity.blueprint.identifier, entity.identifier)
    parts = [("overview", "Overview", None), ("related", "Related", sum(group.count for group in related))]
    parts += [(panel.name, panel.title, None) for panel in kinds.panels(entity.blueprint.identifier)]
    parts += [("runs", "Runs", None), ("changelog", "Changelog", None)]
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
    return own | {"runs": reverse("actions:panel", query=named), "changelog": reverse("pages:changelog", query=named)}


def related_rows(groups: Sequence[Related], blueprints: dict[str, Blueprint], own: Blueprint) -> list[Json]:
    return [_related_row(group, blueprints[group.blueprint], own) for group in groups]


def _related_row(group: Related, other: Blueprint, own: Blueprint) -> Json:
    declaring = other if group.incoming else own
    relation = declaring.relations.get(group.name, {}).get("title") or group.name
    return {
        "title": other.title if group.incoming else relation,
        "blueprint": f"whose “{relation}” is this" if group.incoming else other.title,
        "more": group.count - len(group.entities),
        "entities": [
            {
                "title": neighbour.title,
                "identifier": neighbour.identifier,
                "url": entity_url(group.blueprint, neighbour.identifier),
                "icon": icon_of(neighbour.icon or other.icon),
            }
            for neighbour in group.entities
        ],
    }


def is_web(value: object) -> bool:
    """Only these become links: what else a text may hold is not for clicking."""
    return isinstance(value, str) and value.startswith(("https://", "http://"))


def shown(definition: Json, value: Any, *, brief: bool = False) -> Json:
    """What templates/catalog/_value.html shows. A value that does not fit its type is shown as it is."""
    if value is None:
        return {"kind": "none", "value": None}
    kind = type_of(definition).show if definition else ""
    if kind == "enum" and isinstance(value, str | int | float):
        return {
            "kind": "chip",
            "value": value,
            "colour": (definition.get("enumColors") or {}).get(str(value), "lightGray"),
        }
    if isinstance(value, bool):
        return {"kind": "boolean", "value": value}
    if kind == "url" and is_web(value):
        return {"kind": "url", "value": value}
    if kind == "date_time" and (moment := _moment(value)):
        return {"kind": "ahead" if moment > timezone.now() else "datetime", "value": moment}
    if kind == "email" and isinstance(value, str):
        return {"kind": "text", "value": value, "url": f"mailto:{value}"}
    if isinstance(value, list) and all(isinstance(each, str | int | float) for each in value):
        return {
            "kind": "chips",
            "value": [{"value": each, "colour": "lightGray"} for each in value[: 4 if brief else 100]],
        }
    if isinstance(value, dict | list):
        return _nested(value, brief)
    return {"kind": "text", "value": _cut(str(value)), "whole": value} if brief else {"kind": "text", "value": value}


def _nested(value: Any, brief: bool) -> Json:
    if brief:
        text = json.dumps(value, ensure_ascii=False)
        return {"kind": "text", "value": _cut(text), "whole": text}
    return {"kind": "code", "value": json.dumps(value, indent=2, ensure_ascii=False)}


def _cut(text: str) -> str:
    return text if len(text) <= 44 else f"{text[:43].rstrip()}…"


def _moment(value: object) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
