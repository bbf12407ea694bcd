"""What the search at the top finds by its name: entities, actions, and the pages of the sidebar."""

from dataclasses import dataclass
from typing import Any

from django.db.models import Case, Q, Value, When
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog import search
from catalog.models import Entity, shown_title
from catalog.queries import all_entities
from catalog.tables import entity_url, icon_of
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.actions.queries import actions
from portal.kit.by import By
from portal.pages.shell import places

MOST, MOST_OFFERED = 50, 8
# There are very many of them, and each is found from what it is about: a service, a commit, a scorecard.
LEFT_OUT = ("deployment", "_rule", "_rule_result")
# Who looks for a name that several have means these first.
FIRST = ("service", "environment", "_team", "_user")
KIND = Case(
    *(When(blueprint__identifier=each, then=Value(order)) for order, each in enumerate(FIRST)),
    default=Value(len(FIRST)),
)


@dataclass(frozen=True)
class Hit:
    """`about` says what kind of thing it is; `detail` is its identifier, where the label is not."""

    label: str
    about: str
    url: str
    icon: str
    detail: str = ""


@require_safe
def search_page(request: HttpRequest) -> HttpResponse:
    """To htmx only what it offers while somebody types."""
    by, text = by_of(request), request.GET.get("q", "").strip()[:200]
    require(by, "catalog.read")
    most = MOST_OFFERED if request.htmx else MOST  # type: ignore[attr-defined]
    hits = _hits(by, text, request.user, most + 1) if text else []
    context = {
        "text": text,
        "hits": hits[:most],
        "more": len(hits) > most,
        "most": most,
        "all_url": reverse("pages:search", query={"q": text}),
        "matrix_url": reverse("deployments:find", query={"q": text}),
    }
    return render(request, "pages/search.html" + ("#found" if request.htmx else ""), context)  # type: ignore[attr-defined]


def _hits(by: By, text: str, user: Any, most: int) -> list[Hit]:
    pages = [Hit(label, about, url, "chevron-right") for label, about, url in places(user) if _is_called(label, text)]
    asked = actions(by).filter(Q(identifier__icontains=text) | Q(definition__title__icontains=text))[:most]
    deeds = [Hit(str(each), "Action", each.get_absolute_url(), "play") for each in asked]
    found = [_hit(each) for each in _entities(by, text, most)]
    return _mixed(found, [*pages[:5], *deeds[:5]], most)


def _mixed(entities: list[Hit], others: list[Hit], most: int) -> list[Hit]:
    """Pages and actions are few: they have places of their own, after what is in the catalog."""
    return (entities[: max(most - len(others), most // 2)] + others)[:most]


def _is_called(label: str, text: str) -> bool:
    return any(part.startswith(text.lower()) for part in (label.lower(), *label.lower().split()))


def _entities(by: By, text: str, most: int) -> list[Entity]:
    """The name itself first, then what begins so, then what holds the words anywhere."""
    rows = all_entities(by).prefetch_related(None).select_related("blueprint")
    rows = rows.exclude(blueprint__identifier__in=LEFT_OUT)
    is_it = Case(When(Q(identifier__iexact=text) | Q(title__iexact=text), then=Value(0)), default=Value(1))
    begun = list(search.begun(rows, text).order_by(is_it, KIND, shown_title(), "id")[:most])
    if len(begun) == most:
        return begun
    others = search.words(rows, text).some.exclude(pk__in=[each.pk for each in begun])
    named = Case(When(Q(identifier__icontains=text) | Q(title__icontains=text), then=Value(0)), default=Value(1))
    return begun + list(others.order_by(named, KIND, shown_title(), "id")[: most - len(begun)])


def _hit(entity: Entity) -> Hit:
    kind, label = entity.blueprint, str(entity)
    said = entity.identifier.replace("-", " ").casefold() == label.casefold()
    return Hit(
        label,
        kind.title,
        entity_url(kind.identifier, entity.identifier),
        icon_of(entity.icon or kind.icon),
        "" if said else entity.identifier,
    )
