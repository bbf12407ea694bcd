from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from catalog import permissions
from catalog import queries as catalog
from catalog.importers import codeowners
from catalog.importers.names import cleaned
from catalog.importers.things import Fate, Key, Thing, left
from catalog.models import Blueprint, Entity
from portal.accounts.models import Team, User
from portal.kit.by import By

Json = dict[str, Any]


def facts(by: By, keys: Collection[Key]) -> dict[Key, Json]:
    """Of these entities those that are there and that the viewer may see. Two queries."""
    if not keys:
        return {}
    rows = Entity.objects.filter(_among(keys)).select_related("blueprint")
    rows = catalog.with_relations(permissions.readable(by, rows))
    found = {(each.blueprint.identifier, each.identifier): each for each in rows}
    return {key: each.facts(catalog.relations_of(each)) for key, each in found.items() if key in keys}


def known(by: By, keys: Collection[Key]) -> set[Key]:
    if not keys:
        return set()
    rows = permissions.readable(by, Entity.objects.filter(_among(keys)))
    return set(rows.values_list("blueprint__identifier", "identifier")) & set(keys)


def _among(keys: Iterable[Key]) -> Q:
    names: dict[str, list[str]] = {}
    for blueprint, identifier in keys:
        names.setdefault(blueprint, []).append(identifier)
    found = Q(pk__in=[])
    for blueprint, identifiers in names.items():
        found |= Q(blueprint__identifier=blueprint, identifier__in=identifiers)
    return found


def targets_of(blueprints: Collection[str]) -> dict[str, dict[str, str]]:
    """By blueprint, where each of its relations leads."""
    return {
        each.identifier: {name: one["target"] for name, one in each.relations.items()}
        for each in Blueprint.objects.filter(identifier__in=blueprints)
    }


@dataclass(frozen=True)
class Owners:
    """Teams by what a CODEOWNERS file may call them, and the teams of people by address and by login."""

    teams: Mapping[str, str]
    people: Mapping[str, tuple[str, ...]]

    def of(self, owners: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """The teams, and what is said of those that stand for none."""
        found: list[str] = []
        notes: list[str] = []
        for each in owners:
            if "/" in each:
                team = self.teams.get(each.partition("/")[2].casefold(), "")
                teams, why = tuple(filter(None, [team])), "there is no team of that name"
            else:
                teams = self.people.get(each.casefold(), ())
                why = "a person who is on no team here, or whom nobody knows"
            found += teams
            notes += [] if teams else [f"{each[:80]}: {why}"]
        return tuple(dict.fromkeys(found)), tuple(notes)


def owners() -> Owners:
    rows = list(Team.objects.order_by("-identifier"))
    teams = {cleaned(each.title).casefold(): each.identifier for each in rows}
    teams |= {each.identifier.casefold(): each.identifier for each in rows}
    people: dict[str, tuple[str, ...]] = {}
    of = {each.email.casefold(): tuple(sorted(team.identifier for team in each.teams.all())) for each in _people()}
    people |= of
    logins = Entity.objects.filter(blueprint__identifier="_user", properties__has_key="githubLogin")
    for email, login in logins.values_list("identifier", "properties__githubLogin"):
        people[f"@{login}".casefold()] = of.get(email.casefold(), ())
    return Owners(teams, people)


def _people() -> Iterable[User]:
    return User.objects.prefetch_related("teams")


def owned(by: By, reading: codeowners.Reading, repository: str) -> tuple[list[Thing], list[Fate]]:
    """The services of a repository with the teams that the file gives them; what it gives nobody, and why."""
    base = plain(repository)
    rows = Entity.objects.filter(blueprint__identifier="service").filter(
        Q(properties__repository__istartswith=base + "/")
        | Q(properties__repository__iexact=base)
        | Q(properties__repository__iexact=base + ".git")
    )
    named, things, lost = owners(), [], []
    for service in permissions.readable(by, rows).order_by("identifier")[:1000]:
        folder = folder_of(base, str(service.properties["repository"]))
        if folder is None:
            continue
        line = reading.of_folder(folder)
        source = f"line {line.number}" if line else "CODEOWNERS"
        teams, notes = named.of(line.owners) if line else ((), ())
        if not line:
            lost.append(
                left(source, service.identifier, f"no line owns {'/' + folder if folder else 'the whole repository'}")
            )
        elif not teams:
            why = "; ".join(notes) or f"line {line.number} ({line.pattern}) names nobody"
            lost.append(left(source, service.identifier, why))
        else:
            things.append(Thing("service", service.identifier, source, team=teams, notes=notes))
    return things, lost


def plain(repository: str) -> str:
    return repository.strip().rstrip("/").removesuffix(".git")


def folder_of(base: str, address: str) -> str | None:
    """The folder of the repository that an address means: `<base>/tree/<branch>/<folder>`. None: of another one."""
    rest = plain(address)[len(base) :]
    if not rest:
        return ""
    parts = rest.strip("/").split("/")
    return "/".join(parts[2:]) if rest.startswith("/") and parts[0] in ("tree", "blob") else None
