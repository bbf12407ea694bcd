"""Every answer of /v1 that is not a success: `{"ok": false, "error", "message", "details"}`."""

import logging
from typing import Any

from django.http import Http404
from django.http.request import UnreadablePostError
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import set_rollback

from locks.models import Lock
from portal.api.envelope import body
from portal.api.present import lock_json
from portal.kit.database import cannot_hold, is_lost
from portal.kit.errors import PortalError
from portal.kit.locking import is_victim

logger = logging.getLogger(__name__)


UNAVAILABLE = (503, "unavailable", "The portal cannot reach its database. Nothing was written; try again shortly.")


def answer(error: Exception, context: dict[str, Any]) -> Response | None:
    """What DRF asks when a view raised."""
    set_rollback()
    if isinstance(error, PortalError):
        return Response(body(error.code, error.message, presented(error.details)), status=error.status)
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        headers = {"WWW-Authenticate": 'Bearer realm="portcullis"'}
        return Response(body("unauthorized", str(error.detail)), status=401, headers=headers)
    if isinstance(error, exceptions.MethodNotAllowed):
        return Response(body("method_not_allowed", str(error.detail)), status=405)
    if isinstance(error, Http404 | exceptions.NotFound):
        return Response(body("not_found", "There is no such route."), status=404)
    if isinstance(error, exceptions.APIException):
        return Response(body("invalid_request", str(error.detail)), status=error.status_code)
    if isinstance(error, UnreadablePostError):
        return Response(body("invalid_request", "The body broke off before its end."), status=400)
    if cannot_hold(error):
        logger.warning("The database refused a value: %s", error)
        return Response(body("invalid_request", "A value is too long, too large or malformed."), status=422)
    if is_victim(error):
        message = "Too many wrote the same thing at once. Nothing was written; try again shortly."
        return Response(body("busy", message), status=503, headers={"Retry-After": "1"})
    if is_lost(error):
        logger.error("The database is out of reach: %s", error)
        status, code, message = UNAVAILABLE
        return Response(body(code, message), status=status, headers={"Retry-After": "2"})
    logger.exception("/v1 failed")
    return Response(
        body("internal_error", "The portal made a mistake. It is in its log, under this trace."), status=500
    )


def presented(details: dict[str, Any]) -> dict[str, Any]:
    """Details may carry a lock itself; here it becomes its JSON."""
    return {name: lock_json(value) if isinstance(value, Lock) else value for name, value in details.items()}
