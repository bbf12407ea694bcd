"""The row of each place that says how it is by its probes. Always after the probes' own rows, so that nobody waits in a circle."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from django.db.models import Q

from deployments.health.models import Probe, Standing
from deployments.health.states import State, worst
from portal.kit import rows

Pair = tuple[int, int]


def standings_follow(probes: Iterable[Probe], *, now: datetime) -> None:
    """Reckons the places of these probes anew, in the caller's transaction. A place without probes has no row."""
    pairs = {(each.service_id, each.environment_id) for each in probes if each.service_id and each.environment_id}
    if not pairs:
        return
    held = _held(pairs)
    missing = pairs - held.keys()
    if missing:
        Standing.objects.bulk_create(
            [Standing(service_id=s, environment_id=e) for s, e in sorted(missing)], ignore_conflicts=True
        )
        held = _held(pairs)
    of_pair: dict[Pair, list[Probe]] = {pair: [] for pair in pairs}
    for probe in Probe.objects.filter(_those(pairs)):
        if (probe.service_id, probe.environment_id) in of_pair:
            of_pair[probe.service_id, probe.environment_id].append(probe)
    for pair, row in held.items():
        _reckon(row, of_pair[pair], now)
    gone = [row.pk for pair, row in held.items() if not of_pair[pair]]
    if gone:
        Standing.objects.filter(pk__in=gone).delete()
    rows.update(
        [row for row in held.values() if row.pk not in gone],
        ["state", "since", "checked_at", "stale_after", "run_version", "version_at", "is_polled"],
    )


def _held(pairs: Collection[Pair]) -> dict[Pair, Standing]:
    found = Standing.objects.select_for_update().filter(_those(pairs)).order_by("pk")
    return {
        (each.service_id, each.environment_id): each
        for each in found
        if (each.service_id, each.environment_id) in pairs
    }


def _those(pairs: Collection[Pair]) -> Q:
    """And some more, where several services meet several environments."""
    return Q(service__in={each for each, _ in pairs}, environment__in={each for _, each in pairs})


def _reckon(row: Standing, probes: Sequence[Probe], now: datetime) -> None:
    live = [each for each in probes if not each.paused]
    fresh = [each for each in live if each.stale_after and each.stale_after > now and each.state != State.UNKNOWN]
    state = worst(each.state for each in fresh) if live else State.PAUSED
    if row.state != state:
        deciding = [each.since for each in fresh if each.state == state]
        row.state, row.since = state, min(deciding, default=now)
    said = [each for each in fresh if each.state == state]
    row.stale_after = max((each.stale_after for each in said if each.stale_after), default=None)
    row.checked_at = max((each.checked_at for each in live if each.checked_at), default=None)
    versions = [(each.checked_at, each.run_version) for each in live if each.run_version and each.checked_at]
    row.version_at, row.run_version = max(versions, default=(None, ""))
    row.is_polled = any(each.is_polled for each in live)
