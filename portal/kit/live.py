"""Pages whose middle keeps itself up to date.

The browser asks again every two seconds with the stamp of what it shows. An unchanged stamp answers 204
before anything is read or rendered.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers

HEADER = "X-Stamp"


def live(
    request: HttpRequest, template: str, context: Callable[[], dict[str, Any]], *, beat: str, partial: str = "live"
) -> HttpResponse:
    """The page, or its partial when htmx asks, or 204 when the browser's stamp is still true.

    `beat` changes whenever what the page shows may have changed.
    """
    stamp = stamp_of(request, beat)
    fragment = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    if fragment and request.headers.get(HEADER) == stamp:
        response = HttpResponse(status=204)
    else:
        name = f"{template}#{partial}" if fragment else template
        response = render(request, name, context() | {"stamp": stamp, "live_url": request.get_full_path()})
    response[HEADER] = stamp
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def stamp_of(request: HttpRequest, beat: str) -> str:
    viewer = getattr(request.user, "pk", None)
    whole = "\0".join([settings.VERSION, str(viewer), request.get_full_path(), beat])
    return hashlib.blake2b(whole.encode(), digest_size=12).hexdigest()
