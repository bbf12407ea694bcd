"""What a webhook's run asks of the address that its action names: filled in, compact and signed."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from django.utils import timezone

from portal.accounts.organization import secret_value
from portal.actions.models import Run
from portal.actions.payloads import trigger_of
from portal.actions.templates import fill
from portal.kit import outgoing
from portal.kit.errors import Invalid

Json = dict[str, Any]

METHODS = ("POST", "PUT", "PATCH", "DELETE", "GET")
# The organisation's secret that calls are signed with; without it they are not signed.
SIGNING = "action-signing"
# The body's length and the connection are nobody's to choose.
OURS = {"host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"}
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
_VALUE = re.compile(r"[\x20-\x7e\t]{0,8000}")


@dataclass(frozen=True)
class Request:
    """`waits`: the answer decides how the run ends. Otherwise whoever was called reports later."""

    method: str
    url: str
    body: bytes | None
    headers: dict[str, str] = field(default_factory=dict)
    waits: bool = False

    def signed(self) -> dict[str, str]:
        """Anew for each attempt, for the time is signed too. Raises Conflict when the secret cannot be read."""
        secret = secret_value(SIGNING)
        proof = outgoing.signature(secret, self.body or b"", timezone.now()) if secret else {}
        return {"User-Agent": "Portcullis"} | self.headers | proof


def filled(run: Run) -> Json:
    """The invocation with its templates filled in. Raises Invalid with the place of what cannot be."""
    method = run.definition["invocationMethod"]
    if ".secrets" in json.dumps(method):
        raise Invalid.at("invocationMethod", "reads .secrets, which the portal does not hand out yet")
    made: Json = fill(method, trigger_of(run))
    return made


def request_of(run: Run) -> Request:
    """Raises Invalid with the place of what cannot be filled in or sent."""
    asked = {"body": trigger_of(run)} | filled(run)
    verb = str(asked.get("method") or "POST").upper()
    if verb not in METHODS:
        raise Invalid.at("invocationMethod.method", f"{verb[:40]!r} is not one of {', '.join(METHODS)}")
    if not isinstance(asked["url"], str):
        raise Invalid.at("invocationMethod.url", "comes to no text")
    body = None if verb == "GET" else json.dumps(asked["body"], separators=(",", ":"), ensure_ascii=False).encode()
    kind = {} if body is None else {"Content-Type": "application/json"}
    headers = kind | {"X-Portcullis-Run": run.public_id} | _headers(asked.get("headers") or {})
    return Request(verb, asked["url"], body, headers, waits=asked.get("synchronized") in (True, "true"))


def _headers(named: Json) -> dict[str, str]:
    made = {}
    for name, value in named.items():
        text = value if isinstance(value, str) else json.dumps(value)
        path = f"invocationMethod.headers.{name[:40]}"
        if not _NAME.fullmatch(name) or name.lower() in OURS:
            raise Invalid.at(path, "is no header that may be set")
        if not _VALUE.fullmatch(text):
            raise Invalid.at(path, "has a value that no header can hold: plain characters, on one line")
        # One name is one header, however its letters are written.
        made[next((each for each in ("Content-Type", "User-Agent") if each.lower() == name.lower()), name)] = text
    return made
