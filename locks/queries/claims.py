from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median
from typing import TypeVar
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Max, Model, Q, QuerySet

from catalog import permissions
from catalog.models import Entity
from catalog.queries import Place, place_of
from locks.decisions import Decision
from locks.models import Claim, Ticket, of_pair
from locks.queries.deciding import decide, decide_many
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Missing

M = TypeVar("M", bound=Model)
ENOUGH = 20  # past deployments to estimate from


@dataclass(frozen=True)
class Line:
    """A ticket as it stands: `position` is 1 for the first, 0 when it stands in line no more; `holder` deploys now.

    `starts_at` is when its turn may come, from how long deployments of the pair have taken; None when nobody can tell.
    """

    ticket: Ticket
    position: int
    holder: Claim | None
    decision: Decision
    starts_at: datetime | None

    @property
    def ready(self) -> bool:
        """Its turn: it may begin."""
        return bool(self.ticket.ready_at) and not self.ticket.ended_at


def claims(by: By, *, state: str = "running", place: Place | None = None) -> QuerySet[Claim]:
    """`state` is running, lapsed or all; of places that the viewer may see; newest first."""
    require(by, "lock.read")
    found: QuerySet[Claim] = Claim.objects.filter(seen_by(by)).order_by("-id")
    if state == "running":
        found = found.filter(finished_at=None, lease_until__gt=database_now())
    if state == "lapsed":
        found = found.filter(outcome=Claim.Outcome.LAPSED)
    return found.filter(of_pair(place)) if place else found


def claim(by: By, public_id: str | UUID) -> Claim:
    return by_id(by, Claim.objects.filter(known_to(by)), public_id, "claim")


def tickets(by: By, *, place: Place | None = None) -> QuerySet[Ticket]:
    """Those who wait at places that the viewer may see, in order of arrival."""
    require(by, "lock.read")
    found: QuerySet[Ticket] = Ticket.objects.waiting(database_now()).filter(seen_by(by))
    return found.filter(of_pair(place)) if place else found


def ticket(by: By, public_id: str | UUID) -> Ticket:
    return by_id(by, Ticket.objects.filter(known_to(by)), public_id, "ticket")


def by_id(by: By, rows: QuerySet[M], public_id: str | UUID, called: str) -> M:
    require(by, "lock.read")
    try:
        found = rows.filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no {called} with the id {public_id}.")
    return found


def known_to(by: By) -> Q:
    """What the viewer holds himself, and what is in places that he may see."""
    seen = seen_by(by)
    return seen and (seen | Q(holder_key=by.actor.key))


@dataclass(frozen=True)
class Standing:
    """One pair where somebody deploys or waits; `tickets` in order of arrival. Where nobody deploys, what the gate says."""

    service: str
    environment: str
    claim: Claim | None
    tickets: list[Ticket]
    decision: Decision | None


MOST = 500  # claims, and as many tickets, on one page


def standing(by: By, *, now: datetime | None = None) -> list[Standing]:
    """Every pair with a claim that runs or a line, the longest line first."""
    require(by, "lock.read")
    at = now or database_now()
    seen = seen_by(by)
    claims = Claim.objects.running(at).filter(seen).select_related("service", "environment").order_by("id")[:MOST]
    running = {(each.service_id, each.environment_id): each for each in claims}
    lines: dict[tuple[int | None, int | None], list[Ticket]] = {pair: [] for pair in running}
    for ticket in Ticket.objects.waiting(at).filter(seen).select_related("service", "environment")[:MOST]:
        lines.setdefault((ticket.service_id, ticket.environment_id), []).append(ticket)
    decisions = _of_the_gate((line[0] for pair, line in lines.items() if pair not in running), at)
    found = []
    for pair, line in lines.items():
        claim = running.get(pair)
        first = claim or line[0]
        found.append(Standing(first.service_identifier, first.environment_identifier, claim, line, decisions.get(pair)))
    return sorted(found, key=lambda each: -len(each.tickets))


def _of_the_gate(first: Iterable[Ticket], at: datetime) -> dict[tuple[int | None, int | None], Decision]:
    """By pair, of those that are still there."""
    places = [place_of(each.service, each.environment) for each in first if each.service and each.environment]
    return dict(decide_many(places, now=at).items())


def seen_by(by: By) -> Q:
    """Of pairs whose service and environment the viewer may see."""
    bounds = permissions.bounds(by)
    if bounds is None:
        return Q()
    known = Entity.objects.filter(bounds).values("pk")
    return Q(service__in=known, environment__in=known)


def seen_by_names(by: By) -> Q:
    """The same of rows that hold the names alone."""
    bounds = permissions.bounds(by)
    if bounds is None:
        return Q()
    known = Entity.objects.filter(bounds)
    services = known.filter(blueprint__identifier="service").values("identifier")
    environments = known.filter(blueprint__identifier="environment").values("identifier")
    return Q(service_identifier__in=services, environment_identifier__in=environments)


def line_beat() -> str:
    """Changes with every event, every sign of life, and when a lease runs out with nobody alive to close it."""
    at = database_now()
    claims, tickets = Claim.objects.running(at), Ticket.objects.waiting(at).order_by()
    ends = [found.aggregate(last=Max("lease_until"))["last"] for found in (claims, tickets)]
    return f"{audit.beat()}|{claims.count()}|{tickets.count()}|{ends}"


def waiting_by(ticket: Ticket) -> By:
    """Who waits, as the gate sees him."""
    kind = "user" if ticket.holder_kind == "user" else "credential"
    actor = Actor(kind, ticket.holder_key, ticket.holder_name, scopes=frozenset({"gate"}))  # type: ignore[arg-type]
    return By(actor, "clock")


def line_of(ticket: Ticket, place: Place, *, now: datetime | None = None) -> Line:
    at = now or database_now()
    waiting = list(Ticket.objects.waiting(at).filter(of_pair(place)).values_list("pk", flat=True))
    position = waiting.index(ticket.pk) + 1 if ticket.pk in waiting else 0
    decision = decide(place, by=waiting_by(ticket), intent=ticket.intent, run=ticket.run, now=at)
    return Line(ticket, position, decision.claim, decision, _starts_at(place, decision, position, at))


def _starts_at(place: Place, decision: Decision, position: int, at: datetime) -> datetime | None:
    """After whoever deploys now and those before; not before the gate opens."""
    usual = usual_length(place)
    if not position or (decision.denies and decision.next_open_at is None):
        return None
    if usual is None and (decision.claim or position > 1):
        return None
    each = usual or timedelta()
    left = max(each - (at - decision.claim.begun_at), timedelta()) if decision.claim else timedelta()
    return max(at + left, decision.next_open_at or at) + (position - 1) * each


def usual_length(place: Place) -> timedelta | None:
    """How long a deployment of the pair takes: the median of the last few that ended by themselves."""
    ended = Claim.objects.filter(of_pair(place), outcome__in=[Claim.Outcome.SUCCESS, Claim.Outcome.FAILURE])
    spans = [end - begin for begin, end in ended.order_by("-id").values_list("begun_at", "finished_at")[:ENOUGH] if end]
    return median(spans) if spans else None  # type: ignore[type-var]
