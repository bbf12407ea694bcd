"""What others sent, as people and logs may see it: without the values whose names say that they are secrets."""

import re
from typing import Any

HIDDEN = "•••"
_SECRET = re.compile(r"(?i)token|secret|passw|authorization|api.?key|private.?key|credential|cookie|^decision$")


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if each and _SECRET.search(name) else masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value


def without_secrets(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """A blueprint or an integration as everybody may see it.

    Often whoever knows the address that its changes go to may post there: of that only the host is shown.
    """
    if not facts:
        return facts
    shown = facts | ({"spec": masked(facts["spec"])} if "spec" in facts else {})
    destination = facts.get("changelogDestination")
    if isinstance(destination, dict) and destination.get("url"):
        shown["changelogDestination"] = destination | {"url": host_only(str(destination["url"]))}
    return shown


def host_only(url: str) -> str:
    """The rest of an address may be as good as a password."""
    scheme, there, rest = url.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}/{HIDDEN}" if there else HIDDEN
