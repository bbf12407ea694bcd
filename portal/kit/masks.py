"""What others sent, as people and logs may see it: without the values whose names say that they are secrets."""

import re
from typing import Any

HIDDEN = "•••"
_CALLS = ("changelogDestination", "invocationMethod", "approvalNotification")
_SECRET = re.compile(r"(?i)token|secret|passw|authorization|api.?key|private.?key|credential|cookie|^decision$")


def masked(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: HIDDEN if each and _SECRET.search(name) else masked(each) for name, each in value.items()}
    return [masked(each) for each in value] if isinstance(value, list) else value


def without_secrets(facts: dict[str, Any] | None) -> dict[str, Any] | None:
    """A blueprint, an integration or an action as everybody may see it.

    Often whoever knows the address that is called may post there: of that only the host is shown.
    """
    if not facts:
        return facts
    shown = facts | ({"spec": masked(facts["spec"])} if "spec" in facts else {})
    return shown | {part: call_masked(facts[part]) for part in _CALLS if isinstance(facts.get(part), dict)}


def call_masked(call: dict[str, Any]) -> dict[str, Any]:
    """Whom it calls and with which headers, not with what they say."""
    hidden: dict[str, Any] = {name: host_only(str(call[name])) for name in ("url", "webhook") if call.get(name)}
    headers = call.get("headers")
    hidden |= {"headers": dict.fromkeys(headers, HIDDEN)} if isinstance(headers, dict) else {}
    return {**masked(call), **hidden}


def host_only(url: str) -> str:
    """The rest of an address may be as good as a password."""
    scheme, there, rest = url.partition("://")
    host = re.split(r"[/?#\\]", rest, maxsplit=1)[0].rpartition("@")[2]
    return f"{scheme}://{host}/{HIDDEN}" if there else HIDDEN
