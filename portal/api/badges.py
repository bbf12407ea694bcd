from hashlib import blake2b

from django.http import HttpResponse
from django.utils.http import parse_etags
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.request import Request

from deployments import badges, queries
from portal.kit.errors import Missing

MAKERS = {"lock": badges.lock_badge, "version": badges.version_badge, "health": badges.health_badge}
# Proxies of images, GitHub's among them, would go on showing an open gate: they ask anew each time, and mostly hear 304.
FRESH = "no-cache, max-age=0, must-revalidate"


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def badge(request: Request, service: str, environment: str, which: str) -> HttpResponse:
    """A picture by its signed address. Any other address is an unknown one, whatever is there (decisions/0023)."""
    names = badges.named(f"{service}/{environment}", request.query_params.get("key", ""))
    try:
        found = MAKERS[which](queries.standing(*names)) if names else badges.UNKNOWN
    except Missing:
        found = badges.UNKNOWN
    return _picture(request, found)


def _picture(request: Request, found: badges.Badge) -> HttpResponse:
    svg = found.svg()
    etag = f'"{blake2b(svg.encode(), digest_size=12).hexdigest()}"'
    known = parse_etags(request.headers.get("If-None-Match", ""))
    unknown = found is badges.UNKNOWN
    if not unknown and (etag in known or f"W/{etag}" in known):
        response = HttpResponse(status=304)
    else:
        response = HttpResponse(svg, content_type="image/svg+xml", status=404 if unknown else 200)
    response["ETag"], response["Cache-Control"] = etag, FRESH
    # Opened by itself an SVG is a document: it may run and load nothing.
    response["Content-Security-Policy"] = "default-src 'none'"
    return response
