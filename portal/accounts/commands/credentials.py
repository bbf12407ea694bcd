"""Credentials of programs and of people: made, changed, and known again by what they send."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import jwt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import Credential, User, known_scopes
from portal.accounts.policy import require
from portal.accounts.queries import live_credential, live_credentials
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.database import taken
from portal.kit.errors import Conflict
from portal.kit.ids import hashed, random_text

TOKEN_LIFE = timedelta(hours=3)
TOKEN_RENEWAL = timedelta(minutes=5)  # asking again answers the same token until this close to its end
CI_PREFIX = "pcl_"


@transaction.atomic
def credential_create(
    name: str, *, kind: str, scopes: list[str], user: User | None = None, creates_services: bool = False, by: By
) -> tuple[Credential, str]:
    """The new credential and its secret, which is shown this once: a client's secret, or a whole CI token.

    With a `user` it is that person's own.
    """
    require(by, "account.write")
    known_scopes(scopes)
    secret = random_text(40)
    if kind == Credential.Kind.CI:
        secret = CI_PREFIX + secret
    with taken("name", f"There is a credential called {name} already; revoked ones keep their name."):
        credential = Credential.objects.create(
            name=name,
            kind=kind,
            scopes=scopes,
            user=user,
            creates_services=creates_services,
            client_id=random_text(32),
            secret_hash=hashed(secret),
        )
    record("credential.created", credential.noun(), by=by, after=credential.facts())
    return credential, secret


@transaction.atomic
def credential_permit(credential: Credential, *, creates_services: bool, by: By) -> Credential:
    """Whether a service that it reports, and that nobody knows, is made."""
    require(by, "account.write")
    credential = Credential.objects.select_for_update(of=("self",)).select_related("user").get(pk=credential.pk)
    before = credential.facts()
    if credential.creates_services != creates_services:
        credential.creates_services = creates_services
        credential.save(update_fields=["creates_services"])
        record("credential.updated", credential.noun(), by=by, before=before, after=credential.facts())
    return credential


@transaction.atomic
def credential_rotate(credential: Credential, *, by: By) -> tuple[Credential, str]:
    """The same credential with a new secret, shown this once. The old one, and its tokens, end now."""
    require(by, "account.write")
    credential = Credential.objects.select_for_update(of=("self",)).select_related("user").get(pk=credential.pk)
    if credential.revoked_at:
        raise Conflict(f"The credential “{credential.name}” is revoked; make a new one.", code="revoked")
    secret = (CI_PREFIX if credential.kind == Credential.Kind.CI else "") + random_text(40)
    credential.secret_hash, credential.version = hashed(secret), credential.version + 1
    credential.token_issued_at = None
    credential.save(update_fields=["secret_hash", "version", "token_issued_at"])
    record("credential.rotated", credential.noun(), by=by, after=credential.facts())
    return credential, secret


@transaction.atomic
def credential_rename(credential: Credential, name: str, *, by: By) -> Credential:
    require(by, "account.write")
    credential = Credential.objects.select_for_update(of=("self",)).select_related("user").get(pk=credential.pk)
    before = credential.facts()
    if name == credential.name:
        return credential
    credential.name = name
    with taken("name", f"There is a credential called {name} already; revoked ones keep their name."):
        credential.save(update_fields=["name"])
    record("credential.updated", credential.noun(), by=by, before=before, after=credential.facts())
    return credential


PERSONAL = ["report", "gate", "lock", "catalog:read", "catalog:write"]


@transaction.atomic
def personal_credential_rotate(user: User, *, by: By) -> tuple[Credential, str]:
    """Somebody's own client id with a new secret, made where he has none; it does what he may, but administer."""
    require(by, "account.write")
    own = user.credentials.filter(kind=Credential.Kind.CLIENT, revoked_at=None).order_by("pk").first()
    if own:
        return credential_rotate(own, by=by)
    name = f"{user.email[:80]} {user.credentials.count() + 1}"
    return credential_create(name, kind=Credential.Kind.CLIENT, scopes=PERSONAL, user=user, by=by)


@transaction.atomic
def credential_revoke(credential: Credential, *, by: By) -> Credential:
    """Its tokens stop working with the next request. Twice is the same as once."""
    require(by, "account.write")
    credential = Credential.objects.select_for_update(of=("self",)).select_related("user").get(pk=credential.pk)
    if credential.revoked_at is None:
        credential.revoked_at = timezone.now()
        credential.save(update_fields=["revoked_at"])
        record("credential.revoked", credential.noun(), by=by, before=credential.facts())
    return credential


def token_issue(client_id: str, client_secret: str) -> dict[str, Any] | None:
    """`{"accessToken", "expiresIn" (seconds), "tokenType"}`, or None for a wrong id or secret."""
    now = timezone.now()
    credential = (
        live_credentials()
        .filter(client_id=client_id, secret_hash=hashed(client_secret), kind=Credential.Kind.CLIENT)
        .first()
    )
    if credential is None:
        return None
    issued = credential.token_issued_at
    if issued is None or now > issued + TOKEN_LIFE - TOKEN_RENEWAL:
        issued = _renew(credential, issued, now)
    expires = int(issued.timestamp()) + int(TOKEN_LIFE.total_seconds())
    claims = {
        "sub": str(credential.public_id),
        "ver": credential.version,
        "iat": int(issued.timestamp()),
        "exp": expires,
        "isMachine": True,
        "personalToken": False,
    }
    token = jwt.encode(claims, settings.SECRET_KEY, algorithm="HS256")
    return {"accessToken": token, "expiresIn": expires - int(now.timestamp()), "tokenType": "Bearer"}


def _renew(credential: Credential, seen: datetime | None, now: datetime) -> datetime:
    """Two at once agree: the second finds the first's instant and uses it."""
    won = Credential.objects.filter(pk=credential.pk, token_issued_at=seen).update(token_issued_at=now)
    if won:
        return now
    credential.refresh_from_db(fields=["token_issued_at"])
    return credential.token_issued_at or now


def credential_of(token: str) -> Credential | None:
    """The live credential behind a bearer token, or None. The row is looked at each time, so revoking is immediate."""
    if token.startswith(CI_PREFIX):
        return live_credential(kind=Credential.Kind.CI.value, secret_hash=hashed(token))
    try:
        # When it was issued is not checked: another node's clock may run a few seconds ahead.
        options: Any = {"require": ["exp", "sub", "ver"], "verify_iat": False}
        claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"], options=options)
    except jwt.InvalidTokenError:
        return None
    return live_credential(public_id=UUID(claims["sub"]), version=claims["ver"])


def credential_touch(credential: Credential) -> None:
    """Notes that it was used, at most once a minute."""
    now = timezone.now()
    if credential.last_used_at is None or now - credential.last_used_at > timedelta(minutes=1):
        Credential.objects.filter(pk=credential.pk).update(last_used_at=now)
