"""The four ways a request can be wrong. Commands raise them; each door translates them in one place.

The message is a sentence for the person at the door: what happened, and what to do next.
"""

from typing import Any


class PortalError(Exception):
    status = 500
    code = "error"

    def __init__(self, message: str, *, code: str = "", **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code
        self.details = details


class Refused(PortalError):
    """The one who asks may not do this."""

    status = 403
    code = "forbidden"


class Missing(PortalError):
    """The name stands for nothing. `details["nearest"]` lists names that are alike."""

    status = 404
    code = "not_found"


class Conflict(PortalError):
    """It would contradict what is there."""

    status = 409
    code = "conflict"


class Invalid(PortalError):
    """The input is wrong. `details["errors"]` is a list of `{"path", "message"}`, one for each fault."""

    status = 422
    code = "invalid_request"

    @classmethod
    def at(cls, path: str, message: str) -> "Invalid":
        return cls.of([{"path": path, "message": message}])

    @classmethod
    def of(cls, errors: list[dict[str, Any]]) -> "Invalid":
        first = errors[0]
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        return cls(f"{first['path']}: {first['message']}{more}", errors=errors)
