"""What a link to a page of the portal shows under it. Everybody in the channel reads that, so nothing is shown but what
every member may see, and he who posted it."""

from collections.abc import Callable
from typing import Any
from urllib.parse import unquote, urlsplit

from django.conf import settings
from django.urls import Resolver404, resolve

from catalog import queries as catalog
from catalog.tables import entity_url
from deployments.environments.queries import environment
from deployments.queries import cells_of, configs, deployment
from locks import queries as locks
from portal.actions.queries import run
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from portal.slackbot.blocks import context, escape, is_sound, link, section
from portal.slackbot.inbound import Asked, Call
from portal.slackbot.people import stranger
from portal.slackbot.sights import cell_text, deployment_text, lock_text, run_text, short
from portal.slackbot.staying import environment_text

Json = dict[str, Any]
MOST_LINKS, MOST_CELLS = 5, 8


def unfurled(asked: Asked, told: Json) -> list[Call]:
    """One call for all links of a message; none where there is nothing to show."""
    try:
        by = asked.who.looking(asked.trace)
    except PortalError:
        return []
    shown = {}
    for each in (told.get("links") or [])[:MOST_LINKS]:
        url = str(each.get("url") or "")
        if is_sound(url) and (blocks := _shown(url, by)):
            shown[url] = {"blocks": blocks}
    if not shown:
        return []
    where = {name: told[name] for name in ("unfurl_id", "source") if told.get(name)}
    if len(where) < 2:
        where = {"channel": told.get("channel"), "ts": told.get("message_ts")}
    return [Call("chat.unfurl", where | {"unfurls": shown})]


def _shown(url: str, by: By) -> list[Json]:
    there, here = urlsplit(url), urlsplit(settings.BASE_URL)
    if (there.scheme, there.netloc) != (here.scheme, here.netloc):
        return []
    try:
        match = resolve(unquote(there.path))
    except (Resolver404, ValueError):
        return []
    shows = PAGES.get(match.view_name)
    if shows is None:
        return []
    try:
        # Who posts it must see it, and what is shown is what anybody sees of it.
        shows(by, **match.kwargs)
        return shows(By(stranger(), "slack"), **match.kwargs)
    except PortalError:
        return []


def _lock(by: By, public_id: Any) -> list[Json]:
    found = locks.lock(by, public_id)
    if found.is_active(database_now()):
        return [section(lock_text(found))]
    ended = f"released by {short(found.released_by, 100)}" if found.released_at else "run out"
    return [section(f":unlock: The lock of {short(found.covers)} by {short(found.holder_name, 100)} is {ended}.")]


def _deployment(by: By, public_id: Any) -> list[Json]:
    found = deployment(by, public_id)
    message = f"\n{short(found.message.splitlines()[0], 150)}" if found.message.strip() else ""
    return [section(f"*{short(found.service_identifier, 100)}* {deployment_text(found)}{message}")]


def _run(by: By, public_id: str) -> list[Json]:
    found = run(by, public_id)
    return [section(f"{run_text(found)}\n{found.get_status_display()}")]


def _entity(by: By, blueprint: str, identifier: str) -> list[Json]:
    if blueprint not in ("service", "environment"):
        return []
    entity = catalog.entity(by, blueprint, identifier)
    head = f"*{link(settings.BASE_URL + entity_url(blueprint, identifier), str(entity))}*"
    owners = f" · {escape(', '.join(entity.team)[:200])}" if entity.team else ""
    cells = cells_of(by, identifier) if blueprint == "service" else configs(by, environment=identifier)
    lines = [cell_text(each) for each in cells[:MOST_CELLS]] if blueprint == "service" else []
    told = [section("\n".join(lines))] if lines else []
    if blueprint == "environment":
        told = [context(f"{len(cells)} services run there, {sum(each.decision.denies for each in cells)} are locked")]
    return [section(f"{head}{owners}"), *told]


def _environment(by: By, public_id: Any) -> list[Json]:
    found = environment(by, public_id)
    gone = f":seedling: {short(found.name, 100)} is gone."
    return [section(environment_text(found) if found.is_living else gone)]


PAGES: dict[str, Callable[..., list[Json]]] = {
    "locks:lock_detail": _lock,
    "deployments:deployment": _deployment,
    "actions:run_detail": _run,
    "catalog:entity_detail": _entity,
    "environments:detail": _environment,
}
