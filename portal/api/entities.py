from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from django.db import transaction
from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries
from catalog.commands import Written, entities_write, entity_write
from catalog.integrations.commands import all_withdraw, entities_withdraw, entity_withdraw, outcomes_note
from catalog.wishes import Mode, Wish, parse
from deployments.commands import report_refuse
from portal.accounts.policy import require
from portal.actions.queries import run_in_progress
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import entities_json, entity_json
from portal.api.selection import flag
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.locking import retried

Json = dict[str, Any]


def writer_of(request: Request) -> By:
    """Who writes, for which action run, which must be in progress."""
    by, run = by_of(request), request.query_params.get("run_id", "")
    if not run or request.method == "GET":
        return by
    require(by, "entity.write") if not by.actor.is_person else None  # before anything tells which runs there are
    return replace(by, run=run_in_progress(run).public_id)


def _written(request: Request, wish: Wish, by: By) -> Json:
    """The entity as it is now; with `validation_only` as it would be, with nothing written."""
    if flag(request, "validation_only"):
        return _would_be(request, wish, by)
    (fate,) = entities_write([wish], by=by)
    if isinstance(fate, PortalError):
        raise fate
    outcomes_note(wish.blueprint, [(None, fate)], resync=_resync(request), by=by)
    return entity_json(fate.entity, request)


def _resync(request: Request) -> str:
    """The resync that the request belongs to, as an integration names it."""
    return request.query_params.get("ocean_info_resync_id", "")


@retried
@transaction.atomic
def _would_be(request: Request, wish: Wish, by: By) -> Json:
    would_be = entity_json(entity_write(wish, by=by), request)
    transaction.set_rollback(True)
    return would_be


@api_view(["GET", "POST"])
def entities(request: Request, blueprint: str) -> Response:
    """POST creates; with `upsert` it overrides, with `upsert` and `merge` it changes what is given."""
    by = writer_of(request)
    if request.method == "GET":
        require(by, "catalog.read")
        found = list(queries.entities(by, queries.blueprint(blueprint)))
        return Response({"ok": True, "entities": entities_json(found, request)})
    with _refusal_logged(request, blueprint, by):
        wish = _wish(request, blueprint, object_of(request))
        return Response({"ok": True, "entity": _written(request, wish, by)}, status=201)


@contextmanager
def _refusal_logged(request: Request, blueprint: str, by: By) -> Iterator[None]:
    """A deployment that is refused stands in the ingest log, what an integration sends among its faults."""
    try:
        yield
    except PortalError as error:
        if not flag(request, "validation_only"):
            _note(request, blueprint, [(request.data if request.stream else None, error)], by)
        raise


def _note(request: Request, blueprint: str, sent: Sequence[tuple[Any, Wish | Written | PortalError]], by: By) -> None:
    """What is kept of how it went, of entities each as it was sent."""
    if blueprint == "deployment":
        for body, fate in sent:
            if isinstance(fate, PortalError):
                report_refuse(body, fate, door="entity", by=by)
    fates = [(body, fate) for body, fate in sent if not isinstance(fate, Wish)]
    outcomes_note(blueprint, fates, resync=_resync(request), by=by)


def _wish(request: Request, blueprint: str, body: Any) -> Wish:
    """What a POST of one entity asks for, by its flags."""
    mode: Mode = "create"
    if flag(request, "upsert"):
        mode = "merge" if flag(request, "merge") else "override"
    return parse(blueprint, body, mode=mode, create_missing=flag(request, "create_missing_related_entities"))


@api_view(["POST"])
def bulk(request: Request, blueprint: str) -> Response:
    """1 to 20 entities, each by itself: 200 when all were written, 207 when some were refused; matched by `index`."""
    by, wished = writer_of(request), _listed(request, most=20)
    require(by, "entity.write")
    queries.require_blueprint(blueprint)
    outcomes: dict[int, Wish | Written | PortalError] = {}
    for index, each in enumerate(wished):
        try:
            outcomes[index] = _wish(request, blueprint, each)
        except PortalError as error:
            outcomes[index] = error
    wishes = {index: each for index, each in outcomes.items() if isinstance(each, Wish)}
    written = entities_write(list(wishes.values()), dry=flag(request, "validation_only"), by=by)
    outcomes |= dict(zip(wishes, written, strict=True))
    entities = [_made(index, each) for index, each in outcomes.items() if isinstance(each, Written)]
    refused = {index: each for index, each in outcomes.items() if isinstance(each, PortalError)}
    if not flag(request, "validation_only"):
        _note(request, blueprint, [(wished[n], each) for n, each in sorted(outcomes.items())], by)
    errors = [_fault(wished[index], index, each) for index, each in refused.items()]
    return Response({"ok": not errors, "entities": entities, "errors": errors}, status=207 if errors else 200)


def _made(index: int, written: Written) -> Json:
    return {"identifier": written.entity.identifier, "index": index, "created": written.created}


def _fault(body: Any, index: int, error: PortalError) -> Json:
    named = body.get("identifier") if isinstance(body, dict) else None
    return {
        "identifier": named if isinstance(named, str) else "unknown",
        "index": index,
        "statusCode": error.status,
        "error": error.code,
        "message": error.message,
        "details": error.details,
    }


@api_view(["POST"])
def bulk_delete(request: Request, blueprint: str) -> Response:
    """1 to 100 identifiers, all or none. Those that are gone already are no fault."""
    by, wished = writer_of(request), _listed(request, most=100)
    if not all(isinstance(each, str) for each in wished):
        raise Invalid.at("entities", "must be a list of identifiers")
    require(by, "entity.write")
    dependents = flag(request, "delete_dependents")
    gone = entities_withdraw(blueprint, wished, dependents=dependents, resync=_resync(request), by=by)
    return Response({"ok": True, "deletedEntities": gone})


def _listed(request: Request, *, most: int) -> list[Any]:
    wished = object_of(request).get("entities")
    if not isinstance(wished, list) or not 1 <= len(wished) <= most:
        raise Invalid.at("entities", f"must be a list of 1 to {most}")
    return wished


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def entity(request: Request, blueprint: str, identifier: str) -> Response:
    by = writer_of(request)
    if request.method == "GET":
        found = queries.entity(by, blueprint, identifier)
        return Response({"ok": True, "entity": entity_json(found, request)})
    if request.method == "DELETE":
        require(by, "entity.write")
        found = queries.entity_to_write(blueprint, identifier)
        dependents = flag(request, "delete_dependents")
        gone = entity_withdraw(found, dependents=dependents, resync=_resync(request), by=by)
        return Response({"ok": True, "deletedEntities": gone})
    mode: Mode = "replace" if request.method == "PUT" else "patch"
    with _refusal_logged(request, blueprint, by):
        wish = parse(
            blueprint,
            object_of(request),
            mode=mode,
            identifier=identifier,
            create_missing=flag(request, "create_missing_related_entities"),
        )
        return Response({"ok": True, "entity": _written(request, wish, by)})


@api_view(["DELETE"])
def all_entities(request: Request, blueprint: str) -> Response:
    """Every entity of the blueprint; with `delete_blueprint` the blueprint too. How it goes on, the migration tells."""
    by = writer_of(request)
    require(by, "entity.write")
    migration = all_withdraw(queries.blueprint(blueprint), itself=flag(request, "delete_blueprint"), by=by)
    return Response({"ok": True, "migrationId": str(migration.public_id), "deleted": migration.done})


@api_view(["GET"])
def entities_count(request: Request, blueprint: str) -> Response:
    by = by_of(request)
    require(by, "catalog.read")
    count = queries.entities(by, queries.blueprint(blueprint)).count()
    return Response({"ok": True, "count": count})
