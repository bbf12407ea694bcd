"""What may be set: known deeds, parts, people, roles and teams, and queries that can be read."""

from collections.abc import Iterator
from typing import Any

from catalog.models import Blueprint
from catalog.permissions.grants import ADMIN, DEEDS, GROUPS, LISTS, MEMBER, META, moderator_of
from catalog.permissions.policies import rule_of
from portal.accounts.models import Credential, Team, User
from portal.kit.errors import Invalid

Json = dict[str, Any]
Fault = dict[str, str]

# Of these an entity is there to be asked about.
WITH_POLICY = ("read", "update", "unregister")
MOST_NAMED = 1000


def check(blueprint: Blueprint, changes: Json) -> None:
    """Raises Invalid with the path of each fault, as in `entities.update.teams.0`."""
    faults = list(_faults(blueprint, changes))
    if faults:
        raise Invalid.of(faults)


def _faults(blueprint: Blueprint, changes: Json) -> Iterator[Fault]:
    known = _Known()
    for deed, block in changes.items():
        path = f"entities.{deed}"
        if deed in GROUPS:
            yield from _group(blueprint, known, block, path)
        elif deed in DEEDS:
            yield from _block(known, block, path, with_policy=deed in WITH_POLICY)
        else:
            yield _fault(path, f"must be one of {', '.join([*DEEDS, *GROUPS])}")


def _group(blueprint: Blueprint, known: "_Known", group: Any, path: str) -> Iterator[Fault]:
    if group is None:
        return
    if not isinstance(group, dict):
        yield _fault(path, "must be an object")
        return
    is_relations = path.endswith("updateRelations")
    names = set(blueprint.relations) if is_relations else {*blueprint.schema["properties"], *META}
    for name, block in group.items():
        if block is not None and name not in names:
            yield _fault(
                f"{path}.{name}", f"{blueprint.title} has no such {'relation' if is_relations else 'property'}"
            )
        else:
            yield from _block(known, block, f"{path}.{name}", with_policy=False)


def _block(known: "_Known", block: Any, path: str, *, with_policy: bool) -> Iterator[Fault]:
    if block is None:
        return
    if not isinstance(block, dict):
        yield _fault(path, "must be an object")
        return
    for key, value in block.items():
        here = f"{path}.{key}"
        if key in LISTS:
            yield from known.faults(key, value, here)
        elif key == "ownedByTeam":
            if not isinstance(value, bool):
                yield _fault(here, "must be true or false")
        elif key == "policy" and with_policy:
            yield from _policy(value, here)
        else:
            yield _fault(here, f"must be one of {', '.join([*LISTS, 'ownedByTeam'])}{', policy' * with_policy}")


def _policy(policy: Any, path: str) -> Iterator[Fault]:
    try:
        if policy is not None:
            rule_of(policy, path)
    except Invalid as wrong:
        yield from wrong.details["errors"]


class _Known:
    """Who and what can be named. Asked of the database once for each kind that is named at all."""

    def __init__(self) -> None:
        self._found: dict[str, set[str]] = {}

    def faults(self, kind: str, names: Any, path: str) -> Iterator[Fault]:
        if not isinstance(names, list) or not all(isinstance(each, str) for each in names):
            yield _fault(path, "must be a list of texts")
            return
        if len(names) > MOST_NAMED:
            yield _fault(path, f"names {len(names)}; {MOST_NAMED} are allowed")
            return
        for place, name in enumerate(names):
            if (name.casefold() if kind == "users" else name) not in self._of(kind):
                yield _fault(f"{path}.{place}", f"there is no {_WORDS[kind]} {name}")

    def _of(self, kind: str) -> set[str]:
        if kind not in self._found:
            self._found[kind] = set(_NAMES[kind]())
        return self._found[kind]


def _users() -> Iterator[str]:
    yield from (email.casefold() for email in User.objects.values_list("email", flat=True))
    yield from (name.casefold() for name in Credential.objects.filter(user=None).values_list("name", flat=True))


def _roles() -> Iterator[str]:
    yield from (ADMIN, MEMBER)
    yield from (moderator_of(each) for each in Blueprint.objects.values_list("identifier", flat=True))


def _teams() -> Iterator[str]:
    yield from Team.objects.values_list("identifier", flat=True)


_NAMES = {"users": _users, "roles": _roles, "teams": _teams}
_WORDS = {
    "users": "person with the address, or credential,",
    "roles": "role",
    "teams": "team",
}


def _fault(path: str, message: str) -> Fault:
    return {"path": path, "message": message}
