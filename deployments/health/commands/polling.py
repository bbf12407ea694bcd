"""The due queue: what is to be asked now, and by whom."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, Max, Q
from django.db.models.functions import Now

from deployments.health.models import Kind, Probe, Prober
from deployments.health.results import Result
from deployments.health.schedule import ASLEEP, MARGIN, grace_of, heartbeat_due
from deployments.health.states import Outcome
from portal.audit.record import record
from portal.kit.by import system
from portal.kit.clock import in_words, iso
from portal.kit.ids import uuid7

# Of each host no more than so many at once; of what did not answer last time none where `quick`.
CLAIM = """
with free as (
  select id, host, due_at from health_probe
  where due_at <= statement_timestamp() and (lease is null or lease_until <= statement_timestamp())
    and (not %(quick)s or ms is not null or checked_at is null or kind = 'heartbeat')
), busy as (
  select host, count(*) as calls from health_probe
  where lease is not null and lease_until > statement_timestamp() group by host
), placed as (
  select free.id, row_number() over (partition by free.host order by due_at, free.id) + coalesce(calls, 0) as place
  from free left join busy using (host)
), chosen as (
  select probe.id from health_probe as probe join placed using (id)
  where (place <= %(per_host)s or probe.host = '') and due_at <= statement_timestamp()
    and (lease is null or lease_until <= statement_timestamp())
  order by due_at limit %(limit)s for update of probe skip locked
)
update health_probe as probe
set lease = %(lease)s, lease_until = statement_timestamp() + make_interval(secs => timeout + %(margin)s)
from chosen where probe.id = chosen.id
returning probe.id
"""


def probes_claim(limit: int, *, per_host: int, quick: bool = False) -> list[Probe]:
    """Due probes, the longest due first, under one lease. Others pass them by; if we die, they are due when it ends."""
    lease = uuid7()
    with connection.cursor() as cursor:
        cursor.execute(
            CLAIM,
            {"limit": limit, "per_host": per_host, "quick": quick, "lease": lease, "margin": MARGIN.total_seconds()},
        )
        keys = [pk for (pk,) in cursor.fetchall()]
    return list(Probe.objects.filter(pk__in=keys, lease=lease).order_by("due_at")) if keys else []


def silence_of(probe: Probe, now: datetime) -> Result | None:
    """What a heartbeat that is due and did not come says, at the instant when it was due. None: nobody was listening."""
    due = probe.due_at or now
    if now - due > ASLEEP:
        return None
    length = in_words(timedelta(seconds=probe.interval) + grace_of(probe))
    reason = f"No heartbeat came for {length}."
    return Result(
        probe.pk, due, Outcome.FAILED, answered=False, reason=reason, key=f"missed {iso(due)}", lease=probe.lease
    )


@transaction.atomic
def heartbeat_listen(probe: Probe, now: datetime) -> None:
    """Its silence counts from now on."""
    found = Probe.objects.select_for_update(of=("self",)).filter(pk=probe.pk, lease=probe.lease).first()
    if found:
        found.due_at, found.lease, found.lease_until = heartbeat_due(found, now), None, None
        found.save(update_fields=["due_at", "lease", "lease_until"])


def heartbeats_excuse(now: datetime, *, within: timedelta) -> int:
    """For a prober that begins: where none was heard of `within` this time, the portal stood still, and heard nothing.

    Heartbeats that were to come meanwhile count from now on. How many.
    """
    seen_at = Prober.objects.aggregate(newest=Max("seen_at"))["newest"]
    if seen_at is None or now - seen_at <= within:
        return 0
    waiting = Probe.objects.filter(kind=Kind.HEARTBEAT, paused=False, due_at__gte=seen_at, lease=None)
    missed = [each for each in waiting if each.due_at and each.due_at - grace_of(each) <= now]
    for each in missed:
        Probe.objects.filter(pk=each.pk, due_at=each.due_at).update(due_at=heartbeat_due(each, now))
    return len(missed)


def queue_mend() -> int:
    """After a clock was put back: what is due, or leased, further away than it can be. How many."""
    span = F("interval") * timedelta(seconds=1)
    grace = timedelta(days=8)  # no heartbeat waits longer than that beyond its interval
    polled = Q(kind__in=[Kind.HTTP, Kind.TCP], due_at__gt=Now() + span * 2)
    silent = Q(kind=Kind.HEARTBEAT, due_at__gt=Now() + span + grace)
    late = Probe.objects.filter(polled | silent).update(due_at=Now())
    leased = Q(lease__isnull=False, lease_until__gt=Now() + MARGIN * 2 + timedelta(minutes=1))
    return int(late + Probe.objects.filter(leased).update(lease=None, lease_until=None))


@transaction.atomic
def prober_tell(name: str, *, up: bool, reason: str = "", lag_ms: int = 0, now: datetime) -> bool:
    """Notes that a prober is there and whether it reaches its references. An event where that changed; whether it did."""
    row, made = Prober.objects.select_for_update().get_or_create(name=name, defaults={"since": now, "seen_at": now})
    changed, before = row.up != up, row.facts()
    row.seen_at, row.lag_ms = now, lag_ms
    if changed:
        row.up, row.since, row.reason = up, now, reason
    row.save(update_fields=["seen_at", "lag_ms", "up", "since", "reason"])
    if changed:
        event = "prober.came_back" if up else "prober.went_down"
        record(event, row.noun(), by=system("prober"), before=None if made else before, after=row.facts())
    return changed
