"""What a route may be."""

import re
from collections.abc import Iterable
from datetime import time
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from catalog.builtin import TIERS
from catalog.schema.validate import check_shape
from portal.kit import outgoing
from portal.kit.errors import Invalid
from portal.kit.masks import HIDDEN
from portal.notifications.models import Route
from portal.notifications.notice import kinds

Json = dict[str, Any]

MOST = 50  # events, teams, services of a route
MOST_ADDRESSES = 20
LONGEST_SECRET = 200
CHANNEL = re.compile(r"#?[\w.-]{1,80}\Z")
# What no column keeps, and what breaks a line where a name stands.
CONTROL = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff\u2028\u2029]")


def _list(longest: int) -> Json:
    return {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": longest}, "maxItems": MOST}


_CLOCK = {"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$"}
ROUTE = {
    "type": "object",
    "properties": {
        "name": {"type": "string", "minLength": 1, "maxLength": 100},
        "events": {**_list(60), "minItems": 1},
        "teams": _list(1000),
        "tiers": {"type": "array", "items": {"enum": list(TIERS)}, "maxItems": MOST},
        "services": _list(1000),
        "only_bad": {"type": "boolean"},
        "quiet": {
            "type": ["object", "null"],
            "properties": {"from": _CLOCK, "until": _CLOCK, "zone": {"type": "string", "maxLength": 60}},
            "required": ["from", "until"],
            "additionalProperties": False,
        },
        "to": {"enum": Route.To.values},
        "address": {"type": ["string", "null"], "maxLength": 2000},
        "secret": {"type": ["string", "null"], "minLength": 16, "maxLength": LONGEST_SECRET},
        "enabled": {"type": "boolean"},
        "dry": {"type": "boolean"},
    },
    "required": ["name", "events", "to"],
    "additionalProperties": False,
}


def columns(definition: Any) -> Json:
    """The columns of the route that is described so, without its secret. Raises Invalid with the place of each fault."""
    check_shape(ROUTE, definition)
    faults = [*_faults(definition)]
    if faults:
        raise Invalid.of(faults)
    quiet = definition.get("quiet") or {}
    return {
        "name": definition["name"].strip(),
        "events": _once(definition["events"]),
        "teams": _once(definition.get("teams", [])),
        "tiers": _once(definition.get("tiers", [])),
        "services": _once(definition.get("services", [])),
        "only_bad": definition.get("only_bad", False),
        "quiet_from": time.fromisoformat(quiet["from"]) if quiet else None,
        "quiet_until": time.fromisoformat(quiet["until"]) if quiet else None,
        "quiet_zone": quiet.get("zone") or "UTC",
        "to": definition["to"],
        "address": _address(definition),
        "enabled": definition.get("enabled", True),
        "dry": definition.get("dry", False),
    }


def definition_of(route: Route) -> Json:
    """What would make it anew, but for its secret."""
    names = ("name", "events", "teams", "tiers", "services", "only_bad", "to", "address", "enabled", "dry")
    return {name: getattr(route, name) for name in names} | {"quiet": quiet_of(route)}


def quiet_of(route: Route) -> Json | None:
    if route.quiet_from is None or route.quiet_until is None:
        return None
    return {"from": f"{route.quiet_from:%H:%M}", "until": f"{route.quiet_until:%H:%M}", "zone": route.quiet_zone}


def changed(route: Route, changes: Json) -> Json:
    """Its definition with the changes. Who is told in another way is told at another address."""
    whole = definition_of(route) | changes
    return whole if whole["to"] == route.to or "address" in changes else whole | {"address": ""}


def unmasked(route: Route, definition: Json) -> Json:
    """An address as it is shown stands for the one that is there."""
    is_shown = definition.get("to") == route.to and definition.get("address") == route.told_address
    return definition | {"address": route.address} if is_shown else definition


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))


def _faults(definition: Json) -> Iterable[dict[str, str]]:
    if CONTROL.search(definition["name"]) or not definition["name"].strip():
        yield {"path": "name", "message": "must be one line of text"}
    for name in ("teams", "services"):
        if any(CONTROL.search(each) for each in definition.get(name, [])):
            yield {"path": name, "message": "hold a character that no name has"}
    for pattern in definition["events"]:
        if not any(fnmatchcase(kind.name, pattern) for kind in kinds()):
            yield {"path": "events", "message": f"nobody is told of “{pattern}”: choose from the list"}
    quiet = definition.get("quiet") or {}
    if quiet and quiet["from"] == quiet["until"]:
        yield {"path": "quiet", "message": "begin and end at the same time, so there would be none"}
    if not _is_zone(quiet.get("zone") or "UTC"):
        yield {"path": "quiet.zone", "message": "is no time zone; write one such as Europe/Berlin"}
    fault = _address_fault(definition["to"], definition.get("address") or "")
    if fault:
        yield {"path": "address", "message": fault}
    if definition.get("secret") and definition["to"] != Route.To.WEBHOOK:
        yield {"path": "secret", "message": "only a webhook is signed"}


def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ValueError, OSError, LookupError):
        return False
    return True


def _address_fault(to: str, address: str) -> str:
    address = address.strip()
    if to not in Route.ADDRESSED:
        return "is known already; leave it empty" if address else ""
    if not address:
        return "is required"
    if HIDDEN in address:
        return f"is not whole: what stands as {HIDDEN} is hidden; send all of it, or what is shown as it is"
    if to == Route.To.CHANNEL:
        return "" if CHANNEL.match(address) else "must be the name or the id of a channel, such as #deployments"
    if to == Route.To.WEBHOOK:
        return _url_fault(address)
    return _email_fault(addresses(address))


def _url_fault(address: str) -> str:
    try:
        outgoing.check(address)
    except outgoing.NotAllowed as reason:
        return str(reason)
    return ""


def _email_fault(found: list[str]) -> str:
    if len(found) > MOST_ADDRESSES:
        return f"holds more than {MOST_ADDRESSES} addresses; make a list at your mail server"
    for each in found:
        try:
            validate_email(each)
        except ValidationError:
            return f"“{each[:100]}” is no e-mail address"
    return "" if found else "is required"


def addresses(text: str) -> list[str]:
    return _once(each.strip() for each in text.split(",") if each.strip())


def _address(definition: Json) -> str:
    address: str = (definition.get("address") or "").strip()
    if definition["to"] == Route.To.CHANNEL:
        return address.lstrip("#")
    return ", ".join(addresses(address)) if definition["to"] == Route.To.EMAIL else address
