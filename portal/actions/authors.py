"""With whose rights a run works when nobody is at the door: who asked for it, or who wrote the automation."""

from dataclasses import replace

from portal.accounts.policy import allows
from portal.accounts.queries import actor_of_credential, actor_of_user, live_credentials, user_of
from portal.actions.models import Action
from portal.kit.by import Actor, system
from portal.kit.errors import Refused

# Those that were looked up, by their key and the scopes of their token.
Authors = dict[tuple[str, tuple[str, ...], bool], Actor | None]


def actor_called(key: str, scopes: list[str] | None) -> Actor | None:
    """As he may now, bound to the `scopes` of the token by which he came; None when he is gone."""
    kind, _, rest = key.partition(":")
    if person := user_of(key):
        return _bound(actor_of_user(person), scopes)
    if kind == "credential" and (program := live_credentials().filter(pk=rest).first()):
        return actor_of_credential(program)
    return system(rest).actor if kind == "system" else None


def automation(action: Action) -> Actor:
    """The automation itself, named so, whatever its author may do."""
    return Actor("system", f"automation:{action.pk}", action.title[:254])


def automation_at_work(action: Action) -> Actor:
    """The automation, with the rights of its author. Raises Refused when he is gone."""
    author = actor_called(action.author_key, action.author_scopes)
    if author is None:
        raise Refused("Who wrote this automation is here no more. Let somebody who may do what it does save it again.")
    named = automation(action)
    # Programs and people have rights in different ways; only an administrator's may simply be the portal's.
    kind = named.kind if author.is_admin else author.kind
    return replace(author, kind=kind, key=named.key, name=named.name, is_service=True)


def unfit(action: Action, known: Authors) -> str:
    """Why an automation may not go on in its author's name; empty as long as he may change it."""
    key = (action.author_key, tuple(action.author_scopes or ()), action.author_scopes is None)
    if key not in known:
        known[key] = actor_called(action.author_key, action.author_scopes)
    author = known[key]
    if author is None:
        return "Whoever saved it last is here no more."
    if allows(author, "action.write", blueprint=action.blueprint):
        return ""
    return f"{author.name} saved it last, and may not change it any more."


def _bound(person: Actor, scopes: list[str] | None) -> Actor:
    if scopes is None:
        return person
    is_admin = person.is_admin and "admin" in scopes
    return replace(person, token=person.name, scopes=frozenset(scopes), is_admin=is_admin)
