"""Which names the contract allows."""

import re
import unicodedata

from portal.kit.errors import Invalid

PROPERTY = re.compile(r"[A-Za-z0-9@_=\\-]{1,100}")
# PostgreSQL refuses index rows beyond 2,704 bytes, and some indexes hold two identifiers.
MOST_BYTES = 1200


def check_identifier(value: object, path: str, *, longest: int, also: str = "") -> str:
    """Letters of any script, digits and `@_.+:\\/-` (an entity's may hold `=` too); not `.` or `..`."""
    if not isinstance(value, str) or not value:
        raise Invalid.at(path, "must be a text that is not empty")
    if len(value) > longest:
        raise Invalid.at(path, f"is {len(value)} characters long; {longest} are allowed")
    if len(value.encode(errors="replace")) > MOST_BYTES:
        raise Invalid.at(path, f"takes more than {MOST_BYTES} bytes")
    allowed = "0123456789@_.+:\\/-" + also
    wrong = next((c for c in value if c not in allowed and unicodedata.category(c)[0] != "L"), None)
    if wrong is not None:
        raise Invalid.at(path, f"may not hold {wrong!r}; letters, digits and {allowed[10:]} are allowed")
    if value in {".", ".."}:
        raise Invalid.at(path, "may not be . or ..")
    return value


def check_property_key(value: str, path: str) -> None:
    if not PROPERTY.fullmatch(value):
        raise Invalid.at(path, "a key holds 1 to 100 of A-Z a-z 0-9 @ _ = \\ -")
