from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import available_timezones

import jwt
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts import hooks
from portal.accounts.models import Credential, Team, User, known_scopes
from portal.accounts.policy import require
from portal.accounts.queries import live_credential, live_credentials
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.database import taken
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.ids import hashed, random_text
from portal.kit.locking import advisory_lock

INVITATION_LIFE = timedelta(days=7)
TOKEN_LIFE = timedelta(hours=3)
TOKEN_RENEWAL = timedelta(minutes=5)  # asking again answers the same token until this close to its end
CI_PREFIX = "pcl_"


@transaction.atomic
def user_create(
    email: str, name: str, *, password: str | None, role: str = User.Role.MEMBER, service: bool = False, by: By
) -> User:
    require(by, "account.write")
    with taken("email", f"Somebody with the address {email} is here already."):
        user = User.objects.create_user(email, password, name=name, role=role, is_service=service)
    record("user.created", user.noun(), by=by, after=user.facts())
    hooks.user_saved(user, "", by)
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
    with taken("email", f"Somebody with the address {user.email} is here already."):
        user.save()
    payload = {"password": "changed"} if password else {}
    record("user.updated", user.noun(), by=by, before=before, after=user.facts(), payload=payload)
    hooks.user_saved(user, before["email"], by)
    return user


@transaction.atomic
def user_delete(user: User, *, mirrored: bool = True, by: By) -> None:
    """With the credentials and views that are his alone. What he did stays under his name.

    `mirrored=False`: his entity goes by itself.
    """
    require(by, "account.write")
    advisory_lock("administrators")
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_staff and not _other_admins(user):
        raise Conflict("This is the last administrator. Make somebody else one first.", code="last_admin", kind="role")
    if by.actor.key == f"user:{user.pk}":
        raise Conflict("Nobody deletes his own account.", code="own_account")
    record("user.deleted", user.noun(), by=by, before=user.facts() | {"teams": _teams_of(user)})
    user.delete()
    if mirrored:
        hooks.user_gone(user, by)


@transaction.atomic
def user_join(user: User, *, teams: list[str], by: By) -> User:
    """Makes him a member of these teams and of no others. Each team that changes is told of."""
    require(by, "account.write")
    known = {team.identifier: team for team in Team.objects.select_for_update().order_by("pk")}
    for place, name in enumerate(teams):
        if name not in known:
            raise Invalid.at(f"teams.{place}", f"there is no team {name}")
    now = set(_teams_of(user))
    for name in sorted(now ^ set(teams)):
        team = known[name]
        members = list(team.members.exclude(pk=user.pk)) + ([user] if name in teams else [])
        team_update(team, title=team.title, members=members, by=by)
    return user


def _teams_of(user: User) -> list[str]:
    return sorted(user.teams.values_list("identifier", flat=True))


@transaction.atomic
def user_invite(
    email: str, *, name: str = "", role: str = User.Role.MEMBER, teams: list[str] | None = None, by: By
) -> tuple[User, str]:
    """The person, made where the address is new, and the secret of a link that lets him set a password.

    Inviting again makes a new link; the one before ends. A Conflict for who signs in already.
    """
    require(by, "account.write")
    user = User.objects.select_for_update().filter(email__iexact=email.strip()).first()
    if user is None:
        user = user_create(email, name or email.partition("@")[0], password=None, role=role, by=by)
    elif user.status not in ("Staged", "Invited"):
        raise Conflict(f"{user} has an account already, which is {user.status.lower()}.", code="identifier_taken")
    if teams is not None:
        user_join(user, teams=teams, by=by)
    secret = random_text(40)
    user.invitation_hash, user.invited_at = hashed(secret), timezone.now()
    user.save(update_fields=["invitation_hash", "invited_at"])
    record("user.invited", user.noun(), by=by, after={"email": user.email, "until": user.invited_at + INVITATION_LIFE})
    hooks.user_saved(user, user.email, by)
    return user, secret


@transaction.atomic
def invitation_accept(secret: str, *, name: str, password: str, by: By) -> User:
    """Sets the name and the password of whom the link was made for; it works once, for a week."""
    user = invited(secret, User.objects.select_for_update())
    user.name, user.invitation_hash = name.strip() or user.name, ""
    user.set_password(password)
    user.save(update_fields=["name", "invitation_hash", "password"])
    record("user.joined", user.noun(), by=by, after=user.facts())
    hooks.user_saved(user, user.email, by)
    return user


def _other_admins(user: User) -> bool:
    return User.objects.filter(role=User.Role.ADMIN, is_active=True).exclude(pk=user.pk).exists()


def _check_timezone(name: str) -> None:
    if name not in available_timezones():
        raise Invalid.at("timezone", "is not a time zone's name, such as UTC or Europe/Paris")


@transaction.atomic
def team_create(identifier: str, title: str, *, description: str = "", members: list[User], by: By) -> Team:
    require(by, "account.write")
    with taken("identifier", f"There is a team called {identifier} already."):
        team = Team.objects.create(identifier=identifier, title=title, description=description)
    team.members.set(members)
    record("team.created", team.noun(), by=by, after=_facts(team, members))
    hooks.team_saved(team, members, by)
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
    moved = [] if members is None else set(now) ^ set(members)
    hooks.team_saved(team, moved, by)
    return team


@transaction.atomic
def team_delete(team: Team, *, mirrored: bool = True, by: By) -> None:
    """What it owned keeps its name, so that a team made anew under it owns the same.

    `mirrored=False`: its entity goes by itself.
    """
    require(by, "account.write")
    team = Team.objects.select_for_update().get(pk=team.pk)
    members = list(team.members.all())
    record("team.deleted", team.noun(), by=by, before=_facts(team, members))
    team.delete()
    hooks.team_gone(team, members, mirrored, by)


def _facts(team: Team, members: list[User]) -> dict[str, Any]:
    return team.facts() | {"members": sorted(user.email for user in members)}


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


def invited(secret: str, rows: QuerySet[User] | None = None) -> User:
    """Whom the link lets in. Raises Missing for one that was used, replaced, or is older than a week."""
    since = timezone.now() - INVITATION_LIFE
    known = (User.objects.all() if rows is None else rows).filter(is_active=True, invited_at__gt=since)
    found = known.filter(invitation_hash=hashed(secret)).first()
    if found is None:
        raise Missing("This invitation was used, replaced by a newer one, or has run out. Ask for a new one.")
    return found


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
