"""What GitHub says of an organisation: its teams, who is in them, its repositories and the files in them that describe them.

Each reading is a handful of calls, and is made outside any transaction.
"""

import base64
import binascii
from typing import Any
from urllib.parse import quote

from catalog import queries as catalog
from catalog.importers import backstage, codeowners
from catalog.importers.names import cleaned, renamed
from catalog.importers.queries import Owners, folder_of
from catalog.importers.things import Fate, Thing, left
from catalog.models import Entity
from portal.audit.subscribers import RetryLater
from portal.github import client
from portal.kit.errors import Invalid

Json = dict[str, Any]

PAGE = 100
MOST = 500  # entities of one repository
# Of what a list says of a repository, what is needed later.
KEPT = "name full_name html_url description language topics default_branch archived visibility pushed_at size".split()
OWNERS = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS")
CATALOG = ("catalog-info.yaml", "catalog-info.yml")


def teams(organization: str, page: int, token: str) -> list[Json]:
    return client.get_list(f"/orgs/{quote(organization, safe='')}/teams?per_page={PAGE}&page={page}", token)


def members(organization: str, team: str, page: int, token: str) -> list[str]:
    """Their logins."""
    path = f"/orgs/{quote(organization, safe='')}/teams/{quote(team, safe='')}/members?per_page={PAGE}&page={page}"
    return [login for each in client.get_list(path, token) if isinstance(login := each.get("login"), str)]


def repositories(organization: str, page: int, token: str) -> list[Json]:
    path = f"/orgs/{quote(organization, safe='')}/repos?type=all&sort=full_name&per_page={PAGE}&page={page}"
    found = [{name: each.get(name) for name in KEPT} for each in client.get_list(path, token)]
    return [each for each in found if isinstance(each["name"], str) and isinstance(each["html_url"], str)]


def files(organization: str, repository: Json, token: str) -> dict[str, str]:
    """The texts of CODEOWNERS and catalog-info.yaml, of those that are there: the first of each that GitHub would take."""
    base = f"/repos/{quote(organization, safe='')}/{quote(repository['name'], safe='')}"
    names = _names(f"{base}/git/trees/{quote(repository.get('default_branch') or 'HEAD', safe='')}", token)
    found: dict[str, str] = {}
    for kind, places in (("CODEOWNERS", OWNERS), ("catalog-info.yaml", CATALOG)):
        for place in places:
            if place.partition("/")[0] not in names:
                continue
            text = _file(f"{base}/contents/{place}", token)
            if text is not None:
                found[kind] = text
                break
    return found


def _names(path: str, token: str) -> set[str]:
    """What lies at the root; nothing in a repository without a commit."""
    try:
        tree = client.get(path, token).get("tree")
    except client.NotThere:
        return set()
    except RetryLater as reason:
        if "empty" in str(reason).lower():
            return set()
        raise
    return (
        {each["path"] for each in tree if isinstance(each, dict) and "path" in each}
        if isinstance(tree, list)
        else set()
    )


def _file(path: str, token: str) -> str | None:
    try:
        answer = client.get(path, token)
    except client.NotThere:
        return None
    content = answer.get("content")
    if answer.get("encoding") != "base64" or not isinstance(content, str):
        return None
    try:
        return base64.b64decode(content).decode("utf-8-sig")
    except (binascii.Error, UnicodeDecodeError):
        return None


def team_thing(team: Json) -> Thing | None:
    slug, name = team.get("slug"), team.get("name")
    if not isinstance(slug, str) or not cleaned(slug):
        return None
    described = {"description": team["description"]} if isinstance(team.get("description"), str) else {}
    return Thing(
        "_team", cleaned(slug), "team at GitHub", title=name if isinstance(name, str) else "", properties=described
    )


def member_things(team: str, logins: list[str]) -> tuple[list[Thing], list[Fate]]:
    """The people here whose `githubLogin` it is; the others are told of in one line."""
    people = Entity.objects.filter(blueprint__identifier="_user", properties__has_key="githubLogin")
    known = {
        str(login).casefold(): email for email, login in people.values_list("identifier", "properties__githubLogin")
    }
    found = [known[each.casefold()] for each in logins if each.casefold() in known]
    unknown = [each for each in logins if each.casefold() not in known]
    more = f" and {len(unknown) - 10} more" if len(unknown) > 10 else ""
    why = f"nobody here has the githubLogin {', '.join(unknown[:10])}{more}"
    things = [Thing("_user", email, f"member of {team}", team=(team,)) for email in found]
    return things, [left(f"members of {team}", team, why)] if unknown else []


def repository_things(repository: Json, texts: dict[str, str], named: Owners) -> tuple[list[Thing], list[Fate]]:
    """A service, or the entities of its catalog-info.yaml, each service with what GitHub knows of the repository."""
    facts, source = _facts(repository), str(repository["full_name"])
    things, lost = _described(texts.get("catalog-info.yaml", ""), source)
    if not any(each.blueprint == "service" for each in things):
        things.append(_plain(repository, source))
    told, notes = _told(texts.get("CODEOWNERS", ""))
    base = str(repository["html_url"])
    return [_filled(each, base, facts, told, notes, named) for each in things], lost


def _described(text: str, source: str) -> tuple[list[Thing], list[Fate]]:
    if not text:
        return [], []
    try:
        reading = backstage.read([(f"{source}, catalog-info.yaml", text)])
    except Invalid as wrong:
        return [], [left(source, "catalog-info.yaml", wrong.message)]
    if len(reading.things) > MOST:
        why = f"describes {len(reading.things)} entities; {MOST} of one repository are taken"
        return [], [left(source, "catalog-info.yaml", why)]
    return reading.things, reading.left


def _told(text: str) -> tuple[codeowners.Reading | None, tuple[str, ...]]:
    try:
        reading = codeowners.read(text) if text else None
    except Invalid as wrong:
        return None, (f"CODEOWNERS {wrong.message}",)
    few = reading.skipped[:5] if reading else []
    return reading, tuple(f"CODEOWNERS, line {number}, does not count: {why}" for number, why in few)


def _facts(repository: Json) -> Json:
    topics = repository.get("topics")
    wished = {
        "description": repository.get("description"),
        "language": repository.get("language"),
        "repository": repository["html_url"],
        "topics": [each for each in topics if isinstance(each, str)] if isinstance(topics, list) else None,
        "defaultBranch": repository.get("default_branch"),
        "visibility": repository.get("visibility"),
        "archived": bool(repository.get("archived")),
        "pushedAt": repository.get("pushed_at"),
    }
    return {name: value for name, value in wished.items() if value is not None and value != "" and value != []}


def _plain(repository: Json, source: str) -> Thing:
    """The service that names this repository already, or one that is called as it is."""
    name, address = str(repository["name"]), str(repository["html_url"])
    same = catalog.services_of_repository(address)
    if len(same) == 1:
        return Thing("service", same[0], source)
    identifier = cleaned(name) or "repository"
    taken = Entity.objects.filter(blueprint__identifier="service", identifier=identifier).first()
    if taken and taken.properties.get("repository") not in (None, "", address):
        longer = cleaned(str(repository["full_name"]))
        return Thing("service", longer, source, notes=(f"{identifier} is a service of another repository",))
    return Thing("service", identifier, source, notes=renamed(name, identifier))


def _filled(
    thing: Thing, base: str, facts: Json, told: codeowners.Reading | None, notes: tuple[str, ...], named: Owners
) -> Thing:
    if thing.blueprint != "service":
        return thing
    properties = facts | thing.properties
    team = thing.team
    if told and not team:
        folder = folder_of(base, str(properties["repository"]))
        line = told.of_folder(folder or "")
        team, unknown = named.of(line.owners) if line else ((), ())
        notes = (*notes, *unknown)
    return Thing(
        thing.blueprint,
        thing.identifier,
        thing.source,
        title=thing.title,
        team=team,
        properties=properties,
        relations=thing.relations,
        notes=(*thing.notes, *notes),
    )
