"""The shape of every answer of /v1 that is not a success. No framework here: the portal's faults use it too."""

from typing import Any

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.csrf import csrf_exempt

from portal.kit.errors import PortalError


class TooLarge(PortalError):
    status = 413
    code = "payload_too_large"

    def __init__(self) -> None:
        super().__init__("The body is larger than 1 MiB. Send less at once.")


def body(error: str, message: str, details: dict[str, Any] | None = None) -> dict[str, Any]:
    return {"ok": False, "error": error, "message": message, "details": details or {}}


@csrf_exempt
@login_not_required
def unknown_route(request: HttpRequest, *args: object, **kwargs: object) -> HttpResponse:
    return JsonResponse(body("not_found", f"There is no route {request.path}."), status=404)


def insecure(request: HttpRequest) -> HttpResponse:
    return JsonResponse(body("forbidden", "Use https:// here: a token sent in the clear is no secret."), status=403)
