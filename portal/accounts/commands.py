import hashlib
from datetime import datetime, timedelta
from typing import Any

import jwt
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.accounts.models import Credential, Team, User, known_scopes
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.ids import random_text

TOKEN_LIFE = timedelta(hours=3)
TOKEN_RENEWAL = timedelta(minutes=5)  # asking again answers the same token until this close to its end
CI_PREFIX = "pcl_"


def hashed(secret: str) -> str:
    # Secrets are 40 random characters, so a plain digest cannot be guessed back.
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def user_create(email: str, name: str, *, password: str | None, role: str = User.Role.MEMBER, by: By) -> User:
    require(by, "account.write")
    user = User.objects.create_user(email, password, name=name, role=role)
    record("user.created", user.noun(), by=by, after=user.facts())
    return user


@transaction.atomic
def team_create(identifier: str, title: str, *, members: list[User], by: By) -> Team:
    require(by, "account.write")
    team = Team.objects.create(identifier=identifier, title=title)
    team.members.set(members)
    record("team.created", team.noun(), by=by, after=team.facts() | {"members": [user.email for user in members]})
    return team


@transaction.atomic
def credential_create(name: str, *, kind: str, scopes: list[str], by: By) -> tuple[Credential, str]:
    """The new credential and its secret, which is shown this once: a client's secret, or a whole CI token."""
    require(by, "account.write")
    known_scopes(scopes)
    secret = random_text(40)
    if kind == Credential.Kind.CI:
        secret = CI_PREFIX + secret
    credential = Credential.objects.create(
        name=name, kind=kind, scopes=scopes, client_id=random_text(32), secret_hash=hashed(secret)
    )
    record("credential.created", credential.noun(), by=by, after=credential.facts())
    return credential, secret


@transaction.atomic
def credential_revoke(credential: Credential, *, by: By) -> Credential:
    """Its tokens stop working with the next request. Twice is the same as once."""
    require(by, "account.write")
    credential = Credential.objects.select_for_update().get(pk=credential.pk)
    if credential.revoked_at is None:
        credential.revoked_at = timezone.now()
        credential.save(update_fields=["revoked_at"])
        record("credential.revoked", credential.noun(), by=by, before=credential.facts())
    return credential


def token_issue(client_id: str, client_secret: str) -> dict[str, Any] | None:
    """`{"accessToken", "expiresIn" (seconds), "tokenType"}`, or None for a wrong id or secret."""
    now = timezone.now()
    credential = Credential.objects.filter(
        client_id=client_id, secret_hash=hashed(client_secret), kind=Credential.Kind.CLIENT, revoked_at=None
    ).first()
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
    live = Credential.objects.filter(revoked_at=None)
    if token.startswith(CI_PREFIX):
        return live.filter(kind=Credential.Kind.CI, secret_hash=hashed(token)).first()
    try:
        claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"], options={"require": ["exp", "sub", "ver"]})
    except jwt.InvalidTokenError:
        return None
    return live.filter(public_id=claims["sub"], version=claims["ver"]).first()


def credential_touch(credential: Credential) -> None:
    """Notes that it was used, at most once a minute."""
    now = timezone.now()
    if credential.last_used_at is None or now - credential.last_used_at > timedelta(minutes=1):
        Credential.objects.filter(pk=credential.pk).update(last_used_at=now)
