"""What comes to us by itself: heartbeats, and readings of those who probe elsewhere."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from deployments.health.commands.readings import KEPT, readings_take
from deployments.health.models import Kind, Probe, Reading
from deployments.health.payloads import Told, told
from deployments.health.queries.probes import heartbeat_at, told_from_outside, visible
from deployments.health.results import Result
from deployments.health.states import Outcome
from portal.accounts.policy import require
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Invalid

Json = dict[str, Any]

# A job that runs wild shall not fill the table.
SHORTEST_STEP = timedelta(seconds=1)


def heartbeat_take(token: str, *, outcome: str = Outcome.OK, reason: str = "", key: str = "") -> bool:
    """Whoever knows the token may. Whether it was kept: not while it is paused, nor more than once a second."""
    if outcome not in (Outcome.OK, Outcome.DEGRADED, Outcome.FAILED):
        raise Invalid.at("outcome", "must be one of ok, degraded, failed")
    probe, now = heartbeat_at(token), database_now()
    if probe.paused or (probe.checked_at and timedelta() <= now - probe.checked_at < SHORTEST_STEP):
        return False
    if key and Reading.objects.filter(probe=probe, key=f"key {key}").exists():
        return False
    known = f"key {key}" if key else ""
    readings_take([Result(probe.pk, now, outcome, reason=reason, key=known)], now=now, by=system("heartbeat"))
    return True


def readings_report(body: Any, *, by: By) -> list[Json]:
    """For each of what was told, in its order: `status` kept, known (it came before), old, or unknown, and of which `probe`."""
    require(by, "reading.report")
    now = database_now()
    told_of = told(body, now=now)
    found = _probes(told_of, by)
    pairs = [(each, probe) for each in told_of for probe in found[each]]
    known = _known(pairs)
    new = [_result(each, probe) for each, probe in pairs if each.at > now - KEPT]
    if new:
        readings_take(new, now=now, by=by)
    answers: list[Json] = []
    for each in told_of:
        answers += [_answer(each, probe, known, now - KEPT) for probe in found[each]] or [
            {"status": "unknown", "probe": None}
        ]
    return answers


class _Found:
    """The probes that each of what was told is of."""

    def __init__(self, by_id: dict[str, Probe], by_name: dict[str, dict[str, list[Probe]]]) -> None:
        self.by_id, self.by_name = by_id, by_name

    def __getitem__(self, told: Told) -> list[Probe]:
        if told.probe:
            return [self.by_id[told.probe]] if told.probe in self.by_id else []
        return self.by_name.get(told.source, {}).get(told.id, [])


def _probes(told_of: Sequence[Told], by: By) -> _Found:
    ids = {each.probe for each in told_of if each.probe and _is_uuid(each.probe)}
    rows = visible(by, Probe.objects.filter(public_id__in=ids, kind=Kind.OUTSIDE, paused=False)) if ids else ()
    by_id = {str(each.public_id): each for each in rows}
    by_name = {}
    for source in {each.source for each in told_of if each.id}:
        names = {each.id for each in told_of if each.source == source}
        seen = visible(by, Probe.objects.all())
        by_name[source] = told_from_outside(source, names, rows=seen)
    return _Found({given: by_id[str(UUID(given))] for given in ids if str(UUID(given)) in by_id}, by_name)


def _known(pairs: Sequence[tuple[Told, Probe]]) -> set[tuple[int, str]]:
    rows = Reading.objects.filter(probe__in={probe.pk for _, probe in pairs}, key__in={each.key for each, _ in pairs})
    return set(rows.values_list("probe_id", "key")) if pairs else set()


def _result(told: Told, probe: Probe) -> Result:
    return Result(
        probe.pk,
        told.at,
        told.outcome,
        answered=told.answered,
        ms=told.ms,
        status=told.status,
        reason=told.reason,
        values=told.values,
        run_version=told.version,
        key=told.key,
    )


def _answer(told: Told, probe: Probe, known: set[tuple[int, str]], oldest: Any) -> Json:
    old = told.at <= oldest
    status = "old" if old else "known" if (probe.pk, told.key) in known else "kept"
    known.add((probe.pk, told.key))
    return {"status": status, "probe": str(probe.public_id)}


def _is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
