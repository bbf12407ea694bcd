"""The exclusive right to deploy. Whoever holds a claim says so again and again, or has lost it when its lease ends."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from catalog.queries import Place
from locks import queries, scopes
from locks.commands.gate import keep
from locks.commands.overrides import override_use
from locks.commands.tickets import line_close, tickets_close
from locks.decisions import Decision
from locks.leases import LEASE, check_lease
from locks.models import Claim, Override, Ticket, of_pair
from locks.runs import Run
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid
from portal.kit.locking import retried


@dataclass(frozen=True)
class Begun:
    """The claim, or the decision that stood in its way. `fresh` is False for a run that had it already."""

    decision: Decision
    claim: Claim | None = None
    fresh: bool = False


@retried
@transaction.atomic
def claim_begin(
    place: Place,
    run: Run,
    *,
    intent: str = "deploy",
    commit: str = "",
    version: str = "",
    lease: timedelta = LEASE,
    override: Override | None = None,
    by: By,
) -> Begun:
    """Takes the pair for this run, if the gate is open, nobody deploys and nobody has waited for longer.

    The same run asking again gets the claim it has, with a fresh lease: its first answer may have been lost.
    Raises Refused (also for an override that opens nothing), Invalid, Conflict.
    """
    require(by, "claim.hold")
    check_lease(lease)
    place = scopes.hold(place)
    now = database_now()
    claims_close(place, now)
    line_close(place, now)
    mine = Claim.objects.running(now).select_for_update().filter(of_pair(place), run=run.key).first()
    if mine:
        return _again(mine, now, place, intent, by)
    # At this same instant: a lease that ends a moment later was not closed above.
    decision = queries.decide(place, by=by, intent=intent, run=run.key, commit=commit, override=override, now=now)
    if override and decision.override and not decision.stops:
        override_use(override, run, now=now)
    if decision.outcome == "wait":
        return Begun(decision)  # it will ask again and again
    kept = keep(decision, commit=commit, run=run, by=by)
    if decision.denies:
        return Begun(decision)
    claim = Claim(
        service_id=place.service_id,
        service_identifier=place.service,
        environment_id=place.environment_id,
        environment_identifier=place.environment,
        run=run.key,
        run_url=run.url,
        holder_kind=by.actor.holder_kind,
        holder_key=by.actor.key,
        holder_name=by.actor.name,
        intent=intent,
        commit=commit,
        version=version,
        fence=_next_fence(),
        lease=lease,
        lease_until=now + lease,
        begun_at=now,
        heartbeat_at=now,
        decision=kept,
        override=decision.override,
    )
    claim.save(force_insert=True)
    record("claim.begun", claim.noun(), by=by, after=claim.facts())
    tickets_close(Ticket.objects.waiting(now).filter(of_pair(place), run=run.key), Ticket.Ending.BEGUN, now, claim, by)
    return Begun(decision, claim, fresh=True)


def _again(claim: Claim, now: datetime, place: Place, intent: str, by: By) -> Begun:
    _require_own(claim, by)
    decision = queries.decide(place, by=by, intent=intent, run=claim.run, now=now)
    if not claim.revoked_at:
        _renew(claim, now)
    return Begun(decision, claim)


def claim_heartbeat(claim: Claim, fence: int, *, by: By) -> Claim:
    """A sign of life, good for another lease. No event: nothing has changed. Conflict `lease_lost`: stop deploying."""
    claim = _heartbeat(claim, fence, by)
    if claim.finished_at or claim.revoked_at:
        raise lease_lost(claim)
    return claim


@retried
@transaction.atomic
def _heartbeat(claim: Claim, fence: int, by: By) -> Claim:
    scopes.hold_pair(claim.service_id, claim.environment_id)  # as at the end: it may find the lease over
    claim, now = _held(claim, fence, by)
    if not claim.finished_at and not claim.revoked_at:
        _renew(claim, now)
    return claim


def claim_finish(claim: Claim, fence: int, outcome: str, *, by: By) -> Claim:
    """Frees the pair. Twice is once, with the same answer. Who comes after the lease has ended is told so (Conflict
    `lease_lost`), and that it came is kept: two may have been deploying at once."""
    if outcome not in Claim.REPORTED:
        raise Invalid.at("outcome", f"must be one of {', '.join(Claim.REPORTED)}")
    claim = _finish(claim, fence, outcome, by)
    if claim.outcome == Claim.Outcome.LAPSED:
        raise lease_lost(claim)
    if claim.outcome != outcome:
        raise Conflict(f"This claim has already ended with {claim.outcome}.", code="already_finished")
    return claim


@retried
@transaction.atomic
def _finish(claim: Claim, fence: int, outcome: str, by: By) -> Claim:
    # With the pair held, or the next could begin by an instant from before this one's end.
    scopes.hold_pair(claim.service_id, claim.environment_id)
    claim, now = _held(claim, fence, by)
    if claim.outcome == Claim.Outcome.LAPSED and not claim.late_at:
        before = claim.facts()
        claim.late_at = now
        claim.save(update_fields=["late_at"])
        overlaps = Claim.objects.filter(service=claim.service_id, environment=claim.environment_id, pk__gt=claim.pk)
        payload = {"outcome": outcome, "overlaps": [str(each.public_id) for each in overlaps.order_by("pk")[:10]]}
        record("claim.came_late", claim.noun(), by=by, before=before, after=claim.facts(), payload=payload)
    elif not claim.finished_at:
        _end(claim, now, outcome, by)
    return claim


@retried
@transaction.atomic
def claim_revoke(claim: Claim, *, by: By) -> Claim:
    """Tells a deployment to stop: its next sign of life is refused. The pair stays taken until its lease ends, because
    until then it may be at work. One that has ended is answered as it is."""
    claim = Claim.objects.select_for_update(of=("self",)).select_related("service", "environment").get(pk=claim.pk)
    teams = [team for each in (claim.service, claim.environment) if each for team in each.team]
    require(by, "claim.revoke", holder=claim.holder_key, teams=teams)
    now = database_now()
    if claim.finished_at or claim.revoked_at or claim.lease_until <= now:
        return claim
    before = claim.facts()
    claim.revoked_at, claim.revoked_by = now, by.actor.name
    claim.save(update_fields=["revoked_at", "revoked_by"])
    record("claim.revoked", claim.noun(), by=by, before=before, after=claim.facts())
    return claim


def lease_lost(claim: Claim) -> Conflict:
    return Conflict(
        f"The claim of {claim.where} is lost: "
        + (f"{claim.revoked_by} revoked it" if claim.revoked_at else "its lease ran out")
        + ". Stop deploying; another may have begun.",
        code="lease_lost",
        claim=str(claim.public_id),
    )


def claims_close(place: Place, now: datetime) -> None:
    """Closes the pair's claim whose lease has run out, before another may begin. The pair is held."""
    for claim in Claim.objects.lapsed(now).filter(of_pair(place)).select_for_update():
        _end(claim, now, Claim.Outcome.LAPSED, system("clock"))


@transaction.atomic
def claim_lapse(pk: int, *, now: datetime) -> bool:
    """Closes one whose lease has run out, for the clock. Whoever is second finds it closed."""
    due = Claim.objects.filter(pk=pk).values_list("service_id", "environment_id").first()
    if due:
        scopes.hold_pair(*due)
    claim = Claim.objects.lapsed(now).select_for_update().filter(pk=pk).first()
    if claim:
        _end(claim, now, Claim.Outcome.LAPSED, system("clock"))
    return claim is not None


def claims_lapse() -> int:
    now = database_now()
    due = list(Claim.objects.lapsed(now).values_list("pk", flat=True)[:1000])
    return sum(claim_lapse(pk, now=now) for pk in due)


def _held(claim: Claim, fence: int, by: By) -> tuple[Claim, datetime]:
    """The claim as it is now, kept from others, closed if its lease has run out. Only this very claim, by its own fence."""
    held: Claim = Claim.objects.select_for_update().get(pk=claim.pk)
    _require_own(held, by)
    if fence != held.fence:
        raise Conflict(f"The fence of this claim is {held.fence}, not {fence}.", code="old_fence", fence=held.fence)
    now = database_now()  # after the wait for the row
    if not held.finished_at and held.lease_until <= now:
        _end(held, now, Claim.Outcome.LAPSED, system("clock"))
    return held, now


def _require_own(claim: Claim, by: By) -> None:
    require(by, "claim.hold")
    if claim.holder_key != by.actor.key:
        raise Conflict(
            f"This run's claim is held by {claim.holder_name}; {by.actor.name} cannot speak for it.", code="not_yours"
        )


def _renew(claim: Claim, now: datetime) -> None:
    claim.heartbeat_at, claim.lease_until = now, now + claim.lease
    claim.save(update_fields=["heartbeat_at", "lease_until"])


def _end(claim: Claim, now: datetime, outcome: str, by: By) -> None:
    before = claim.facts()
    lapsed = outcome == Claim.Outcome.LAPSED
    claim.finished_at, claim.outcome = claim.lease_until if lapsed else now, outcome
    claim.save(update_fields=["finished_at", "outcome"])
    record("claim.lapsed" if lapsed else "claim.finished", claim.noun(), by=by, before=before, after=claim.facts())


def _next_fence() -> int:
    """Never given twice and never lower than before: drawn while the pair is held, so in the order of the grants."""
    with connection.cursor() as cursor:
        cursor.execute("select nextval('locks_fence')")
        fence: int = cursor.fetchone()[0]
        return fence
