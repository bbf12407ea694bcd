"""The waiting line of a pair: who came first goes first, as long as he still gives signs of life."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog import queries as catalog
from catalog.queries import Place
from locks import queries, scopes
from locks.decisions import check_intent
from locks.leases import LEASE, check_lease
from locks.models import Claim, Ticket, of_pair
from locks.queries import Line
from locks.runs import Run
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Conflict
from portal.kit.locking import retried


@retried
@transaction.atomic
def ticket_join(
    place: Place,
    run: Run,
    *,
    intent: str = "deploy",
    commit: str = "",
    version: str = "",
    lease: timedelta = LEASE,
    by: By,
) -> Line:
    """Joins the line at its end, or, for a run that stands in it, says that it still waits (each 20 seconds or so).

    Anybody may wait, for a lock or a freeze as well; the answer says whether it is this one's turn to begin.
    """
    require(by, "claim.hold")
    check_intent(intent)
    check_lease(lease)
    place = scopes.hold(place)
    now = database_now()
    line_close(place, now)
    ticket = Ticket.objects.waiting(now).filter(of_pair(place), run=run.key).first()
    if ticket and ticket.holder_key != by.actor.key:
        raise Conflict(f"{ticket.holder_name} waits in the name of this run already.", code="not_yours")
    if ticket:
        _renew(ticket, now)
    else:
        wish = {"intent": intent, "commit": commit, "version": version, "lease": lease}
        ticket = _join(place, run, wish, now, by)
    line_advance(place, now)
    ticket.refresh_from_db()
    return queries.line_of(ticket, place, now=now)


def _join(place: Place, run: Run, wish: dict[str, Any], now: datetime, by: By) -> Ticket:
    ticket = Ticket(
        service_id=place.service_id,
        service_identifier=place.service,
        environment_id=place.environment_id,
        environment_identifier=place.environment,
        run=run.key,
        run_url=run.url,
        holder_kind=by.actor.holder_kind,
        holder_key=by.actor.key,
        holder_name=by.actor.name,
        arrived_at=now,
        lease_until=now + wish["lease"],
        **wish,
    )
    ticket.save(force_insert=True)
    record("ticket.joined", ticket.noun(), by=by, after=ticket.facts())
    return ticket


def _renew(ticket: Ticket, now: datetime) -> None:
    """Who does not take his turn loses it: it is not kept by asking again."""
    ends = now + ticket.lease
    ticket.lease_until = min(ends, ticket.ready_at + Ticket.TURN) if ticket.ready_at else ends
    ticket.save(update_fields=["lease_until"])


@retried
@transaction.atomic
def ticket_withdraw(ticket: Ticket, *, by: By) -> Ticket:
    """Leaves the line. Twice is once."""
    require(by, "claim.hold")
    held: Ticket = Ticket.objects.select_for_update().get(pk=ticket.pk)
    if held.holder_key != by.actor.key and not by.actor.is_admin:
        raise Conflict(f"This ticket is {held.holder_name}'s.", code="not_yours")
    if not held.ended_at:
        _end(held, Ticket.Ending.WITHDRAWN, database_now(), None, by)
    return held


def line_close(place: Place, now: datetime) -> None:
    """Takes those out of the pair's line who give no signs of life. The pair is held."""
    lapsed = Ticket.objects.lapsed(now).filter(of_pair(place))
    tickets_close(lapsed, Ticket.Ending.LAPSED, now, None, system("clock"))


def tickets_close(tickets: Iterable[Ticket], ending: str, now: datetime, claim: Claim | None, by: By) -> None:
    keys = [each.pk for each in tickets]
    for ticket in Ticket.objects.filter(pk__in=keys, ended_at=None).order_by("pk").select_for_update():
        if ending != Ticket.Ending.LAPSED or ticket.lease_until <= now:
            _end(ticket, ending, now, claim, by)


def _end(ticket: Ticket, ending: str, now: datetime, claim: Claim | None, by: By) -> None:
    before = ticket.facts()
    ticket.ended_at, ticket.ending, ticket.claim = now, ending, claim
    ticket.save(update_fields=["ended_at", "ending", "claim"])
    record(f"ticket.{ending}", ticket.noun(), by=by, before=before, after=ticket.facts())


def line_advance(place: Place, now: datetime) -> None:
    """Tells the first in line that it is his turn, or that it is no longer: the gate is asked again. The pair is held."""
    first = Ticket.objects.waiting(now).filter(of_pair(place)).first()
    if first is None:
        return
    open_now = not queries.decide(
        place, by=queries.waiting_by(first), intent=first.intent, run=first.run, now=now
    ).stops
    if open_now == bool(first.ready_at):
        return
    before = first.facts()
    first.ready_at = now if open_now else None
    first.lease_until = now + first.lease  # from when it is told
    first.save(update_fields=["ready_at", "lease_until"])
    name = "ticket.ready" if open_now else "ticket.held_up"
    record(name, first.noun(), by=system("clock"), before=before, after=first.facts())


@retried
@transaction.atomic
def pair_advance(service_id: int, environment_id: int) -> None:
    """Closes what has lapsed at the pair and tells the first in line, when something may have opened."""
    place = catalog.place_by_keys(service_id, environment_id)
    if place:
        place = scopes.hold(place)
        now = database_now()
        line_close(place, now)
        line_advance(place, now)


def lines_advance() -> int:
    """All lines there are; how many."""
    standing = Ticket.objects.filter(ended_at=None, service__isnull=False, environment__isnull=False).order_by()
    pairs = sorted(set(standing.values_list("service_id", "environment_id")))
    for service_id, environment_id in pairs:
        pair_advance(service_id, environment_id)
    return len(pairs)
