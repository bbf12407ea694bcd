"""How a probe is said, and written down in a form."""

import json
from typing import Any

from deployments.health.models import Kind

Row = dict[str, Any]

KINDS = {
    Kind.HTTP: ("HTTP", "globe", "The portal calls an address"),
    Kind.TCP: ("TCP", "server", "The portal connects to a port"),
    Kind.HEARTBEAT: ("Heartbeat", "heart-pulse", "The service calls the portal"),
    Kind.OUTSIDE: ("From outside", "cloud", "Somebody else probes, and tells the portal"),
}


def condition_line(condition: Row) -> str:
    """As the form takes it."""
    [test] = condition.keys() - {"path", "header"}
    of = condition.get("path") or (f"header:{condition['header']}" if "header" in condition else "body")
    value = condition[test]
    is_plain = isinstance(value, str) and (test == "contains" or not _is_json(value))
    return f"{of} {test} {value if is_plain else json.dumps(value)}"


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def version_line(version: Row) -> str:
    return str(version.get("path") or f"header:{version.get('header')}")
