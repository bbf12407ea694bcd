"""What would be stopped, and why something is or is not."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet

from catalog import queries as catalog
from catalog.models import Entity
from catalog.queries import Place
from locks.decisions import Bar, covers_of, denies
from locks.models import Claim, Effect, Freeze, Lock, Pass, ScopeKind, Ticket
from locks.queries.claims import seen_by
from locks.queries.deciding import sight, windows_on
from locks.queries.freezes import coming
from locks.queries.locks import Reach, Scoped, held_on, reach, visible
from portal.accounts.policy import require
from portal.kit.by import Actor, By
from portal.kit.clock import database_now, spoken

Json = dict[str, Any]
MOST = 500  # rules that are looked at one by one
RECENTLY = timedelta(days=7)
MOST_PEOPLE = 20


@dataclass(frozen=True)
class Reason:
    """One rule that the gate has looked at. `applies`: it has a say about this caller at this place now."""

    rule: str
    id: str
    title: str
    applies: bool
    why: str


def explain(
    place: Place,
    *,
    by: By,
    viewer: By | None = None,
    intent: str = "deploy",
    run: str = "",
    now: datetime | None = None,
) -> list[Reason]:
    """Every active lock, every freeze, whoever deploys and the line: whether each has a say here, and why (not).

    What has none is told to those alone who may see where it is: the `viewer`, else who asks.
    """
    require(by, "gate.ask")
    at = now or database_now()
    covers = set(covers_of(place))

    def told(rows: QuerySet[Scoped]) -> list[Scoped]:
        known = set(visible(rows, viewer or by).values_list("pk", flat=True)[:MOST])
        return [each for each in rows[:MOST] if each.cover in covers or each.pk in known]

    reasons = [_of_bar(lock, lock.cover in covers, by.actor, intent) for lock in told(Lock.objects.active(at))]
    on = {window.freeze_id: window for window in windows_on(at)}
    for freeze in told(Freeze.objects.filter(withdrawn_at=None).order_by("-id")):
        window = on.get(freeze.pk)
        if window:
            reasons.append(_of_bar(window, freeze.cover in covers, by.actor, intent))
        else:
            reasons.append(_of_idle(freeze, at))
    reasons += _of_others(place, run, at)
    return sorted(reasons, key=lambda each: not each.applies)


def _of_bar(bar: Bar, covers: bool, actor: Actor, intent: str) -> Reason:
    rule = "lock" if isinstance(bar, Lock) else "freeze"
    return Reason(
        rule, str(bar.public_id), f"{rule} of {bar.covers}: {bar.reason}", covers, _why(bar, covers, actor, intent)
    )


def _why(bar: Bar, covers: bool, actor: Actor, intent: str) -> str:
    if not covers:
        return f"it covers {bar.covers}, not this place"
    if denies(bar, actor, intent):
        return "it blocks everyone" if bar.effect == Effect.BLOCK else "it blocks automation"
    if bar.effect == Effect.WARN:
        return "it only warns"
    if intent == "rollback" and Pass.ROLLBACK in bar.allows:
        return "it lets rollbacks through"
    if bar.effect == Effect.BLOCK_AUTOMATION:
        return "it blocks automation, and this is a person"
    return "it lets its holder through, in person"


def _of_idle(freeze: Freeze, at: datetime) -> Reason:
    following = coming([freeze], at, count=1)
    when = f"it is on next at {spoken(following[0].starts_at, now=at)}" if following else "it is never on again"
    return Reason("freeze", str(freeze.public_id), f"freeze of {freeze.covers}: {freeze.reason}", False, when)


def _of_others(place: Place, run: str, at: datetime) -> list[Reason]:
    claim, ahead = sight(place, at).before(run)
    reasons = []
    if claim:
        title = f"{claim.holder_name} is deploying"
        reasons.append(Reason("claim", str(claim.public_id), title, True, f"the run {claim.run} is not this one"))
    if ahead:
        reasons.append(Reason("line", "", f"{ahead} before it in line", True, "who came first goes first"))
    return reasons


@dataclass(frozen=True)
class Simulation:
    """What a lock of a scope would meet. `people` deploy there now, wait to, or did in the last seven days."""

    reach: Reach
    held: Lock | None
    running: list[Claim]
    waiting: list[Ticket]
    people: list[str]
    teams: list[str]


def simulate(kind: ScopeKind, columns: Json, *, by: By) -> Simulation:
    """`columns` are a scope's. A running deployment may finish all the same; whoever waits goes on waiting.
    Of those, and of the people, as many as the viewer may see."""
    require(by, "lock.read")
    at = database_now()
    inside = _inside(kind, columns) & seen_by(by)
    running = list(Claim.objects.running(at).filter(inside).order_by("id")[:MOST])
    waiting = list(Ticket.objects.waiting(at).filter(inside)[:MOST])
    lately = Claim.objects.filter(inside, begun_at__gt=at - RECENTLY).values_list("holder_name", flat=True)
    people = Counter([*(each.holder_name for each in (*running, *waiting)), *lately[:MOST]])
    names = {name: columns[name] for name in ("service", "environment", "tier", "team")}
    owners = _owners(kind, columns)
    return Simulation(
        reach(by, kind, **names),
        held_on({"scope_kind": kind, **names}, at),
        running,
        waiting,
        [name for name, _ in people.most_common(MOST_PEOPLE)],
        owners,
    )


def met_by(lock: Lock, *, by: By, now: datetime) -> tuple[int, int]:
    """How many deployments that the viewer may see run where the lock holds, and how many wait there in line."""
    columns = {"service": lock.service, "environment": lock.environment, "tier": lock.tier, "team": lock.team}
    inside = _inside(ScopeKind(lock.scope_kind), columns) & seen_by(by)
    return Claim.objects.running(now).filter(inside).count(), Ticket.objects.waiting(now).filter(inside).count()


def _inside(kind: ScopeKind, columns: Json) -> Q:
    """Claims and tickets of the places that the scope holds."""
    if kind == ScopeKind.TEAM:
        return Q(service__team__contains=[columns["team"]])
    if kind == ScopeKind.TIER:
        environments = Entity.objects.filter(blueprint__identifier="environment")
        return Q(environment__in=[each.pk for each in environments if catalog.tier_of(each) == columns["tier"]])
    keys = {name: columns[name] for name in ("service", "environment") if columns[name]}
    return Q(**keys)


def _owners(kind: ScopeKind, columns: Json) -> list[str]:
    if kind == ScopeKind.TEAM:
        return [columns["team"]]
    services = Entity.objects.filter(blueprint__identifier="service")
    if columns["service"]:
        services = services.filter(pk=columns["service"].pk)
    teams = {team for teams in services.values_list("team", flat=True)[:1000] for team in teams}
    return sorted(teams)
