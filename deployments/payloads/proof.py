"""How a sender proves itself, and what makes one delivery the same as another."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from deployments.models import Hook
from deployments.payloads import cdevents
from deployments.payloads.told import Payload, header
from portal.kit.errors import Invalid, Refused
from portal.kit.seal import unseal

Json = dict[str, Any]

SIGNATURE, TIMESTAMP = "X-Portcullis-Signature", "X-Portcullis-Timestamp"
CLOCKS_DIFFER = timedelta(minutes=5)
LONGEST_KEY = 255


def check(hook: Hook, raw: bytes, headers: Mapping[str, str], now: datetime) -> None:
    """Raises Refused when it is not signed as senders of this kind sign. Header names are in lower case."""
    secret = unseal(hook.secret)
    name, given, right = _proof(hook.kind, secret, raw, headers)
    if not hmac.compare_digest(given.encode(), right.encode()):
        raise Refused(f"{name} is not what the hook's secret makes of this body.", code="bad_signature")
    if hook.kind == Hook.Kind.SIGNED:
        _check_age(header(headers, TIMESTAMP.lower()), now)


def _proof(kind: str, secret: str, raw: bytes, headers: Mapping[str, str]) -> tuple[str, str, str]:
    """The header that proves, what it says, and what it should."""
    if kind == Hook.Kind.GITHUB:
        name, right = "X-Hub-Signature-256", "sha256=" + _hmac(secret, raw)
    elif kind == Hook.Kind.GITLAB:
        name, right = "X-Gitlab-Token", secret
    elif kind == Hook.Kind.CDEVENTS:
        name, right = "Authorization", f"Bearer {secret}"
    else:
        stamp = header(headers, TIMESTAMP.lower()).encode()
        name, right = SIGNATURE, "sha256=" + _hmac(secret, stamp + b"." + raw)
    return name, header(headers, name.lower()), right


def _hmac(secret: str, raw: bytes) -> str:
    return hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()


def _check_age(stamp: str, now: datetime) -> None:
    if not (stamp.isascii() and stamp.isdecimal() and len(stamp) <= 11):
        raise Invalid.at(TIMESTAMP, "must be the time of sending, in whole seconds since 1970")
    if abs(now - datetime.fromtimestamp(int(stamp), UTC)) > CLOCKS_DIFFER:
        raise Refused(f"{TIMESTAMP} is more than 5 minutes off: sign it anew.", code="bad_signature")


def delivery_key(hook: Hook, raw: bytes, headers: Mapping[str, str], body: Json) -> str:
    """The same for a delivery that is sent again, and for no other."""
    named = {
        Hook.Kind.GITHUB: lambda: header(headers, "x-github-delivery"),
        Hook.Kind.GITLAB: lambda: header(headers, "idempotency-key"),
        Hook.Kind.CDEVENTS: lambda: cdevents.identity(headers, body),
        # Nothing that is not signed: whoever has caught a report could send it again under another name.
        Hook.Kind.SIGNED: lambda: Payload(body)("idempotency_key") or header(headers, SIGNATURE.lower()),
    }[Hook.Kind(hook.kind)]()
    return named if 0 < len(named) <= LONGEST_KEY else hashlib.sha256(raw).hexdigest()
