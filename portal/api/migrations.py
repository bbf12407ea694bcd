from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from catalog import queries
from catalog.commands import migration_cancel, migration_start
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import migration_json
from portal.api.selection import listed
from portal.kit.errors import Invalid

MOST = 200
KEYS = {"sourceBlueprint", "mapping"}


@api_view(["GET", "POST"])
def migrations(request: Request) -> Response:
    """The latest 200, by `status`, `actor` and `blueprint`; POST starts one."""
    by = by_of(request)
    if request.method == "POST":
        return _start(request)
    found = queries.migrations(by)
    if states := listed(request, "status"):
        found = found.filter(state__in=states)
    for name, field in (("actor", "actor_name"), ("blueprint", "source")):
        if wished := request.query_params.get(name):
            found = found.filter(**{field: wished})
    return Response({"ok": True, "migrations": [migration_json(each) for each in found[:MOST]]})


def _start(request: Request) -> Response:
    by, body = by_of(request), object_of(request)
    source, mapping = body.get("sourceBlueprint"), body.get("mapping")
    if not isinstance(source, str):
        raise Invalid.at("sourceBlueprint", "must be the identifier of a blueprint")
    if not isinstance(mapping, dict):
        raise Invalid.at("mapping", "must be an object")
    for key in sorted(body.keys() - KEYS):
        raise Invalid.at(key, f"is not one of {', '.join(sorted(KEYS))}")
    require(by, "blueprint.write", blueprint=source)
    started = migration_start(queries.blueprint(source), mapping, by=by)
    answer = {"ok": True, "migrationId": str(started.public_id), "migration": migration_json(started)}
    return Response(answer, status=201)


@api_view(["GET"])
def migration(request: Request, public_id: str) -> Response:
    return Response({"ok": True, "migration": migration_json(queries.migration(by_of(request), public_id))})


@api_view(["POST"])
def cancel(request: Request, public_id: str) -> Response:
    """Stops after the batch that is under way; one that has ended stays as it ended."""
    by = by_of(request)
    body = object_of(request) if request.body else {}
    reason = body.get("reason", "")
    if not isinstance(reason, str):
        raise Invalid.at("reason", "must be a text")
    stopped = migration_cancel(queries.migration(by, public_id), reason=reason, by=by)
    return Response({"ok": True, "migration": migration_json(stopped)})
