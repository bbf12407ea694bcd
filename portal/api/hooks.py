from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request
from rest_framework.response import Response

from deployments import queries
from deployments.commands import payload_keep
from portal.api.bodies import json_of, raw_of


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def payload(request: Request, key: str) -> Response:
    """Where forges and tools send to: kept and answered at once; a worker reads it.

    202 with the row's id in the ingest log; the same delivery again is 200, and nothing comes of it.
    """
    hook = queries.hook_at(key)
    kept = payload_keep(hook, raw_of(request), json_of, request.headers)
    if kept is None:
        return Response({"ok": True, "id": None, "repeated": True})
    return Response({"ok": True, "id": kept.pk, "repeated": False}, status=202)
