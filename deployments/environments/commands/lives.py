"""What people do to an environment that is here."""

from datetime import datetime, timedelta

from django.db import transaction

from deployments.environments import rounds, terms
from deployments.environments.commands.told import tell
from deployments.environments.holds import lock_on
from deployments.environments.models import GOING, TIMED, Environment, State
from portal.accounts.models import User
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now, in_words
from portal.kit.errors import Conflict, Invalid, PortalError
from portal.kit.locking import retried

Phase, Cause = Environment.Phase, Environment.Cause


@retried
@transaction.atomic
def environment_extend(
    environment: Environment, ttl: timedelta | None = None, *, reason: str = "", now: datetime | None = None, by: By
) -> Environment:
    """It lives for `ttl` from now on (the template's usual length without one), at most to its hard cap.

    One that is expiring is saved by it. Raises Conflict for one that is being torn down or would live no longer,
    Invalid for a length that is not allowed, or without a reason past the soft cap.
    """
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    _check_timed(environment)
    if len(reason) > terms.LONGEST_REASON:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    before = environment.facts()
    environment.expires_at = terms.extended_end(environment, ttl, reason, now)
    _rearm(environment, now)
    tell("environment.extended", environment, by=by, before=before, reason=reason.strip())
    return environment


@retried
@transaction.atomic
def environment_pin(
    environment: Environment, until: datetime, *, reason: str, now: datetime | None = None, by: By
) -> Environment:
    """It does not run out before `until`, which lies before its hard cap. It takes a reason."""
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    _check_timed(environment)
    reason = terms.check_reason(reason, "say why it is pinned")
    if until <= now:
        raise Invalid.at("until", "must be in the future")
    if until > environment.hard_until:
        cap = in_words(environment.template.hard_cap)
        raise Invalid.at(
            "until", f"{environment.template} allows {cap} in all: to {environment.hard_until:%Y-%m-%d %H:%M} UTC"
        )
    before = environment.facts()
    environment.pinned_until, environment.pin_reason = until, reason
    _rearm(environment, now)
    tell("environment.pinned", environment, by=by, before=before, reason=reason)
    return environment


@retried
@transaction.atomic
def environment_unpin(environment: Environment, *, now: datetime | None = None, by: By) -> Environment:
    """It runs out when it would have. One that is not pinned is answered as it is."""
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    _check_timed(environment)
    if environment.pinned_until is None:
        return environment
    before = environment.facts()
    environment.pinned_until, environment.pin_reason = None, ""
    environment.armed_at = now
    rounds.arm(environment, now)
    environment.save(update_fields=["pinned_until", "pin_reason", "armed_at", "next_at"])
    tell("environment.unpinned", environment, by=by, before=before)
    return environment


@retried
@transaction.atomic
def environment_sleep(environment: Environment, *, now: datetime | None = None, by: By) -> Environment:
    """Its provider is asked to put it to sleep; it is asleep when that is done. Conflict for one that is not ready."""
    return _phase(environment, Phase.SLEEP, State.READY, now, by)


@retried
@transaction.atomic
def environment_wake(environment: Environment, *, now: datetime | None = None, by: By) -> Environment:
    """The other way round. Conflict for one that is not asleep."""
    return _phase(environment, Phase.WAKE, State.ASLEEP, now, by)


@retried
@transaction.atomic
def environment_retry(environment: Environment, *, now: datetime | None = None, by: By) -> Environment:
    """One that could not be provisioned is tried once more, on the same clock; a teardown that fails, now."""
    if held(environment).state == State.TEARDOWN_FAILED:
        return _sooner(environment, now, by)
    return _phase(environment, Phase.PROVISION, State.PROVISION_FAILED, now, by)


@retried
@transaction.atomic
def environment_teardown(
    environment: Environment, *, reason: str = "", now: datetime | None = None, by: By
) -> Environment:
    """It is torn down now; it is gone when its provider, asked twice, says so. Asking again is answered as it is.

    Raises Conflict while somebody holds a lock on it, up to its hard cap.
    """
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    if not environment.is_living or environment.state in GOING:
        return environment
    lock = lock_on(environment, now) if now < environment.hard_until else None
    if lock:
        raise Conflict(
            f"{lock.holder_name} holds a lock on {environment}: {lock.reason}. Release it first.",
            code="locked_environment",
            lock=str(lock.public_id),
        )
    if len(reason) > terms.LONGEST_REASON:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    cause = Cause.ORPHAN if environment.state == State.ORPHAN_SUSPECTED else Cause.ASKED
    tear_down(environment, cause, now, reason=reason.strip(), by=by)
    return environment


@retried
@transaction.atomic
def environment_hand_over(
    environment: Environment, owner: User, *, fallback: User | None = None, now: datetime | None = None, by: By
) -> Environment:
    """Another person answers for it from now on."""
    environment = held(environment)
    require_change(by, environment)
    if not environment.is_living:
        raise Conflict(f"{environment} is gone.", code="torn_down")
    for path, person in (("owner", owner), ("fallback_owner", fallback)):
        if person and not person.is_active:
            raise Invalid.at(path, f"{person} is not active any more")
    if (environment.owner_id, environment.fallback_owner_id) == (owner.pk, fallback.pk if fallback else None):
        return environment
    give(environment, owner, fallback, by=by)
    return environment


def give(environment: Environment, owner: User | None, fallback: User | None, *, by: By) -> None:
    """Held by the caller. Without an owner it is its team's."""
    before = environment.facts()
    environment.owner, environment.owner_name, environment.fallback_owner = owner, str(owner or ""), fallback
    environment.save(update_fields=["owner", "owner_name", "fallback_owner"])
    tell("environment.handed_over", environment, by=by, before=before, **{"from": before["owner"]})


def tear_down(environment: Environment, cause: str, now: datetime, *, reason: str = "", by: By) -> None:
    """Held by the caller. From here on nothing saves it."""
    before = environment.facts()
    environment.state, environment.state_at, environment.resting = State.TEARING_DOWN, now, ""
    environment.cause, environment.teardown_at = cause, now
    environment.teardown_by, environment.teardown_reason = by.actor.name, reason
    environment.held_by, environment.held_until, environment.next_at = "", None, None
    environment.attempt, environment.last_error = 0, ""
    rounds.begin(environment, Phase.TEARDOWN, now)
    environment.save()
    tell("environment.teardown_started", environment, by=by, before=before, cause=cause, reason=reason)


def held(environment: Environment) -> Environment:
    """The row as it is now, kept from others until the transaction ends."""
    rows = Environment.objects.select_for_update(of=("self",)).select_related("template", "owner", "fallback_owner")
    row: Environment = rows.get(pk=environment.pk)
    return row


def require_change(by: By, environment: Environment) -> None:
    """Its owner, its team and administrators may; and the program that asked for it, whoever its owner is."""
    teams = [environment.team] if environment.team else []
    asked = by.actor.kind == "credential" and by.actor.key == environment.requested_key
    holder = environment.requested_key if asked else environment.owner_key
    require(by, "environment.change", holder=holder, teams=teams)


def _check_timed(environment: Environment) -> None:
    if environment.state not in TIMED:
        raise gone(environment)


def gone(environment: Environment) -> PortalError:
    if not environment.is_living:
        return Conflict(f"{environment} is gone. It can be made anew.", code="torn_down")
    if environment.state in GOING:
        return Conflict(f"{environment} is being torn down. It can be made anew afterwards.", code="tearing_down")
    return Conflict(f"{environment} is suspected to be an orphan: decide about that first.", code="orphan_suspected")


def _rearm(environment: Environment, now: datetime) -> None:
    """Its deadline has moved: who was warned is warned again, and what was expiring is saved."""
    if environment.state == State.EXPIRING and environment.deadline > now:
        rounds.back(environment, now)
    environment.armed_at = now
    rounds.arm(environment, now)
    environment.save()


def _sooner(environment: Environment, now: datetime | None, by: By) -> Environment:
    """Its next step is due at once, whatever its back-off says; the tries that were count on."""
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    if environment.work_at is None or environment.work_at <= now:
        return environment
    before = environment.facts()
    environment.work_at = now
    environment.save(update_fields=["work_at"])
    rounds.rouse()
    tell("environment.teardown_retried", environment, by=by, before=before)
    return environment


def _phase(
    environment: Environment, phase: Environment.Phase, needs: State, now: datetime | None, by: By
) -> Environment:
    environment = held(environment)
    require_change(by, environment)
    now = now or database_now()
    if phase != Phase.PROVISION and not environment.template.can_sleep:
        raise Conflict(f"{environment.template} knows no sleep.", code="no_sleep")
    if environment.state != needs or environment.phase:
        doing = f", {environment.phase} is going on" if environment.phase else ""
        raise Conflict(f"{environment} is {environment.get_state_display()}{doing}: try again later.", code="not_now")
    before = environment.facts()
    environment.attempt, environment.last_error = 0, ""
    rounds.begin(environment, phase, now)
    if phase == Phase.PROVISION:
        rounds.turn(environment, State.PROVISIONING, now)
        rounds.arm(environment, now)
    environment.save()
    name = {Phase.SLEEP: "sleep_asked", Phase.WAKE: "wake_asked", Phase.PROVISION: "provision_retried"}[phase]
    tell(f"environment.{name}", environment, by=by, before=before)
    return environment
