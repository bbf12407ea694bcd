from collections.abc import Iterable

from django.db.models import QuerySet
from django.db.models.functions import Lower

from portal.accounts.models import Credential, Team, User
from portal.kit.by import Actor
from portal.kit.errors import Missing


def users() -> QuerySet[User]:
    return User.objects.order_by("email").prefetch_related("teams")


def user(email: str) -> User:
    found = users().filter(email__iexact=email).first()
    if found is None:
        raise Missing(f'User with email "{email}" was not found')
    return found


def users_named(emails: Iterable[str]) -> dict[str, User]:
    """By their address in lower case; those that are not here are left out."""
    wanted = {email.lower() for email in emails}
    return {each.email.lower(): each for each in User.objects.annotate(low=Lower("email")).filter(low__in=wanted)}


def teams() -> QuerySet[Team]:
    return Team.objects.order_by("identifier").prefetch_related("members")


def team(name: str) -> Team:
    found = teams().filter(identifier=name).first()
    if found is None:
        raise Missing(f'Team with name "{name}" was not found')
    return found


def actor_of_user(user: User) -> Actor:
    return Actor(
        "user",
        f"user:{user.pk}",
        str(user),
        email=user.email,
        is_admin=user.is_staff,
        teams=frozenset(user.teams.values_list("identifier", flat=True)),
        moderates=frozenset(user.moderates),
    )


def actor_of_credential(credential: Credential) -> Actor:
    return Actor(
        "credential",
        f"credential:{credential.pk}",
        credential.name,
        is_admin="admin" in credential.scopes,
        scopes=frozenset(credential.scopes),
    )
