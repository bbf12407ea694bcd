"""The brake: where one pass would take too many, it takes none, and an administrator is asked, once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from deployments.environments.models import Environment, State, Sweep
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Conflict
from portal.kit.locking import advisory_lock, retried

Cause, Kind = Environment.Cause, Sweep.Kind

# So few are no mass, whatever share they are.
FEW = 3
# Teardowns of so long count as one pass, lest many small ones pass the brake.
WINDOW = timedelta(minutes=10)
# So long what an administrator let go on may go.
LET_GO = timedelta(days=1)


@retried
@transaction.atomic
def brake(free: Sequence[Environment], now: datetime, kind: Sweep.Kind = Kind.ENDS) -> list[int]:
    """The keys of those that may go. Where they are too many for one pass none may, but for what was let go."""
    advisory_lock("environments brake")
    living = Environment.objects.living().count()
    released = Sweep.objects.filter(kind=kind, state=Sweep.State.RELEASED, decided_at__gt=now - LET_GO)
    let_go = {name for each in released for name in each.held}
    allowed = [each.pk for each in free if str(each.public_id) in let_go]
    others = [each for each in free if str(each.public_id) not in let_go]
    standing = Sweep.objects.select_for_update().filter(kind=kind, state=Sweep.State.BRAKED).first()
    reason = too_many(len(others), _lately(now, let_go) if kind == Kind.ENDS else 0, living)
    if others and (standing or reason):
        _hold_back(kind, standing, [str(each.public_id) for each in others], living, reason)
        return allowed
    return [*allowed, *(each.pk for each in others)]


def _lately(now: datetime, let_go: set[str]) -> int:
    by_itself = Environment.objects.filter(teardown_at__gt=now - WINDOW, cause__in=[Cause.EXPIRED, Cause.PR_CLOSED])
    number: int = by_itself.exclude(public_id__in=let_go).count()
    return number


def too_many(now: int, lately: int, living: int) -> str:
    """Why so many in one pass are held, or nothing. `living` are those that have not been torn down."""
    going, most, percent = now + lately, settings.ENVIRONMENT_BRAKE, settings.ENVIRONMENT_BRAKE_PERCENT
    if going > most:
        return f"{going} environments would go in one pass; {most} may."
    if now > FEW and 100 * now > percent * living:
        return f"{now} of {living} environments would go in one pass; {percent} % may."
    return ""


def _hold_back(kind: Sweep.Kind, standing: Sweep | None, names: list[str], living: int, reason: str) -> None:
    if standing:
        fresh = [name for name in names if name not in standing.held]
        if fresh:
            standing.held = [*standing.held, *fresh]
            standing.save(update_fields=["held"])
        return
    sweep = Sweep.objects.create(kind=kind, held=names, living=living, reason=reason)
    payload = {"environments": names[:100], "held": len(names)}
    record("sweep.braked", sweep.noun(), by=system("clock"), after=sweep.facts(), payload=payload)


@transaction.atomic
def sweep_close(kind: Sweep.Kind) -> None:
    """What it held has been extended, is gone, or was seen again: nobody has to decide any more."""
    standing = Sweep.objects.select_for_update().filter(kind=kind, state=Sweep.State.BRAKED).first()
    if standing is None:
        return
    # What somebody looks at just now waits all the same.
    if kind == Kind.ENDS and Environment.objects.filter(public_id__in=standing.held, state=State.EXPIRING).exists():
        return
    before = standing.facts()
    standing.state = Sweep.State.OVER
    standing.save(update_fields=["state"])
    record("sweep.ended", standing.noun(), by=system("clock"), before=before, after=standing.facts())


@retried
@transaction.atomic
def sweep_release(sweep: Sweep, *, now: datetime | None = None, by: By) -> Sweep:
    """What it holds goes, as far as it is still due. Raises Conflict where it is decided."""
    require(by, "sweep.release")
    advisory_lock("environments brake")
    sweep = Sweep.objects.select_for_update().get(pk=sweep.pk)
    if sweep.state != Sweep.State.BRAKED:
        who = f" {sweep.decided_by} has decided." if sweep.decided_by else ""
        raise Conflict(f"This sweep waits for nobody.{who}", code="decided")
    before = sweep.facts()
    sweep.state, sweep.decided_at, sweep.decided_by = Sweep.State.RELEASED, now or database_now(), by.actor.name
    sweep.save(update_fields=["state", "decided_at", "decided_by"])
    record("sweep.released", sweep.noun(), by=by, before=before, after=sweep.facts())
    return sweep
