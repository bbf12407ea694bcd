"""What a client asks an entity to be, parsed once and typed."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal

from catalog.schema.identifiers import check_identifier
from catalog.search import reading, rules
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST_TEAMS = 100
LONGEST_TEAM = 250
LONGEST_ICON = 100
# How a search query may find the names of an entity, its relations and its team.
LOOKUPS = ("=", "in", "contains", "containsAny")

# create: it must not exist. override: only what is given survives. merge: only what is given changes, made if missing.
# replace and patch: it must exist; as override and merge.
Mode = Literal["create", "override", "merge", "replace", "patch"]


@dataclass(frozen=True)
class Wish:
    """`given` holds which of title, icon, team, properties, relations the client sent at all.

    `lookups` are the names that the client gave as search queries, by path: `identifier`, `team`, `relations.<name>`.
    `seen` is when the entity was last changed as far as the writer knows; it is refused when that is no longer so.
    """

    blueprint: str
    identifier: str  # of the entity to write; empty when the portal is to make one
    mode: Mode
    rename: str = ""  # a new identifier for an existing entity
    title: str = ""
    icon: str = ""
    team: tuple[str, ...] = ()
    properties: Json = field(default_factory=dict)
    relations: dict[str, tuple[str, ...]] = field(default_factory=dict)
    given: frozenset[str] = frozenset()
    lookups: dict[str, rules.Rule] = field(default_factory=dict)
    create_missing: bool = False
    seen: str = ""

    @property
    def merges(self) -> bool:
        return self.mode in {"merge", "patch"}


def checked(identifier: str) -> str:
    return check_identifier(identifier, "identifier", longest=1000, also="=")


def unless_changed(wish: Wish, seen: str) -> Wish:
    return replace(wish, seen=seen)


def parse(blueprint: str, body: Any, *, mode: Mode, identifier: str = "", create_missing: bool = False) -> Wish:
    """Reads the body of an entity write. `identifier` is the one in the path, when there is one."""
    if not isinstance(body, dict):
        raise Invalid.at("body", "must be an object")
    lookups = _lookups(body)
    named = None if "identifier" in lookups else body.get("identifier")
    if named is not None:
        checked(named)
    if identifier and "identifier" in lookups:
        raise Invalid.at("identifier", "must be a text: which entity is meant stands in the address")
    return Wish(
        blueprint=blueprint,
        identifier=identifier or named or "",
        mode=mode,
        rename=named if identifier and named and named != identifier else "",
        title=_text(body, "title"),
        icon=_text(body, "icon", longest=LONGEST_ICON),
        team=() if "team" in lookups else _team(body),
        properties=_object(body, "properties"),
        relations={
            name: () if f"relations.{name}" in lookups else _texts(value, f"relations.{name}")
            for name, value in _object(body, "relations").items()
        },
        given=frozenset(body.keys() & {"title", "icon", "team", "properties", "relations"}),
        lookups=lookups,
        create_missing=create_missing,
    )


def _lookups(body: Json) -> dict[str, rules.Rule]:
    """Whatever is an object where a name is expected is a query that finds it."""
    places = {name: body.get(name) for name in ("identifier", "team")}
    places |= {f"relations.{name}": value for name, value in _object(body, "relations").items()}
    return {path: _lookup(value, path) for path, value in places.items() if isinstance(value, dict)}


def _lookup(query: Json, path: str) -> rules.Rule:
    """Only names are found so: by what is equal, or among, or part of."""
    rule = reading.parse(query, path=path)
    wrong = next((each for each in rules.leaves(rule) if not _finds_names(each)), None)
    if wrong is not None:
        raise Invalid.at(path, f"a query here compares properties by {', '.join(LOOKUPS)} alone")
    if not any(True for _ in rules.leaves(rule)):
        raise Invalid.at(path, "a query here needs at least one rule")
    return rule


def _finds_names(rule: rules.Rule) -> bool:
    return (
        isinstance(rule, rules.Compare)
        and isinstance(rule.field, str)
        and rule.operator in LOOKUPS
        and not rule.negated
    )


def _object(body: Json, key: str) -> Json:
    value = body.get(key)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Invalid.at(key, "must be an object")
    return value


def _text(body: Json, key: str, *, longest: int | None = None) -> str:
    value = body.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Invalid.at(key, "must be a text")
    if longest is not None and len(value) > longest:
        raise Invalid.at(key, f"is {len(value)} characters long; {longest} are allowed")
    return value


def _team(body: Json) -> tuple[str, ...]:
    teams = _texts(body.get("team"), "team")
    if len(teams) > MOST_TEAMS:
        raise Invalid.at("team", f"names {len(teams)} teams; {MOST_TEAMS} are allowed")
    if any(len(each) > LONGEST_TEAM for each in teams):
        raise Invalid.at("team", f"a team's name holds at most {LONGEST_TEAM} characters")
    return teams


def _texts(value: Any, path: str) -> tuple[str, ...]:
    """A text, a list of texts, or null, as one tuple without repetitions."""
    values = [value] if isinstance(value, str) else value or []
    if not isinstance(values, list) or any(not isinstance(each, str) for each in values):
        raise Invalid.at(path, "must be a text, a list of texts, or null")
    return tuple(dict.fromkeys(each for each in values if each))
