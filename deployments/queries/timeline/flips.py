"""Health that changed, as happenings: each flip of a probe, and how long a place was not well."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from catalog import permissions
from catalog.models import Entity
from deployments.health.models import Flip
from deployments.health.states import State
from deployments.queries.timeline.registry import Asked, Happening, Look, Source, Stretch, newest
from portal.kit.by import By

KINDS = {
    "unhealthy": Look("Unhealthy", "red", "heart-pulse"),
    "healthy": Look("Healthy", "green", "heart-pulse"),
}
WORDS = {State.DEGRADED: ("Degraded", "yellow"), State.FAILING: ("Failing", ""), State.DOWN: ("Down", "")}
MOST = 200


def flips(by: By, asked: Asked) -> QuerySet[Any]:
    """Of places that the viewer may see."""
    rows: QuerySet[Any] = Flip.objects.exclude(to_state=State.UNKNOWN).filter(probe__entity=None)
    seen = permissions.bounds(by)
    if seen is not None:
        known = Entity.objects.filter(seen).values("pk")
        rows = rows.filter(probe__service__in=known, probe__environment__in=known)
    if asked.service:
        rows = rows.filter(probe__service=asked.service)
    return rows.filter(probe__environment=asked.environment) if asked.environment else rows


def load(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    rows = flips(by, asked).filter(_kinds(asked))
    return [_happening(each) for each in newest(rows.select_related("probe"), asked, "flips", limit)]


def _kinds(asked: Asked) -> Q:
    well = Q(to_state=State.HEALTHY)
    return (well if asked.wants("healthy") else Q(pk__in=[])) | (~well if asked.wants("unhealthy") else Q(pk__in=[]))


def _happening(flip: Flip) -> Happening:
    probe, is_well = flip.probe, flip.to_state == State.HEALTHY
    word, colour = WORDS.get(State(flip.to_state), ("", ""))
    return Happening(
        flip.at, "flips", flip.pk, "healthy" if is_well else "unhealthy", f"{probe.where}: {probe.name}", "",
        probe.service_identifier, probe.environment_identifier, "", flip.reason, f"/health/{probe.public_id}", word, colour,
    )  # fmt: skip


def unwell(by: By, asked: Asked) -> Sequence[Stretch]:
    """From a flip to the probe's next one; the newest that reach into the span."""
    rows = list(flips(by, asked).filter(at__lt=asked.until).select_related("probe").order_by("-at", "-pk")[: 2 * MOST])
    ends: dict[int, Any] = {}
    found = []
    for each in rows:
        end = ends.get(each.probe_id)
        ends[each.probe_id] = each.at
        if each.to_state in (State.FAILING, State.DOWN) and (end is None or end > asked.since):
            probe = each.probe
            said = f"{probe.where}, {probe.name}: {each.to_state}"
            found.append(
                Stretch(each.at, end, "unhealthy", said, probe.environment_identifier, f"/health/{probe.public_id}")
            )
    return found[:MOST]


SOURCE = Source("flips", KINDS, load, unwell)
