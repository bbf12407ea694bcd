from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_safe

from catalog.builtin import TIERS
from deployments.health import beside, queries, tables
from deployments.health.dots import word
from deployments.health.forms import Filters, MaintenanceForm
from deployments.health.models import Kind, Probe
from deployments.health.queries import Health, Listed
from deployments.health.queries.pictures import course, pictures
from deployments.health.queries.pulse import probes_beat
from deployments.health.states import State
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.addresses import address, number_of, numbered
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.live import live

Context = dict[str, Any]
Known = list[tuple[Probe, Health]]
ON_PAGE = 50
# The worst first: what the page is for.
ORDER = [State.DOWN, State.FAILING, State.DEGRADED, State.PROBER_DOWN, State.UNKNOWN, State.MAINTENANCE, State.PAUSED, State.HEALTHY]  # fmt: skip
_RANK = {state.value: place for place, state in enumerate(ORDER)}
WINDOWS = {
    "1h": ("Hour", 3600, 30),
    "6h": ("6 hours", 6 * 3600, 120),
    "1d": ("Day", 86400, 600),
    "7d": ("7 days", 7 * 86400, 3600),
}
USUAL = "1h"
FLIPS, READINGS = 20, 20


@require_safe
def probes(request: HttpRequest) -> HttpResponse:
    return live(request, "health/probes.html", lambda: _probes(request), beat=probes_beat())


def _probes(request: HttpRequest) -> Context:
    by, filters, now = by_of(request), Filters.read(request.GET), database_now()
    muted, down = queries.muted_at(now), queries.prober_down_since(now)
    every = queries.probes_listed(by, now, muted=muted, down=down)
    found = sorted((each for each in every if _fits(each, filters)), key=_place)
    first = ON_PAGE * (number_of(request.GET) - 1)
    whole = _whole(by, found[first : first + ON_PAGE])
    shown = [(each, queries.shown_probe(each, now, muted=muted, down=down)) for each in whole]
    counts = Counter(each.state for each in every)
    return {
        "filters": filters,
        "filtered": filters.are_set,
        "rows": _with_reported(by, shown, now),
        "counts": [_count(request, state, counts[state], filters) for state in ORDER if counts[state]],
        "total": len(every),
        "teams": sorted({team for each in every for team in each.teams}),
        "environments": sorted({each.environment for each in every if each.environment}),
        "states": [(state.value, word(state)) for state in ORDER],
        "tiers": list(reversed(TIERS)),
        "pager": numbered(request.GET, ON_PAGE, len(found)),
        "down_since": down,
        "windows": [tables.window_row(each, now) for each in queries.maintenance(by, now=now)[:10]],
        "new_url": reverse("health:new"),
    }


def _with_reported(by: By, shown: Known, now: datetime) -> list[Context]:
    told = beside.reported(by, [probe for probe, _ in shown])
    rows = rows_of(shown, now)
    return [row | {"reported": told.get(probe.pk)} for (probe, _), row in zip(shown, rows, strict=True)]


def known(found: Any, now: datetime) -> Known:
    """With what they are at this instant. Two queries more."""
    muted, down = queries.muted_at(now), queries.prober_down_since(now)
    return [(each, queries.shown_probe(each, now, muted=muted, down=down)) for each in found]


def rows_of(found: Sequence[tuple[Probe, Health]], now: datetime) -> list[Context]:
    drawn = pictures([probe for probe, _ in found], now)
    return [tables.probe_row(probe, health, drawn.get(probe.pk), now) for probe, health in found]


def _whole(by: By, found: Sequence[Listed]) -> list[Probe]:
    """With all that a row shows; of the others no more was read than what finds and sorts them."""
    rows = {each.pk: each for each in queries.probes(by).filter(pk__in=[each.pk for each in found])}
    return [rows[each.pk] for each in found if each.pk in rows]


def _sorted(found: Known) -> Known:
    return sorted(found, key=lambda each: (_RANK[each[1].state], each[0].where, each[0].name, each[0].pk))


def _place(each: Listed) -> tuple[int, str, str, int]:
    return _RANK[each.state], each.where, each.name, each.pk


def _fits(each: Listed, filters: Filters) -> bool:
    if filters.q.casefold() not in each.text:
        return False
    if filters.state and each.state != filters.state:
        return False
    if filters.team and filters.team not in each.teams:
        return False
    if filters.tier and each.tier != filters.tier:
        return False
    return not filters.environment or each.environment == filters.environment


def _count(request: HttpRequest, state: State, count: int, filters: Filters) -> Context:
    is_chosen = filters.state == state
    return {
        "word": word(state),
        "colour": tables.COLOURS[state],
        "count": count,
        "url": address(request.GET, state=None if is_chosen else state.value, page=None),
        "is_chosen": is_chosen,
    }


@require_safe
def probe(request: HttpRequest, public_id: UUID) -> HttpResponse:
    return live(request, "health/probe.html", lambda: probe_context(request, public_id), beat=probes_beat())


def probe_context(request: HttpRequest, public_id: UUID, maintenance: MaintenanceForm | None = None) -> Context:
    by, now = by_of(request), database_now()
    found = queries.probe(by, public_id)
    [(_, health)] = known([found], now)
    [row] = rows_of([(found, health)], now)
    flips = list(queries.flips(by, probe=found)[:FLIPS])
    may = allows(by.actor, "probe.write", teams=found.owner_teams())
    windows = [each for each in queries.maintenance(by, now=now) if queries_covers(each, found)]
    return {
        "probe": row,
        "facts": tables.fact_rows(found),
        "explained": tables.flip_row(flips[0]) if flips and flips[0].to_state == health.verdict and row["reason"] else None,
        "thresholds": (found.failure_threshold, found.recovery_threshold),
        "flips": [tables.flip_row(each) for each in flips],
        "readings": [tables.reading_row(each) for each in queries.history(found, now - queries.KEPT).reverse()[:READINGS]],
        "reported": beside.reported(by, [found]).get(found.pk),
        "windows": [tables.window_row(each, now) for each in windows],
        "maintenance": maintenance or MaintenanceForm(),
        "may_write": may,
        "may_mute": allows(by.actor, "maintenance.write", teams=found.owner_teams()),
        "is_heartbeat": found.kind == Kind.HEARTBEAT,
        "paused": found.paused,
        "urls": {name: reverse(f"health:{name}", args=[found.public_id]) for name in ("edit", "pause", "maintenance_begin", "address", "deletion")},
        "list_url": reverse("health:probes"),
    } | _chart(request, by, found, now)  # fmt: skip


def queries_covers(window: Any, probe: Probe) -> bool:
    return queries.Muted((window,)).covers(probe)


def _chart(request: HttpRequest, by: By, probe: Probe, now: datetime) -> Context:
    name = request.GET.get("window", "")
    name = name if name in WINDOWS else USUAL
    _, length, step = WINDOWS[name]
    end = int(now.timestamp() // step + 1) * step
    start = end - length
    since, until = (datetime.fromtimestamp(each, UTC) for each in (start, end))
    steps = course(probe, since, until, step=step)
    flips = list(queries.flips(by, probe=probe, since=since)[:50])
    return {
        "chart": tables.chart(steps, flips, beside.marks(by, probe, since)[-50:], start, end, step),
        "chart_since": since,
        "spans": [
            {"label": called, "url": address(request.GET, window=key if key != USUAL else None), "here": key == name}
            for key, (called, *_) in WINDOWS.items()
        ],
    }
