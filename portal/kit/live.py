"""Pages whose middle keeps itself up to date.

The browser asks again every two seconds with the stamp of what it shows. An unchanged stamp answers 204
before anything is read or rendered. Where a page is made of parts, it says which it has, and is sent those that differ.
"""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.cache import patch_vary_headers
from django.utils.safestring import mark_safe

HEADER = "X-Stamp"
PARTS = "X-Parts"
DIGEST = 8  # characters of a part's digest
HERE = "<!--parts-->"  # no text that somebody wrote can hold it


class Part(NamedTuple):
    """An element with this id, and with `data-part="digest"`. The digest is of all that does not tick by itself."""

    id: str
    digest: str
    html: str


def live(
    request: HttpRequest, template: str, context: Callable[[], dict[str, Any]], *, beat: str, partial: str = "live"
) -> HttpResponse:
    """The page, or its partial when htmx asks, or 204 when the browser's stamp is still true.

    `beat` changes whenever what the page shows may have changed. A context may hold `parts`, for which the template
    leaves a place with `{{ parts_here }}`, and as `frame` whatever else the partial shows: while that stays the same,
    only the parts that the browser does not have are sent.
    """
    stamp = stamp_of(request, beat)
    fragment = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    if fragment and request.headers.get(HEADER) == stamp:
        response = HttpResponse(status=204)
    else:
        response = _fresh(request, f"{template}#{partial}" if fragment else template, context(), stamp)
    response[HEADER] = stamp
    response["Cache-Control"] = "no-store"
    patch_vary_headers(response, ["HX-Request", "Cookie"])
    return response


def _fresh(request: HttpRequest, template: str, context: dict[str, Any], stamp: str) -> HttpResponse:
    context |= {"stamp": stamp, "live_url": request.get_full_path()}
    parts: Sequence[Part] | None = context.get("parts")
    if parts is None:
        return render(request, template, context)
    context["frame"] = _digest(repr((context["frame"], [part.id for part in parts])))
    differing = _differing(request.headers.get(PARTS, ""), context["frame"], parts)
    if differing is not None:
        return HttpResponse(_joined(differing), headers={PARTS: str(len(differing))})
    return with_parts(request, template, context)


def with_parts(request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
    """The template with the context's `parts` in it. They go in last of all: each level of a template copies what is
    within it, and they can be megabytes."""
    response = render(request, template, context | {"parts_here": mark_safe(HERE)})
    response.content = response.content.replace(HERE.encode(), _joined(context["parts"]), 1)
    return response


def _joined(parts: Sequence[Part]) -> bytes:
    return "".join(part.html for part in parts).encode()


def _differing(has: str, frame: str, parts: Sequence[Part]) -> list[Part] | None:
    """None when the browser has another frame, or none."""
    if not has.startswith(frame) or len(has) != DIGEST * (len(parts) + 1):
        return None
    digests = (has[at : at + DIGEST] for at in range(DIGEST, len(has), DIGEST))
    return [part for part, digest in zip(parts, digests, strict=True) if part.digest != digest]


def stamp_of(request: HttpRequest, beat: str) -> str:
    viewer = getattr(request.user, "pk", None)
    return _digest("\0".join([settings.VERSION, str(viewer), request.get_full_path(), beat]), 24)


def _digest(text: str, characters: int = DIGEST) -> str:
    return hashlib.blake2b(text.encode(), digest_size=characters // 2).hexdigest()
