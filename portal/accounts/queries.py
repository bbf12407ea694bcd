from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any
from uuid import UUID

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Exists, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Lower

from portal.accounts.models import Credential, Organization, Secret, Team, User
from portal.kit import rows
from portal.kit.by import Actor
from portal.kit.errors import Missing


def users() -> QuerySet[User]:
    return User.objects.order_by("email").prefetch_related("teams")


def user(email: str) -> User:
    found = users().filter(email__iexact=email).first()
    if found is None:
        raise Missing(f'User with email "{email}" was not found')
    return found


def user_of(key: str) -> User | None:
    """The person whom an actor's key stands for, if he is one and may still sign in."""
    kind, _, number = key.partition(":")
    return User.objects.filter(pk=number, is_active=True).first() if kind == "user" and number.isdecimal() else None


def users_named(emails: Iterable[str]) -> dict[str, User]:
    """By their address in lower case; those that are not here are left out."""
    wanted = {email.lower() for email in emails}
    return {each.email.lower(): each for each in User.objects.annotate(low=Lower("email")).filter(low__in=wanted)}


def apps() -> QuerySet[Credential]:
    """Programs with a client id, by name; those that are revoked are no more."""
    return Credential.objects.filter(kind=Credential.Kind.CLIENT, revoked_at=None).order_by("name")


def app(client_id: str) -> Credential:
    found = apps().filter(client_id=client_id).first()
    if found is None:
        raise Missing(f'App with id "{client_id}" was not found')
    return found


def organization() -> Organization:
    return Organization.objects.first() or Organization(pk=1)


def secrets() -> QuerySet[Secret]:
    return Secret.objects.order_by("name")


def secret(name: str) -> Secret:
    found = secrets().filter(name=name).first()
    if found is None:
        raise Missing(f'Secret with name "{name}" was not found')
    return found


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("identifier").prefetch_related("members")


def team(name: str) -> Team:
    found = teams().filter(identifier=name).first()
    if found is None:
        raise Missing(f'Team with name "{name}" was not found')
    return found


_restricted: list[Exists | Value] = [Value(False)]


def restricted_when(condition: Exists) -> None:
    """What an upper app asks of the database together with every actor: is anything of its kept from anybody?"""
    _restricted[:] = [condition]


def actor_of_user(user: User) -> Actor:
    """In one query, whatever he is a member of."""
    teams, restricted = (
        User.objects.filter(pk=user.pk)
        .annotate(restricted=_restricted[0])
        .values_list(ArraySubquery(Team.objects.filter(members=OuterRef("pk")).values("identifier")), "restricted")
        .get()
    )
    return Actor(
        "user",
        f"user:{user.pk}",
        str(user),
        email=user.email,
        is_admin=user.is_staff,
        teams=frozenset(teams),
        moderates=frozenset(user.moderates),
        is_service=user.is_service,
        restricted=restricted,
    )


def live_credentials() -> QuerySet[Credential]:
    """With what an actor needs to know; somebody's own die with his account's end."""
    live = Credential.objects.filter(Q(user=None) | Q(user__is_active=True), revoked_at=None)
    return live.select_related("user").annotate(restricted=_restricted[0])


# What an actor is made of, and what a request touches: nothing more is read later.
_TOLD = (
    "id",
    "public_id",
    "kind",
    "name",
    "client_id",
    "scopes",
    "version",
    "last_used_at",
    "user_id",
    "creates_services",
    "restricted",
)
# The same of the person whom it acts for.
_USER = ("id", "email", "name", "role", "moderates", "is_active", "is_service")


def live_credential(**which: Any) -> Credential | None:
    """The one with these values. Every request of a program asks this: its statement is made once, not each time."""
    query, values = _asking(_restricted[0], tuple(which))
    for row in rows.prepared(query, [*values, *which.values()]):
        found, person = dict(zip(_TOLD, row)), dict(zip(_USER, row[len(_TOLD) :]))
        owner = {"user": rows.part(User, **person)} if found["user_id"] else {}
        return rows.part(Credential, **found, **owner)
    return None


@lru_cache(maxsize=20)
def _asking(restricted: Exists | Value, names: tuple[str, ...]) -> tuple[str, list[Any]]:
    """The statement, and its values before those of `names`, which come last."""
    gaps = {name: _GAPS[name] for name in names}
    told = [*_TOLD, *(f"user__{name}" for name in _USER)]
    query, values = live_credentials().filter(**gaps).order_by().values_list(*told).query.sql_with_params()
    return query, list(values[: -len(names)])


# Of the right types, for a statement that is asked with others.
_GAPS: dict[str, Any] = {"kind": "ci", "secret_hash": "-", "public_id": UUID(int=0), "version": 0}


def actor_of_credential(credential: Credential) -> Actor:
    """Its person, who is no administrator here without the scope for it; a program where it has none."""
    scopes, is_admin = frozenset(credential.scopes), "admin" in credential.scopes
    if credential.user:
        person = actor_of_user(credential.user)
        return replace(
            person,
            token=credential.name,
            scopes=scopes,
            is_admin=person.is_admin and is_admin,
            makes_services=credential.creates_services,
        )
    return Actor(
        "credential",
        f"credential:{credential.pk}",
        credential.name,
        is_admin=is_admin,
        scopes=scopes,
        restricted=getattr(credential, "restricted", True),
        makes_services=credential.creates_services,
    )
