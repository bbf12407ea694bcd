from typing import Any

from django.db.models import QuerySet
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries, search
from catalog.models import Blueprint, Entity
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import entities_json
from portal.api.selection import selection, selection_in
from portal.kit.by import By
from portal.kit.clock import instant
from portal.kit.errors import Invalid

Json = dict[str, Any]

PAGE, MOST = 200, 1000
# The compatible route has no pages. Clients that read a whole blueprint so get what memory allows, and are told of more.
MOST_AT_ONCE = 10_000


@api_view(["POST"])
def everywhere(request: Request) -> Response:
    """The body is the query. All that match, at most 10,000 of them; then `truncated` says so."""
    rule = search.parse(object_of(request), path="")
    by = by_of(request)
    rows = search.matching(queries.all_entities(by), rule, by=by).order_by("blueprint_id", "identifier")
    found = list(rows[: MOST_AT_ONCE + 1])
    more, found = len(found) > MOST_AT_ONCE, found[:MOST_AT_ONCE]
    answer = {
        "ok": True,
        "matchingBlueprints": sorted({each.blueprint.identifier for each in found}),
        "entities": entities_json(found, request),
    }
    return Response(answer | ({"truncated": True} if more else {}))


@api_view(["POST"])
def of_blueprint(request: Request, blueprint: str) -> Response:
    """`{"query", "include", "exclude", "limit" (1 to 1000, else 200), "from" (the last answer's `next`), "sort", "search"}`."""
    by, body = by_of(request), object_of(request)
    kind = queries.blueprint(blueprint)
    rows, words = _found(by, kind, body)
    count_to = 1 if words else 0
    page = search.page(rows, kind, _sort(body), size=_limit(body), cursor=_text(body, "from"), count_to=count_to)
    chosen = selection(request) | selection_in(body)
    answer: Json = {"ok": True, "entities": entities_json(page.rows, request, chosen)}
    return Response(answer | ({"next": page.next} if page.next else {}))


@api_view(["POST"])
def count(request: Request, blueprint: str) -> Response:
    by = by_of(request)
    kind = queries.blueprint(blueprint)
    return Response({"ok": True, "count": _found(by, kind, object_of(request))[0].count()})


@api_view(["POST"])
def of_datasource(request: Request) -> Response:
    """What an integration has written: `datasource` begins with the prefix and ends with the suffix.

    `before`: only what was not written since. Without `limit` all are answered at once.
    """
    by, body = by_of(request), object_of(request)
    prefix, suffix, before, after = (
        _text(body, name) for name in ("datasource_prefix", "datasource_suffix", "before", "from")
    )
    if not prefix:
        raise Invalid.at("datasource_prefix", "must be a text that is not empty")
    if after and not (after.isascii() and after.isdigit() and len(after) < 19):
        raise Invalid.at("from", "is not the “next” of an earlier answer")
    written = instant(before, "before") if before else None
    rows = queries.of_datasource(by, prefix, suffix, before=written, after=int(after or 0))
    limit = _whole(body, "limit", 5000, least=1) if "limit" in body else MOST_AT_ONCE * 100
    found = list(rows[: limit + 1])
    more, found = len(found) > limit, found[:limit]
    entities = [{"identifier": each.identifier, "blueprint": each.blueprint.identifier} for each in found]
    return Response({"ok": True, "entities": entities, "next": str(found[-1].pk) if more else None})


def _found(by: By, kind: Blueprint, body: Json) -> tuple[QuerySet[Entity], bool]:
    """And whether a full text is among what was asked."""
    rows = queries.entities(by, kind).order_by()
    if body.get("query") is not None:
        rows = search.matching(rows, search.parse(body["query"]), by=by, blueprint=kind)
    text = _text(body, "search")
    if not text.strip():
        return rows, False
    return search.words(rows, text).every, True


def _sort(body: Json) -> list[search.Sort]:
    """`[{"property": "size", "order": "desc"}]`."""
    wished = body.get("sort") or []
    if not isinstance(wished, list) or not all(isinstance(each, dict) for each in wished):
        raise Invalid.at("sort", 'must be a list such as [{"property": "$title", "order": "asc"}]')
    return [_key(each, f"sort.{place}") for place, each in enumerate(wished)]


def _key(wished: Json, path: str) -> search.Sort:
    name, order = wished.get("property"), str(wished.get("order", "asc")).lower()
    if not isinstance(name, str) or not name:
        raise Invalid.at(f"{path}.property", "must be a property's name")
    if order not in ("asc", "desc"):
        raise Invalid.at(f"{path}.order", 'must be "asc" or "desc"')
    return search.Sort(name, order == "desc")


def _limit(body: Json) -> int:
    return _whole(body, "limit", MOST, least=1) if body.get("limit") is not None else PAGE


def _whole(body: Json, name: str, most: int, *, least: int) -> int:
    value = body[name]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        raise Invalid.at(name, f"must be a whole number from {least} to {most}")
    return value


def _text(body: Json, name: str) -> str:
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid.at(name, "must be a text")
    return value
