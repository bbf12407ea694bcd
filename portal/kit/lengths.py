"""Gives a length to bodies that came without one.

Django reads as many bytes as Content-Length says, and none where it is absent: a chunked body would be lost unnoticed.
"""

import json
from collections.abc import Callable, Iterable
from io import BytesIO
from typing import Any

from django.conf import settings

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]

BODILESS = {"GET", "HEAD", "OPTIONS"}
REFUSAL = {
    "ok": False,
    "error": "length_required",
    "message": "Send the header Content-Length: this server cannot read a body without it.",
    "details": {},
}


def with_length(application: Application) -> Application:
    """One byte over the limit is enough for the door to answer that the body is too large."""

    def run(environ: Environ, start_response: Any) -> Iterable[bytes]:
        if environ.get("CONTENT_LENGTH") or environ["REQUEST_METHOD"] in BODILESS:
            return application(environ, start_response)
        if environ.get("wsgi.input_terminated"):
            body = environ["wsgi.input"].read(settings.MAX_BODY_BYTES + 1)
            environ |= {"wsgi.input": BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        elif environ.get("HTTP_TRANSFER_ENCODING"):
            start_response("411 Length Required", [("Content-Type", "application/json")])
            return [json.dumps(REFUSAL).encode()]
        return application(environ, start_response)

    return run
