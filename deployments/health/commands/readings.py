"""Results come in: kept, judged, and told of when they change the verdict."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from deployments.health.commands.standings import standings_follow
from deployments.health.figures import hour_of
from deployments.health.models import Flip, Kind, Probe, Reading
from deployments.health.queries.standings import Muted, muted_at
from deployments.health.results import LONGEST_REASON, LONGEST_VERSION, Result
from deployments.health.schedule import after_silence, heartbeat_due, next_due
from deployments.health.states import LEVELS, Level, Outcome, State, level_of, verdict
from portal.audit.record import Entry, record_many
from portal.kit import rows
from portal.kit.by import By, system
from portal.kit.clock import iso
from portal.kit.locking import retried

KEPT = timedelta(days=7)
# So many of the newest results decide nearly always; where they do not, so many more are read.
NEAR, FAR = 24, 500

NOTED = (
    "state", "since", "reason", "checked_at", "ms", "run_version", "due_at", "lease", "lease_until", "summed_until",
)  # fmt: skip

RECENT = """
select p.id, r.at, r.outcome, r.answered
from unnest(%s::bigint[]) as wanted(id)
join health_probe p on p.id = wanted.id
cross join lateral (
  select at, outcome, answered, key from health_reading
  where probe_id = p.id and at >= p.judged_from and outcome <> 'no_data'
  order by at desc, outcome, answered, key limit %s
) r
"""

UNSETTLED = """
select id from health_maintenance where id = any(%s) and settled_at is null for share skip locked
"""


@retried
@transaction.atomic
def readings_take(results: Sequence[Result], *, now: datetime, by: By | None = None) -> list[Flip]:
    """Keeps what is new of `results`, in any order; answers the flips that it led to.

    The probes' rows are held: of two who bring the same change, the second finds it made.
    """
    held = Probe.objects.select_for_update(of=("self",)).filter(pk__in={each.probe_id for each in results})
    probes: dict[int, Probe] = {each.pk: each for each in held.order_by("pk")}
    new = [_reading(each, probes[each.probe_id], now) for each in _unknown(results, probes)]
    rows.insert(new)
    flips = _judge(probes, new, now)
    _note(probes, results, new, now)
    if new:
        standings_follow(probes.values(), now=now)
    _tell(flips, by or system("prober"))
    return flips


def _unknown(results: Sequence[Result], probes: dict[int, Probe]) -> list[Result]:
    """Those of probes that are there, which have not come before."""
    keyed = {(each.probe_id, each.key) for each in results if each.key}
    known: set[tuple[int, str]] = set()
    if keyed:
        found = Reading.objects.filter(probe__in={pk for pk, _ in keyed}, key__in={key for _, key in keyed})
        known = set(found.values_list("probe_id", "key"))
    asked = [each for each in results if each.lease]
    if asked:
        # What we asked is known by its instant: a commit whose answer was lost is tried again.
        there = Reading.objects.filter(probe__in={each.probe_id for each in asked}, at__in={each.at for each in asked})
        known |= {(pk, iso(at) or "") for pk, at in there.filter(key="").values_list("probe_id", "at")}
    fresh = []
    for each in results:
        name = each.probe_id, each.key or (iso(each.at) or "" if each.lease else "")
        if each.probe_id in probes and not (name[1] and name in known):
            known.add(name)
            fresh.append(each)
    return fresh


def _reading(result: Result, probe: Probe, now: datetime) -> Reading:
    at = result.at
    if result.lease and probe.checked_at and probe.checked_at > now:
        # The clock was put back: what is asked now still comes after what was asked before.
        at = probe.checked_at + timedelta(microseconds=1)
    return Reading(
        probe=probe,
        at=at,
        outcome=result.outcome,
        answered=result.answered,
        ms=result.ms,
        status=result.status,
        reason=result.reason[:LONGEST_REASON],
        values=result.values,
        run_version=result.run_version[:LONGEST_VERSION],
        key=result.key,
    )


def _judge(probes: dict[int, Probe], new: Sequence[Reading], now: datetime) -> list[Flip]:
    """Sets each probe's state from its results; a flip where that changed it."""
    touched = {each.probe_id for each in new if each.outcome != Outcome.NO_DATA}
    recent = _recent(touched, NEAR)
    turned = []
    for pk in sorted(touched):
        probe, found = probes[pk], recent.get(pk, [])
        state = _state(probe, found, [each for each in new if each.probe_id == pk], now)
        if found and state != probe.state:
            turned.append((probe, state, found[0][0]))
    muted = _muting(now, *(at for _, _, at in turned)) if turned else Muted()
    return [_flip(probe, state, at, muted) for probe, state, at in turned]


def _muting(*instants: datetime) -> Muted:
    """Without windows whose end has been settled, or just is: nobody would tell of it after that."""
    windows = muted_at(*instants).windows
    if not windows:
        return Muted()
    with connection.cursor() as cursor:
        cursor.execute(UNSETTLED, [[each.pk for each in windows]])
        kept = {pk for (pk,) in cursor.fetchall()}
    return Muted(tuple(each for each in windows if each.pk in kept))


Recent = list[tuple[datetime, Level]]


def _recent(keys: Collection[int], limit: int) -> dict[int, Recent]:
    """Each probe's newest results, the newest first."""
    found: dict[int, Recent] = {}
    if keys:
        with connection.cursor() as cursor:
            cursor.execute(RECENT, [sorted(keys), limit])
            for pk, at, outcome, answered in cursor.fetchall():
                level = level_of(outcome, answered)
                if level is not None:
                    found.setdefault(pk, []).append((at, level))
    return found


def _state(probe: Probe, found: Recent, new: Sequence[Reading], now: datetime) -> State:
    levels = [level for _, level in found]
    before, reach = State(probe.state), max(probe.failure_threshold, probe.recovery_threshold)
    first = State.UNKNOWN if probe.judged_from > now - KEPT else before  # what came before may be kept no longer
    k, r = probe.failure_threshold, probe.recovery_threshold
    decided = verdict(levels, k, r, before=first if len(levels) < NEAR else State.UNKNOWN, whole=len(levels) < NEAR)
    if decided is not None:
        return decided
    fresh = [each for each in new if each.outcome != Outcome.NO_DATA and each.at >= probe.judged_from]
    if before in LEVELS and len(fresh) + reach <= NEAR and _are_newest(fresh, found):
        kept = verdict(levels[: len(fresh) + reach - 1], k, r, before=before, whole=False)
        return kept or before
    levels = [level for _, level in _recent([probe.pk], FAR)[probe.pk]]
    decided = verdict(levels, k, r, whole=len(levels) < FAR)
    return decided or verdict(levels, k, r, before=before, whole=False) or before


def _are_newest(new: Sequence[Reading], found: Recent) -> bool:
    return sorted((each.at for each in new), reverse=True) == [at for at, _ in found[: len(new)]]


def _flip(probe: Probe, state: State, at: datetime, muted: Muted) -> Flip:
    """By the newest result that is as bad as the new state."""
    found = Reading.objects.filter(probe=probe, at__gte=probe.judged_from).exclude(outcome=Outcome.NO_DATA)
    newest = list(found.order_by("-at")[:NEAR])
    cause = next((each for each in newest if each.level == LEVELS.get(state)), newest[0])
    flip = Flip(
        probe=probe,
        from_state=probe.state,
        to_state=state,
        at=at,
        reason=cause.reason,
        values=_values(cause),
        run_version=cause.run_version,
        muted=muted.covers(probe),
    )
    probe.state, probe.since, probe.reason = state, at, cause.reason
    return flip


def _values(reading: Reading) -> dict[str, Any]:
    own: dict[str, Any] = {"status": reading.status, "ms": reading.ms, "version": reading.run_version or None}
    return {**{name: value for name, value in own.items() if value is not None}, **reading.values}


def _note(probes: dict[int, Probe], results: Sequence[Result], new: Sequence[Reading], now: datetime) -> None:
    """When it was asked last, what runs there, and when it is due again."""
    leased = {(each.probe_id, each.lease) for each in results if each.lease}
    missed = {each.key for each in results if each.lease and each.key}
    for reading in new:
        _note_reading(probes[reading.probe_id], reading, is_heartbeat=reading.key not in missed)
    for probe in probes.values():
        if (probe.pk, probe.lease) in leased:
            probe.lease = probe.lease_until = None
            probe.due_at = _due(probe, now)
    rows.update(list(probes.values()), NOTED)


def _note_reading(probe: Probe, reading: Reading, *, is_heartbeat: bool) -> None:
    if probe.summed_until and reading.at < probe.summed_until:
        probe.summed_until = hour_of(reading.at)  # what that hour came to is reckoned anew
    if reading.outcome == Outcome.NO_DATA:
        probe.reason = reading.reason if probe.state == State.UNKNOWN else probe.reason
    elif probe.checked_at is None or reading.at >= probe.checked_at:
        probe.checked_at, probe.ms = reading.at, reading.ms
        probe.run_version = reading.run_version or probe.run_version
        if probe.kind == Kind.HEARTBEAT and is_heartbeat and not probe.paused:
            probe.due_at = heartbeat_due(probe, reading.at)


def _due(probe: Probe, now: datetime) -> datetime | None:
    if probe.paused:
        return None
    return after_silence(probe, now) if probe.kind == Kind.HEARTBEAT else next_due(probe, now)


def _tell(flips: Sequence[Flip], by: By) -> None:
    for each in flips:
        each.save(force_insert=True)
    entries = [flipped(each) for each in flips]
    if entries:
        record_many(entries, by=by)


def flipped(flip: Flip) -> Entry:
    probe = flip.probe
    return Entry(
        "probe.flipped",
        probe.noun(),
        before={"state": flip.from_state},
        after={
            "state": flip.to_state,
            "since": iso(flip.at),
            "reason": flip.reason or None,
            "values": flip.values,
            "name": probe.name,
        },
        payload={
            "flip": str(flip.public_id),
            "probe": str(probe.public_id),
            "service_id": probe.service_id,
            "environment_id": probe.environment_id,
            "muted": flip.muted,
            "run_version": flip.run_version,
        },
    )
