"""What every page shows around itself."""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from django.conf import settings
from django.db.models import Exists
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import SimpleLazyObject

from catalog import permissions
from catalog.models import Blueprint
from locks import queries as locks
from locks.models import Effect, Freeze, Lock, ScopeKind, Window
from portal.accounts.queries import actor_of_user
from portal.accounts.viewer import by_of
from portal.kit.by import By
from portal.kit.clock import spoken
from portal.kit.templatetags.kit import initials
from portal.sidebars import queries as sidebars

Item = dict[str, Any]

# label, URL name, icon, and whether the top bar has it too
PAGES = [
    ("Home", "pages:home", "home", False),
    ("Deployments", "deployments:matrix", "rocket", True),
    ("Health", "health:probes", "heart-pulse", True),
    ("Locks", "locks:lock_list", "lock", True),
    ("Environments", "environments:environment_list", "cloud", False),
    ("Catalog", "catalog:home", "boxes", True),
    ("Scorecards", "scorecards:scorecard_list", "trophy", False),
    ("Integrations", "integrations:integration_list", "refresh", False),
    ("Self-service", "actions:action_list", "play", True),
    ("Notifications", "notifications:list", "bell", False),
    ("Audit", "pages:audit", "scroll-text", True),
    ("Webhooks", "webhooks:list", "webhook", False),
    ("API", "api_docs:index", "terminal", False),
]
# Reached from another page, and looked for by their names.
FURTHER = [
    ("Freezes", "locks:freeze_list"),
    ("Overrides", "locks:override_list"),
    ("Rules that lock", "locks:rule_list"),
    ("May I deploy?", "locks:explained"),
    ("Waiting line", "locks:waiting"),
    ("Starters", "starters:starter_list"),
    ("Import", "importers:home"),
]
# Those that only administrators see.
KEPT = {"webhooks:list"}
# The page of scorecards leads to these.
OF_SCORECARDS = {"_scorecard", "_rule", "_rule_result"}


def shell(request: HttpRequest) -> Item:
    """A fragment does not show it, and so must not pay for it."""
    return {
        "shell": SimpleLazyObject(lambda: _shell(request)),
        "sees_part": SimpleLazyObject(lambda: _sees_part(request)),
    }


def _sees_part(request: HttpRequest) -> bool:
    """Whether there may be more than the viewer is shown: where a list is empty, it must not say that nothing is there."""
    user = getattr(request, "user", None)
    return bool(user and user.is_authenticated) and permissions.bounds(by_of(request)) is not None


def _shell(request: HttpRequest) -> Item:
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"version": settings.VERSION, "home_url": reverse("pages:home")}
    here = _in_catalog(unquote(request.path))
    nav = list(_nav(here, user))
    return {
        "nav": nav,
        "sections": [item for item in nav if item["on_top"]],
        "banner": banner_lines(by_of(request)),
        "banner_url": reverse("pages:banner"),
        "home_url": reverse("pages:home"),
        "search_url": reverse("deployments:find"),
        "offers_url": reverse("pages:search"),
        "user": {"name": str(user), "email": user.email, "initials": initials(str(user)), "is_admin": user.is_staff},
        "sign_out_url": reverse("pages:sign_out"),
        "settings_url": reverse("admin:index") if user.is_staff else None,
        "version": settings.VERSION,
    }


def _in_catalog(path: str) -> str:
    """The pages that make, change and delete entities stand under their blueprint's table, those that bring many under the catalog."""
    if re.match(r"/(?:starters|import)(?:/|$)", path):
        return reverse("catalog:home")
    return re.sub(
        r"^/catalog/!(?:new|edit|delete|permissions|changelog/of|bulk/\w+)/(.+?)(?:/entities/.*)?$",
        r"/catalog/\1/entities",
        path,
    )


def _nav(here: str, user: Any) -> Iterator[Item]:
    for label, name, icon, on_top in PAGES:
        if name in KEPT and not user.is_staff:
            continue
        url = reverse(name)
        children = _children(name, here, user)
        inside = any(child["active"] for child in children)
        yield {
            "label": label,
            "url": url,
            "icon": icon,
            "on_top": on_top,
            "within": _is_under(here, url),
            "active": _is_under(here, url) and not inside,
            "open": _is_under(here, url) or inside,
            "children": children,
        }


def places(user: Any) -> Iterator[tuple[str, str, str]]:
    """(label, what it is, address) of each page that the sidebar may show."""
    for item in _nav("", user):
        yield item["label"], "Page", item["url"]
        for child in item["children"]:
            if not child.get("heading"):
                yield child["label"], "Blueprint" if "blueprint" in child else "Page", child["url"]
    yield from ((label, "Page", reverse(name)) for label, name in FURTHER)
    if user.is_staff:
        yield "Settings", "Page", reverse("admin:index")


def _children(name: str, here: str, user: Any) -> list[Item]:
    if name == "catalog:home":
        return _catalog(here, user)
    if name == "webhooks:list":
        return [_child("Secrets", reverse("pages:secrets"), here)]
    if name == "notifications:list":
        return [_child("Log", reverse("notifications:log"), here)] if user.is_staff else []
    if name == "actions:action_list":
        return [_child("Runs", reverse("actions:run_list"), here)]
    if name != "deployments:matrix":
        return []
    shown = [
        ("Deployment configs", "deployments:config_list"),
        ("Commits", "deployments:commits"),
        ("My changes", "deployments:mine"),
        ("Timeline", "deployments:timeline"),
        ("DORA", "deployments:dora"),
        ("Compare", "deployments:compare"),
        ("Drift", "deployments:drift"),
        ("Coverage", "deployments:coverage"),
        ("Log sources", "deployments:sources"),
        ("Ingest log", "deployments:ingest"),
    ]
    inbox = [("Inbox", "deployments:inbox")] if user.is_staff else []
    return [_child(label, reverse(page), _above(here)) for label, page in shown + inbox]


def _above(here: str) -> str:
    """Pages that stand beside the one that leads to them are under it in the sidebar."""
    for beside, page in (("features/", "deployments:commits"), ("hooks", "deployments:ingest")):
        if here.startswith(reverse("deployments:matrix") + beside):
            return reverse(page)
    return here


def _catalog(here: str, user: Any) -> list[Item]:
    """The pages and folders of the sidebar that show a blueprint, then the blueprints that no page shows."""
    rows = list(
        Blueprint.objects.only("identifier", "title").annotate(kept=Exists(sidebars.kept())).order_by("title", "id")
    )
    kinds, kept = {each.identifier: each.title for each in rows}, any(each.kept for each in rows)
    found: list[Item] = []
    for item in sidebars.sidebar(By(actor_of_user(user), "page")) if kept else []:
        blueprint = item.definition.get("blueprint", "")
        if item.kind == item.Kind.FOLDER:
            found.append({"label": str(item), "heading": True, "active": False})
        elif item.definition["type"] == "blueprint-entities" and blueprint in kinds:
            found.append(_table(str(item), blueprint, here))
    shown = {each.get("blueprint") for each in found}
    rest = [_table(kinds[each], each, here) for each in kinds if each not in shown]
    return _filled(found) + [each for each in rest if each["blueprint"] not in OF_SCORECARDS or each["active"]]


def _filled(items: list[Item]) -> list[Item]:
    """Without the folders that nothing stands under."""
    pairs = zip(items, [*items[1:], None], strict=False)
    return [each for each, then in pairs if not each.get("heading") or (then and not then.get("heading"))]


def _table(label: str, blueprint: str, here: str) -> Item:
    return _child(label, reverse("catalog:entity_list", args=[blueprint]), here) | {"blueprint": blueprint}


def _child(label: str, url: str, here: str) -> Item:
    return {"label": label, "url": url, "active": _is_under(here, url)}


def _is_under(here: str, url: str) -> bool:
    address = unquote(url)
    return here == address if address == "/" else here == address or here.startswith(address.rstrip("/") + "/")


def banner_lines(by: By) -> list[Item]:
    """Locks and freezes that concern everybody who may see where: the template shows two and folds the rest away."""
    now, windows, held = locks.wide_now(by)
    on = [_frozen(each, now) for each in windows if each.starts_at <= now]
    soon = [_freezing(each, now) for each in windows if each.starts_at > now]
    return [*(_locked(each, now) for each in held), *on[:20], *soon[:5]]


def _locked(lock: Lock, now: datetime) -> Item:
    deed = "automatically locked" if lock.automatic_by else "locked"
    return {
        "text": f"{lock.holder_name} {deed} {lock.covers} until {_clock(lock.expires_at, now)}: {lock.reason}",
        "url": lock.get_absolute_url(),
        "kind": "lock",
        "until": lock.expires_at,
    }


def _frozen(window: Window, now: datetime) -> Item:
    freeze, ends = window.freeze, _clock(window.ends_at, now)
    return {
        "text": f"{_named(freeze)} until {ends}: {freeze.reason}",
        "url": freeze.get_absolute_url(),
        "kind": "freeze",
        "until": window.ends_at,
    }


def _freezing(window: Window, now: datetime) -> Item:
    freeze, starts, ends = window.freeze, _clock(window.starts_at, now), _clock(window.ends_at, now)
    return {
        "text": f"Soon: {_named(freeze)} from {starts} until {ends}: {freeze.reason}",
        "url": freeze.get_absolute_url(),
        "kind": "freeze",
        "until": None,
    }


def _named(freeze: Freeze) -> str:
    """Whose freeze it is, and whom it stops where."""
    whom = "everybody" if freeze.effect == Effect.BLOCK else "automation"
    where = "everywhere" if freeze.scope_kind == ScopeKind.EVERYTHING else f"in {freeze.covers}"
    return f"{freeze.holder_name}’s freeze “{freeze.title}” stops {whom} {where}"


def _clock(moment: datetime | None, now: datetime) -> str:
    """On the viewer's wall."""
    return spoken(moment, now=now, zone=timezone.get_current_timezone())
