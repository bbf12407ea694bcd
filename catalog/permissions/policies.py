"""Queries that say which entities a grant reaches, as seen by the one who asks."""

import re
from typing import Any

from django.db.models import Q

from catalog import search
from catalog.models import Blueprint, Entity
from portal.kit.by import By
from portal.kit.errors import Invalid

Json = dict[str, Any]

_TEMPLATE = re.compile(r"\{\{\s*\.user\.([\w$]+)\s*\}\}")
# What a template calls these of the one who asks.
_NAMES = {"email": "$identifier", "identifier": "$identifier", "name": "$title", "title": "$title"}


def rule_of(policy: Json, path: str) -> search.Rule:
    """Raises Invalid with the path of the fault."""
    return search.parse(_filled(policy, path), path=path)


def matched(by: By, blueprint: Blueprint, policy: Json) -> Q:
    rows = search.matching(
        Entity.objects.filter(blueprint=blueprint), rule_of(policy, "policy"), by=by, blueprint=blueprint
    )
    return Q(pk__in=rows.order_by().values("pk"))


def _filled(value: Any, path: str) -> Any:
    """`{{.user.email}}` as a value means what `{"context": "user", "property": "$identifier"}` does."""
    if isinstance(value, dict):
        return {key: _filled(each, f"{path}.{key}") for key, each in value.items()}
    if isinstance(value, list):
        return [_filled(each, f"{path}.{place}") for place, each in enumerate(value)]
    if not isinstance(value, str) or "{{" not in value:
        return value
    template = _TEMPLATE.fullmatch(value.strip())
    if template is None:
        raise Invalid.at(path, "the one template there is is {{.user.<property>}}, and it stands alone")
    name = template[1]
    if name == "teams":
        return {"context": "userTeams", "property": "$identifier"}
    return {"context": "user", "property": _NAMES.get(name, name)}
