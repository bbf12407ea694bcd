import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import available_timezones

import jwt
from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import Credential, Team, User, known_scopes
from portal.accounts.policy import require
from portal.accounts.queries import live_credentials
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock

TOKEN_LIFE = timedelta(hours=3)
TOKEN_RENEWAL = timedelta(minutes=5)  # asking again answers the same token until this close to its end
CI_PREFIX = "pcl_"


def hashed(secret: str) -> str:
    # Secrets are 40 random characters, so a plain digest cannot be guessed back.
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def user_create(email: str, name: str, *, password: str | None, role: str = User.Role.MEMBER, by: By) -> User:
    require(by, "account.write")
    with _taken("email", f"Somebody with the address {email} is here already."):
        user = User.objects.create_user(email, password, name=name, role=role)
    record("user.created", user.noun(), by=by, after=user.facts())
    return user


@transaction.atomic
def user_update(user: User, changes: dict[str, Any], *, password: str = "", by: By) -> User:
    """Sets those of email, name, role, moderates, timezone and is_active that `changes` names.

    The last administrator stays one: somebody has to be able to undo it.
    """
    require(by, "account.write")
    advisory_lock("administrators")
    user = User.objects.select_for_update().get(pk=user.pk)
    before, was_admin = user.facts(), user.is_staff
    for name in before.keys() & changes.keys():
        setattr(user, name, changes[name])
    _check_timezone(user.timezone)
    if password:
        user.set_password(password)
    if user.facts() == before and not password:
        return user
    if was_admin and not user.is_staff and not _other_admins(user):
        raise Conflict("This is the last administrator. Make somebody else one first.", code="last_admin", kind="role")
    with _taken("email", f"Somebody with the address {user.email} is here already."):
        user.save()
    payload = {"password": "changed"} if password else {}
    record("user.updated", user.noun(), by=by, before=before, after=user.facts(), payload=payload)
    return user


def _other_admins(user: User) -> bool:
    return User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(pk=user.pk).exists()


def _check_timezone(name: str) -> None:
    if name not in available_timezones():
        raise Invalid.at("timezone", "is not a time zone's name, such as UTC or Europe/Paris")


@contextmanager
def _taken(kind: str, message: str) -> Iterator[None]:
    try:
        with transaction.atomic():
            yield
    except IntegrityError as taken:
        raise Conflict(message, code="identifier_taken", kind=kind) from taken


@transaction.atomic
def team_create(identifier: str, title: str, *, description: str = "", members: list[User], by: By) -> Team:
    require(by, "account.write")
    with _taken("identifier", f"There is a team called {identifier} already."):
        team = Team.objects.create(identifier=identifier, title=title, description=description)
    team.members.set(members)
    record("team.created", team.noun(), by=by, after=_facts(team, members))
    return team


@transaction.atomic
def team_update(team: Team, *, title: str, description: str | None = None, members: list[User] | None, by: By) -> Team:
    """The identifier stays: entities name their team by it. What is None stays too."""
    require(by, "account.write")
    team = Team.objects.select_for_update().get(pk=team.pk)
    now = list(team.members.all())
    before = _facts(team, now)
    team.title = title
    team.description = team.description if description is None else description
    after = _facts(team, now if members is None else members)
    if after == before:
        return team
    team.save(update_fields=["title", "description"])
    if members is not None:
        team.members.set(members)
    record("team.updated", team.noun(), by=by, before=before, after=after)
    return team


@transaction.atomic
def team_delete(team: Team, *, by: By) -> None:
    """What it owned keeps its name, so that a team made anew under it owns the same."""
    require(by, "account.write")
    team = Team.objects.select_for_update().get(pk=team.pk)
    record("team.deleted", team.noun(), by=by, before=_facts(team, list(team.members.all())))
    team.delete()


def _facts(team: Team, members: list[User]) -> dict[str, Any]:
    return team.facts() | {"members": sorted(user.email for user in members)}


@transaction.atomic
def credential_create(
    name: str, *, kind: str, scopes: list[str], user: User | None = None, by: By
) -> tuple[Credential, str]:
    """The new credential and its secret, which is shown this once: a client's secret, or a whole CI token.

    With a `user` it is that person's own.
    """
    require(by, "account.write")
    known_scopes(scopes)
    secret = random_text(40)
    if kind == Credential.Kind.CI:
        secret = CI_PREFIX + secret
    with _taken("name", f"There is a credential called {name} already; revoked ones keep their name."):
        credential = Credential.objects.create(
            name=name, kind=kind, scopes=scopes, user=user, client_id=random_text(32), secret_hash=hashed(secret)
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
    live = live_credentials()
    if token.startswith(CI_PREFIX):
        return live.filter(kind=Credential.Kind.CI, secret_hash=hashed(token)).first()
    try:
        # When it was issued is not checked: another node's clock may run a few seconds ahead.
        options: Any = {"require": ["exp", "sub", "ver"], "verify_iat": False}
        claims = jwt.decode(token, settings.SECRET_KEY, algorithms=["HS256"], options=options)
    except jwt.InvalidTokenError:
        return None
    return live.filter(public_id=claims["sub"], version=claims["ver"]).first()


def credential_touch(credential: Credential) -> None:
    """Notes that it was used, at most once a minute."""
    now = timezone.now()
    if credential.last_used_at is None or now - credential.last_used_at > timedelta(minutes=1):
        Credential.objects.filter(pk=credential.pk).update(last_used_at=now)
