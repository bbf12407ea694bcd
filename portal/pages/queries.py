from dataclasses import dataclass
from datetime import datetime, timedelta

from catalog.integrations.queries import deletions_waiting
from catalog.models import Entity
from catalog.queries import tier_of
from deployments.health.queries import muted_at, places, prober_down_since, shown
from deployments.health.states import State
from deployments.models import Deployment, DeploymentConfig, InboxItem
from deployments.queries import deployments, environments, failing, gated_percent, latest, services
from locks.models import KeptDecision, Lock, Window
from locks.queries import beat as locks_beat
from locks.queries import locks, windows_now
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.kit.clock import database_now

SHOWN = 8
BAD = (State.DEGRADED, State.FAILING, State.DOWN)
# A portal that has seen so many deployments needs no first steps, though nobody was ever refused.
IN_USE = 20


@dataclass(frozen=True)
class FirstSteps:
    """Which of the first steps have been seen, and names to put into their commands."""

    reported: bool
    locked: bool
    refused: bool
    over: bool
    service: Entity | None
    environment: Entity | None


def first_steps(by: By) -> FirstSteps:
    reported = len(Deployment.objects.values("pk")[:IN_USE])
    locked, refused = Lock.objects.exists(), KeptDecision.objects.filter(outcome="deny").exists()
    places = environments(by)
    strict = [each for each in places if tier_of(each) == "production"] or places
    return FirstSteps(
        reported=reported > 0,
        locked=locked,
        refused=refused,
        over=reported >= IN_USE or bool(reported and locked and refused),
        service=services(by).first(),
        environment=strict[0] if strict else None,
    )


@dataclass(frozen=True)
class Overview:
    services: int
    reported_today: int
    failing: int
    unwell: int | None  # places whose probes say that they are not well; None where nothing is probed
    waiting: int | None  # reports in the inbox; None for who may not place them
    held: int  # deletions by integrations that the viewer may decide on
    locked: int
    gated: int | None  # percent of the deployments to production; None when there were none
    locks: list[Lock]
    frozen: list[Window]
    latest: list[DeploymentConfig]
    at: datetime


def overview(by: By) -> Overview:
    at = database_now()
    may_place = allows(by.actor, "inbox.resolve")
    active = locks(by, now=at)
    return Overview(
        services=services(by).count(),
        reported_today=deployments(by).filter(reported_at__gt=at - timedelta(days=1)).count(),
        failing=failing(by).count(),
        unwell=_unwell(by, at),
        waiting=InboxItem.objects.filter(state=InboxItem.State.WAITING).count() if may_place else None,
        held=deletions_waiting(by),
        locked=active.count(),
        gated=gated_percent(by, now=at),
        locks=list(active[:SHOWN]),
        frozen=windows_now(by, now=at),
        latest=latest(by, SHOWN),
        at=at,
    )


def _unwell(by: By, at: datetime) -> int | None:
    known = places(by)
    if not known.exists():
        return None
    muted, down = muted_at(at), prober_down_since(at)
    bad = known.filter(state__in=BAD)
    return sum(shown(each, at, muted=muted, down=down).state in BAD for each in bad)


def beat() -> str:
    """Also changes when the gate has refused somebody, which is no event."""
    return f"{locks_beat()}|{KeptDecision.objects.order_by('-id').values_list('id', flat=True).first()}"
