"""What time does to environments: warnings, their end, and the brake where too many would end at once."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from catalog.models import Entity
from deployments.environments import rounds, terms
from deployments.environments.commands.brake import brake, sweep_close
from deployments.environments.commands.lives import give, held, tear_down
from deployments.environments.commands.told import tell
from deployments.environments.holds import hold
from deployments.environments.models import Environment, State, Sweep, Warning
from portal.accounts.models import User
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.locking import retried

Cause = Environment.Cause

# What is held is looked at so often: a lock may be released early.
LOOK_AGAIN = timedelta(minutes=1)
MOST = 1000


def environments_tick(now: datetime | None = None) -> None:
    """All that is due. Any number may run this at once, and often."""
    now = now or database_now()
    owners_hand_over()
    due = Environment.objects.filter(next_at__lte=now).exclude(state=State.EXPIRING).order_by("next_at")
    for pk in list(due.values_list("pk", flat=True)[:MOST]):
        environment_warn_or_expire(pk, now=now)
    teardowns_start(now)


@retried
@transaction.atomic
def environment_warn_or_expire(pk: int, *, now: datetime) -> str:
    """The name of the event that was written; empty where somebody else was first, or nothing is due any more."""
    environment = _held_if(Q(next_at__lte=now) & ~Q(state=State.EXPIRING), pk)
    if environment is None:
        return ""
    if environment.deadline <= now:
        expire(environment, Cause.EXPIRED, now, by=system("clock"))
        return "environment.expired"
    rounds.arm(environment, now)
    environment.save(update_fields=["next_at"])
    minutes = terms.warning_due(environment.deadline, environment.armed_at, now)
    if minutes is None:
        return ""
    _, is_new = Warning.objects.get_or_create(
        environment=environment, deadline=environment.deadline, minutes=minutes, defaults={"at": now}
    )
    if not is_new:
        return ""
    tell("environment.expiry_warned", environment, by=system("clock"), minutes=minutes)
    return "environment.expiry_warned"


def expire(environment: Environment, cause: Cause, now: datetime, *, by: By) -> None:
    """Held by the caller. Until its teardown begins an extension saves it."""
    before = environment.facts()
    if environment.state == State.ORPHAN_SUSPECTED:
        environment.suspicion = ""
    else:
        environment.resting = environment.state
    environment.state, environment.state_at, environment.cause = State.EXPIRING, now, cause
    environment.next_at = now
    environment.save()
    tell("environment.expired", environment, by=by, before=before, cause=cause)


def teardowns_start(now: datetime) -> int:
    """Begins the teardown of all whose time is over and that nothing holds; how many. None where that is a mass."""
    over = Environment.objects.filter(_over(now)).select_related("template", "owner")
    due = [each for each in over.order_by("next_at", "pk")[:MOST] if not (_is_early(each, now) and spare(each.pk, now))]
    free = [each for each in due if not _held(each, now)]
    if not free:
        sweep_close(Sweep.Kind.ENDS)
        return 0
    return sum(teardown_start(pk, now=now) for pk in brake(free, now))


@retried
@transaction.atomic
def teardown_start(pk: int, *, now: datetime) -> bool:
    """Either an extension or a lock came first, or nothing saves it any more."""
    environment = _held_if(_over(now), pk)
    if environment is None:
        return False
    if _is_early(environment, now):
        return False
    # A lock that is being taken keeps this row: who comes after it has to see the lock.
    list(Entity.objects.select_for_update(no_key=True).filter(pk__in=[environment.entity_id]).values_list("pk"))
    if _held(environment, now):
        return False
    tear_down(environment, environment.cause, now, by=system("clock"))
    return True


def _is_early(environment: Environment, now: datetime) -> bool:
    """It was found to be over by a clock that was ahead."""
    return environment.cause == Cause.EXPIRED and environment.deadline > now


@retried
@transaction.atomic
def spare(pk: int, now: datetime) -> bool:
    """Its time is not over, after all."""
    environment = _held_if(_over(now), pk)
    if environment is None or not _is_early(environment, now):
        return False
    before = environment.facts()
    rounds.back(environment, now)
    rounds.arm(environment, now)
    environment.save()
    tell("environment.spared", environment, by=system("clock"), before=before)
    return True


def _held(environment: Environment, now: datetime) -> bool:
    """Writes down what holds it, and when to look again."""
    found = hold(environment, now)
    if found is None:
        return False
    again = min(now + LOOK_AGAIN, environment.hard_until, found.until or environment.hard_until)
    Environment.objects.filter(pk=environment.pk, state=State.EXPIRING).update(
        held_by=found.why, held_until=found.until, next_at=max(again, now + timedelta(seconds=1))
    )
    return True


def owners_hand_over() -> int:
    """Those of people who have left go to the fallback owner, else to the team; how many."""
    gone = Q(owner__is_active=False) | Q(owner=None) & ~Q(owner_name="")
    left = Environment.objects.living().filter(gone)
    return sum(owner_hand_over(pk) for pk in list(left.values_list("pk", flat=True)[:MOST]))


@retried
@transaction.atomic
def owner_hand_over(pk: int) -> bool:
    environment = held(Environment(pk=pk))
    owner, fallback = environment.owner, environment.fallback_owner
    if not environment.is_living or (owner and owner.is_active) or not (owner or environment.owner_name):
        return False
    heir: User | None = fallback if fallback and fallback.is_active else None
    give(environment, heir, None, by=system("clock"))
    return True


def _over(now: datetime) -> Q:
    """To be looked at. It is never put off for long: what lies far ahead was written before a clock was set back."""
    return Q(state=State.EXPIRING) & (Q(next_at__lte=now) | Q(next_at__gt=now + 2 * LOOK_AGAIN))


def _held_if(condition: Q, pk: int) -> Environment | None:
    rows = Environment.objects.select_for_update(skip_locked=True, of=("self",))
    found: Environment | None = rows.select_related("template", "owner").filter(condition, pk=pk).first()
    return found
