"""Maintenance: probes go on, and nobody is alerted."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from deployments.health.commands.readings import flipped
from deployments.health.models import Flip, Maintenance, Probe
from deployments.health.queries.standings import muted_at
from deployments.health.states import State
from portal.accounts.policy import allows, require
from portal.audit.record import record, record_many
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Invalid
from portal.kit.locking import retried

Json = dict[str, Any]

LONGEST = timedelta(days=30)
BAD = (State.DEGRADED, State.FAILING, State.DOWN)


@retried
@transaction.atomic
def maintenance_begin(
    *,
    reason: str,
    ends_at: datetime,
    starts_at: datetime | None = None,
    probe: Probe | None = None,
    service: str = "",
    environment: str = "",
    everything: bool = False,
    by: By,
) -> Maintenance:
    """Of a probe; of a service, an environment, or the one in the other; or of everything."""
    now = database_now()
    starts_at = starts_at or now
    _check(reason, starts_at, ends_at, now)
    if sum([probe is not None, bool(service or environment), everything]) != 1:
        raise Invalid.at("service", "name a probe, a service or an environment or both, or everything")
    window = Maintenance(
        probe=probe,
        everything=everything,
        reason=reason.strip(),
        starts_at=starts_at,
        ends_at=ends_at,
        made_by=by.actor.name,
        holder_key=by.actor.key,
    )
    # A pipeline that may only report begins one for what it deploys, as it names it in its reports.
    viewer = by if allows(by.actor, "catalog.read") else None
    if service:
        window.service = catalog.service_named(service, by=viewer)
    if environment:
        window.environment = catalog.environment_named(environment, by=viewer)
    window.covers = _covers(window)
    _require(window, by)
    window.save()
    record("maintenance.begun", window.noun(), by=by, after=window.facts())
    return window


@retried
@transaction.atomic
def maintenance_end(window: Maintenance, *, by: By) -> Maintenance:
    """Now, or never if it has not begun. One that is over stays as it is, without an event."""
    rows = Maintenance.objects.select_for_update(of=("self",))
    found: Maintenance = rows.select_related("probe", "service", "environment").get(pk=window.pk)
    _require(found, by)
    now = database_now()
    if found.ends_at <= now:
        return found
    before = found.facts()
    found.starts_at = min(found.starts_at, now - timedelta(microseconds=1))
    found.ends_at = now
    found.save(update_fields=["starts_at", "ends_at"])
    record("maintenance.ended", found.noun(), by=by, before=before, after=found.facts())
    return found


@transaction.atomic
def maintenance_settle(*, now: datetime) -> int:
    """Tells of what went bad while nobody was to be told, and still is so after the end. How many."""
    ended = Maintenance.objects.select_for_update(skip_locked=True).filter(ends_at__lte=now, settled_at=None)
    over = list(ended.order_by("pk")[:100])
    if not over:
        return 0
    muted = muted_at(now)
    flips = []
    bad = Probe.objects.select_for_update(of=("self",)).filter(state__in=BAD, paused=False)
    for probe in bad.order_by("pk"):
        last = Flip.objects.filter(probe=probe).order_by("-at", "-id").first()
        if last and last.muted and not muted.covers(probe):
            told = {"reason": last.reason, "values": last.values, "run_version": last.run_version}
            flips.append(Flip(probe=probe, from_state=State.MAINTENANCE, to_state=probe.state, at=now, **told))
    Flip.objects.bulk_create(flips)
    if flips:
        record_many([flipped(each) for each in flips], by=system("prober"))
    Maintenance.objects.filter(pk__in=[each.pk for each in over]).update(settled_at=now)
    return len(flips)


def _require(window: Maintenance, by: By) -> None:
    if window.everything:
        require(by, "maintenance.everything", holder=window.holder_key)
        return
    probe = window.probe
    teams = probe.owner_teams() if probe else []
    teams += [team for each in (window.service, window.environment) if each for team in each.team]
    require(by, "maintenance.write", holder=window.holder_key if window.pk else "", teams=teams)


def _covers(window: Maintenance) -> str:
    if window.everything:
        return "everything"
    if window.probe:
        return str(window.probe)
    named = [each.identifier for each in (window.service, window.environment) if each]
    return " in ".join(named) if len(named) == 2 else f"all of {named[0]}"


def _check(reason: Any, starts_at: datetime, ends_at: datetime, now: datetime) -> None:
    if not isinstance(reason, str) or not 1 <= len(reason.strip()) <= 1000 or "\0" in reason:
        raise Invalid.at("reason", "say why, within 1,000 characters")
    if ends_at <= max(starts_at, now):
        raise Invalid.at("ends_at", "must come after its start, and after now")
    if ends_at - starts_at > LONGEST:
        raise Invalid.at("ends_at", f"must come within {LONGEST.days} days of its start")
    if starts_at < now - LONGEST:
        raise Invalid.at("starts_at", f"must not be more than {LONGEST.days} days ago")
