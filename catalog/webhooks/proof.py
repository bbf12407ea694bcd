"""How a sender proves itself to a webhook."""

import hashlib
import hmac
from collections.abc import Mapping

from catalog.webhooks.models import Webhook
from portal.kit.errors import Refused
from portal.kit.masks import HIDDEN
from portal.kit.seal import unseal

# Headers that carry a sender's own credentials are nobody's business here.
CREDENTIALS = {"authorization", "cookie", "proxy-authorization"}
LONGEST_HEADER = 2_000
MOST_HEADERS = 100


def check(webhook: Webhook, raw: bytes, headers: Mapping[str, str]) -> None:
    """Raises Refused when the webhook has a secret, and the body is not signed with it. Header names are in lower case."""
    secret = unseal(webhook.secret)
    if not secret:
        return
    name = webhook.security.get("signatureHeaderName") or ""
    given = headers.get(name.lower(), "").removeprefix(webhook.security.get("signaturePrefix") or "")
    if not hmac.compare_digest(given.encode(), _right(webhook, secret, raw).encode()):
        said = f"in the header {name} is not that of this body" if given else f"is missing: no header {name} came"
        raise Refused(f"The signature {said}.", code="bad_signature")


def _right(webhook: Webhook, secret: str, raw: bytes) -> str:
    algorithm = webhook.security.get("signatureAlgorithm")
    if algorithm == "plain":
        return secret
    digest = hashlib.sha1 if algorithm == "sha1" else hashlib.sha256
    return hmac.new(secret.encode(), raw, digest).hexdigest()


def lowered(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value[:LONGEST_HEADER] for name, value in list(headers.items())[:MOST_HEADERS]}


def kept(webhook: Webhook, headers: Mapping[str, str]) -> dict[str, str]:
    """What the log and the programs may know of them. A plain signature is the secret itself."""
    plain = webhook.security.get("signatureAlgorithm") == "plain"
    hidden = CREDENTIALS | ({(webhook.security.get("signatureHeaderName") or "").lower()} if plain else set())
    return {name: HIDDEN if name in hidden else value for name, value in headers.items()}
