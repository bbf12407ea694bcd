"""What a route answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from portal.api.schema.shapes import Json, Shape, always, free, shown, text

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    about: str
    shape: Shape
    headers: Mapping[str, Shape] = field(default_factory=dict)
    media_type: str = JSON


def ok(about: str, **fields: Shape) -> Answer:
    """`{"ok": true, ...}`."""
    return Answer(about, shown({"ok": always(True), **fields}))


_FAULT = shown({"path": text("reason", "Where: a JSON path, or a parameter's name."), "message": text("is required")})
ERROR = shown(
    {
        "ok": always(False),
        "error": text("not_found", "A code for programs."),
        "message": text("There is no service called “chekout”. Did you mean checkout?", "A sentence for people."),
        "details": free({"nearest": ["checkout"]}, "What the error is about; its keys depend on the code."),
    },
    name="Error",
    about="Every answer that is not a success. A refused request has left nothing behind.",
)


def fault(*codes: str, about: str, message: str, details: Json | None = None, **headers: Shape) -> Answer:
    """An Error whose code is one of `codes`, the first in the example. Header names take `_` for `-`."""
    schema = ERROR.json() | {"properties": {"error": {"enum": list(codes)}}}
    example = {"ok": False, "error": codes[0], "message": message, "details": details or {}}
    named = {name.replace("_", "-"): shape for name, shape in headers.items()}
    return Answer(about, Shape(schema, example, parts=(ERROR,)), named)


def missing(what: str, message: str = "", *, nearest: bool = False) -> Answer:
    """404: there is no such thing."""
    about = f"There is no such {what}." + (" `details.nearest` lists names that are alike." if nearest else "")
    details = {"nearest": ["checkout"], "kind": what} if nearest else None
    return fault("not_found", about=about, message=message or f"There is no such {what}.", details=details)


UNAUTHORIZED = fault(
    "unauthorized",
    about="No token, or one that is unknown, expired or revoked.",
    message="Send a token: Authorization: Bearer <token>",
    WWW_Authenticate=text('Bearer realm="portcullis"'),
)
FORBIDDEN = fault(
    "forbidden",
    about="The one who asks may not do this.",
    message="The credential “CI” may not change this entity: it lacks the scope “catalog:write”.",
    details={"scope": "catalog:write"},
)
TOO_LARGE = fault(
    "payload_too_large",
    about="The body is larger than 1 MiB.",
    message="The body is larger than 1 MiB. Send less at once.",
)
INVALID = fault(
    "invalid_request",
    about="Something in the request is wrong. `details.errors` has every fault with its path.",
    message="reason: is required",
    details={"errors": [_FAULT.example]},
)
UNAVAILABLE = fault(
    "unavailable",
    "busy",
    about="The database is out of reach, or too many wrote the same thing at once. Nothing was written.",
    message="The portal cannot reach its database. Nothing was written; try again shortly.",
    Retry_After=text("2", "Seconds."),
)


def standard(*, needs: str | None, has_body: bool) -> dict[int, Answer]:
    """What a route may answer besides what is its own."""
    found: dict[int, Answer] = {422: INVALID, 503: UNAVAILABLE}
    if needs is not None:
        found[401] = UNAUTHORIZED
    if needs:
        found[403] = FORBIDDEN
    if has_body:
        found[413] = TOO_LARGE
    return found
