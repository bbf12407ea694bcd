"""Accounts of people, and how they come in."""

from datetime import timedelta
from typing import Any
from zoneinfo import available_timezones

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.accounts import hooks
from portal.accounts.commands.teams import team_update
from portal.accounts.models import Team, User
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.database import taken
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.ids import hashed, random_text
from portal.kit.locking import advisory_lock

INVITATION_LIFE = timedelta(days=7)


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


def invited(secret: str, rows: QuerySet[User] | None = None) -> User:
    """Whom the link lets in. Raises Missing for one that was used, replaced, or is older than a week."""
    since = timezone.now() - INVITATION_LIFE
    known = (User.objects.all() if rows is None else rows).filter(is_active=True, invited_at__gt=since)
    found = known.filter(invitation_hash=hashed(secret)).first()
    if found is None:
        raise Missing("This invitation was used, replaced by a newer one, or has run out. Ask for a new one.")
    return found
