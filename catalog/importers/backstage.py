"""Entities of catalog-info.yaml files, as Backstage describes them, as things of this catalog."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from catalog.importers import documents
from catalog.importers.names import cleaned, renamed
from catalog.importers.things import Fate, Key, Thing, left
from portal.kit.errors import Invalid

Json = dict[str, Any]
Ref = tuple[str, str, str]  # kind, namespace, name, all in small letters

BLUEPRINTS = {
    "component": "service",
    "api": "api",
    "resource": "resource",
    "system": "system",
    "domain": "domain",
    "group": "_team",
    "user": "_user",
}
REF = re.compile(r"(?:([^:/\s]+):)?(?:([^:/\s]+)/)?([^:/\s]+)")
# The key of a spec, the kind that is meant where a reference names none, and the relation by the kind that it leads to.
RELATIONS: dict[str, list[tuple[str, str, dict[str, str]]]] = {
    "component": [
        ("system", "system", {"system": "system"}),
        ("subcomponentOf", "component", {"component": "partOf"}),
        ("dependsOn", "component", {"component": "dependsOn", "resource": "dependsOnResources"}),
        ("providesApis", "api", {"api": "providesApis"}),
        ("consumesApis", "api", {"api": "consumesApis"}),
    ],
    "api": [("system", "system", {"system": "system"})],
    "resource": [("system", "system", {"system": "system"}), ("dependsOn", "resource", {"resource": "dependsOn"})],
    "system": [("domain", "domain", {"domain": "domain"})],
    "domain": [("subdomainOf", "domain", {"domain": "parent"})],
}
SLUGS = {"github.com/project-slug": "https://github.com/", "gitlab.com/project-slug": "https://gitlab.com/"}
LOCATIONS = ("backstage.io/source-location", "backstage.io/view-url")
DOCUMENTATION = re.compile(r"\b(docs?|documentation|handbook|runbook)\b", re.IGNORECASE)
MOST = 1000  # of a list's values


@dataclass
class Found:
    """A document that is an entity."""

    source: str
    kind: str
    namespace: str
    name: str
    metadata: Json
    spec: Json
    notes: list[str] = field(default_factory=list)

    @property
    def ref(self) -> Ref:
        return _folded(self.kind, self.namespace, self.name)

    @property
    def identifier(self) -> str:
        if self.kind == "user":
            return _text(_dict(self.spec.get("profile")).get("email")).strip().lower()
        return identifier_of(self.namespace, self.name)


@dataclass(frozen=True)
class Reading:
    """`left` are the documents that are nothing for this catalog."""

    things: list[Thing]
    left: list[Fate]


def read(files: Iterable[tuple[str, str]]) -> Reading:
    """(name, text) of each file. Raises Invalid, with the file and the line, for what is no YAML."""
    found: list[Found] = []
    lost: list[Fate] = []
    for name, text in files:
        try:
            written = documents.read(text)
        except Invalid as wrong:
            raise Invalid.of(
                [each | {"path": f"{name}, {each['path']}"} for each in wrong.details["errors"]]
            ) from wrong
        for number, each in enumerate(written, 1):
            source = f"{name}, document {number}" if len(written) > 1 else name
            one = _found(each, source)
            if isinstance(one, Fate):
                lost.append(one)
            else:
                found.append(one)
    known = {each.ref: each for each in found}
    things = [_thing(each, known) for each in found]
    return Reading(_with_dependents(things, found, known), lost)


def identifier_of(namespace: str, name: str) -> str:
    return cleaned(name if namespace == "default" else f"{namespace}/{name}")


def _found(document: Any, source: str) -> Found | Fate:
    if not isinstance(document, dict):
        return left(source, "", "is not an object with kind and metadata")
    metadata, kind = _dict(document.get("metadata")), _text(document.get("kind"))
    name = _text(metadata.get("name")).strip()
    if not _text(document.get("apiVersion")).startswith("backstage.io/"):
        return left(source, name, "apiVersion must begin with backstage.io/")
    if kind.lower() not in BLUEPRINTS:
        return left(source, name, f"{kind or 'without a kind, it'} is not imported; {', '.join(BLUEPRINTS)} are")
    if not name:
        return left(source, "", "metadata.name is missing")
    namespace = _text(metadata.get("namespace")).strip() or "default"
    found = Found(source, kind.lower(), namespace, name, metadata, _dict(document.get("spec")))
    if not found.identifier:
        why = (
            "spec.profile.email is missing: people are known by it"
            if found.kind == "user"
            else "its name holds no letter"
        )
        return left(source, name, why)
    return found


def _thing(found: Found, known: dict[Ref, Found]) -> Thing:
    spec, metadata = found.spec, found.metadata
    relations = _relations(found, known)
    make: Callable[[Found], Json] = {"user": lambda _: {}, "group": _of_group}.get(found.kind, _properties)
    profile = _dict(spec.get("profile"))
    title = _text(metadata.get("title")) or _text(profile.get("displayName"))
    properties = {name: value for name, value in make(found).items() if value}
    if found.kind != "user":
        plain = found.name if found.namespace == "default" else f"{found.namespace}/{found.name}"
        found.notes[:0] = renamed(plain, found.identifier)
    return Thing(
        BLUEPRINTS[found.kind],
        found.identifier,
        found.source,
        title=title.strip()[:1000],
        team=_teams(found, known),
        properties=properties,
        relations=relations,
        notes=tuple(dict.fromkeys(found.notes)),
    )


def _properties(found: Found) -> Json:
    metadata, spec = found.metadata, found.spec
    links = [
        each
        for each in map(_dict, _list(found, "metadata.links", metadata.get("links")))
        if _is_address(each.get("url"))
    ]
    annotations = {key: value for key, value in _dict(metadata.get("annotations")).items() if isinstance(value, str)}
    own: Json = {
        "description": _text(metadata.get("description")),
        "tags": _texts(found, "metadata.tags", metadata.get("tags")),
    }
    own["links"] = [each["url"] for each in links]
    if found.kind in ("component", "api", "resource"):
        own |= {"type": _text(spec.get("type")), "lifecycle": _text(spec.get("lifecycle"))}
    if found.kind == "system":
        own["type"] = _text(spec.get("type"))
    if found.kind == "api":
        own["definition"] = _definition(found)
    if found.kind == "component":
        docs = next(
            (
                each["url"]
                for each in links
                if DOCUMENTATION.search(f"{_text(each.get('title'))} {_text(each.get('type'))}")
            ),
            "",
        )
        own |= {"annotations": annotations, "repository": _repository(annotations), "documentation": docs}
    return own


def _of_group(found: Found) -> Json:
    return {"description": _text(found.metadata.get("description"))}


def _definition(found: Found) -> str:
    definition = found.spec.get("definition")
    if isinstance(definition, dict):
        found.notes.append(
            f"its definition stands elsewhere ({next(iter(definition.values()), '')}) and was not fetched"
        )
        return ""
    return _text(definition)


def _repository(annotations: Json) -> str:
    for name, base in SLUGS.items():
        if re.fullmatch(r"[\w.-]+(?:/[\w.-]+)+", annotations.get(name, ""), re.ASCII):
            return base + str(annotations[name])
    for name in LOCATIONS:
        address = annotations.get(name, "").removeprefix("url:").rstrip("/")
        if _is_address(address):
            return str(address)
    return ""


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and bool(re.fullmatch(r"https?://[^\s<>\"{}|\\^`]{1,2000}", value))


def _teams(found: Found, known: dict[Ref, Found]) -> tuple[str, ...]:
    if found.kind == "group":
        return ()
    if found.kind == "user":
        named = _texts(found, "spec.memberOf", found.spec.get("memberOf"))
        return tuple(filter(None, (_team(found, each, known) for each in named)))
    owner = _text(found.spec.get("owner"))
    team = _team(found, owner, known) if owner else ""
    return (team,) if team else ()


def _team(found: Found, said: str, known: dict[Ref, Found]) -> str:
    ref = _ref(said, "group", found.namespace)
    if ref is None or ref[0] != "group":
        found.notes.append(f"the owner “{said[:80]}” is no group; teams own things here")
        return ""
    return known[_folded(*ref)].identifier if _folded(*ref) in known else identifier_of(ref[1], ref[2])


def _relations(found: Found, known: dict[Ref, Found]) -> dict[str, tuple[str, ...]]:
    drawn: dict[str, list[str]] = {}
    for key, usual, names in RELATIONS.get(found.kind, []):
        for said in _texts(found, f"spec.{key}", found.spec.get(key)):
            ref = _ref(said, usual, found.namespace)
            if ref is None or ref[0] not in names:
                found.notes.append(f"{key}: “{said[:80]}” leads to nothing that a {found.kind} can point at here")
                continue
            target = known[_folded(*ref)].identifier if _folded(*ref) in known else identifier_of(ref[1], ref[2])
            drawn.setdefault(names[ref[0]], []).append(target)
    return {name: tuple(dict.fromkeys(each)) for name, each in drawn.items()}


def _with_dependents(things: list[Thing], found: Sequence[Found], known: dict[Ref, Found]) -> list[Thing]:
    """`dependencyOf` is said of the other end; it counts where that stands in the same import."""
    more: dict[Key, dict[str, list[str]]] = {}
    for each in found:
        for said in _texts(each, "spec.dependencyOf", each.spec.get("dependencyOf")):
            ref = _ref(said, "component", each.namespace)
            other = known.get(_folded(*ref)) if ref else None
            name = {"component": "dependsOn", "resource": "dependsOnResources"}.get(each.kind)
            if other and name and other.kind == "component":
                key = (BLUEPRINTS[other.kind], other.identifier)
                more.setdefault(key, {}).setdefault(name, []).append(each.identifier)
    return [_joined(each, more[each.key]) if each.key in more else each for each in things]


def _joined(thing: Thing, more: dict[str, list[str]]) -> Thing:
    merged = {name: tuple(dict.fromkeys([*thing.relations.get(name, ()), *each])) for name, each in more.items()}
    return replace(thing, relations=thing.relations | merged)


def _ref(said: str, kind: str, namespace: str) -> Ref | None:
    """`[kind:][namespace/]name`"""
    match = REF.fullmatch(said.strip())
    return ((match[1] or kind).lower(), match[2] or ("default" if match[1] else namespace), match[3]) if match else None


def _folded(kind: str, namespace: str, name: str) -> Ref:
    return kind.casefold(), namespace.casefold(), name.casefold()


def _dict(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _list(found: Found, path: str, value: Any) -> list[Any]:
    values = [value] if isinstance(value, str) else value or []
    if not isinstance(values, list):
        found.notes.append(f"{path} is not a list and was left out")
        return []
    if len(values) > MOST:
        found.notes.append(f"of {path} the first {MOST} count")
    return values[:MOST]


def _texts(found: Found, path: str, value: Any) -> list[str]:
    return list(
        dict.fromkeys(each.strip() for each in _list(found, path, value) if isinstance(each, str) and each.strip())
    )
