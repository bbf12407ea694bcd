from portal.accounts.models import Credential, User
from portal.kit.by import Actor


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
