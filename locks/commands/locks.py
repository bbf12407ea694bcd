from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

from django.db import transaction

from locks import limits, reminders
from locks.decisions import at_least
from locks.models import Lock, RuleHold
from locks.scopes import Scope, scope_of
from portal.accounts import policy
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now, spoken
from portal.kit.errors import Conflict, Invalid
from portal.kit.locking import retried

DEFAULT: Literal["default"] = "default"
Until = datetime | None | Literal["default"]


@retried
@transaction.atomic
def lock_take(
    scope: Scope,
    *,
    reason: str,
    until: Until = DEFAULT,
    link: str = "",
    kind: str = Lock.Kind.MANUAL,
    effect: str = Lock.Effect.BLOCK,
    allows: Sequence[str] = (),
    steal: bool = False,
    automatic_by: str = "",
    now: datetime | None = None,
    by: By,
) -> Lock:
    """Locks the scope. `until` is an instant, None for open-ended, or the tier's default length.

    One of the same scope and kind already held is a Conflict with the holder, unless `steal`. `allows` names who passes
    all the same: rollbacks, its holder in person. One that stops less
    (a warning, or automation alone) stands beside the new one, and so does one that a rule took by itself: `automatic_by`
    is that rule's name. Missing when what it names has just been deleted. `now` is for tests.
    """
    require(by, "lock.take")
    reason = limits.check_reason(reason, tier="" if automatic_by else scope.strictest_tier)
    _check_choices(kind, effect, link)
    scope.hold()
    scope = scope.kept()
    now = now or database_now()
    if until == DEFAULT:
        until = now + limits.of(scope.strictest_tier).default
    limits.check_end(until, tier=scope.strictest_tier, now=now)
    same = Lock.objects.active(now).filter(kind=kind, effect__in=at_least(effect), **_same(scope))
    same = same.filter(holder_key=by.actor.key) if automatic_by else same.filter(automatic_by="")
    for held in same.select_for_update(of=("self",)):
        if not steal:
            raise already_locked(held, now)
        require(by, "lock.steal", holder=held.holder_key)
        _end(held, now, f"Taken over by {by.actor.name}: {reason}", by=by, stolen=True)
    lock: Lock = Lock.objects.create(
        kind=kind,
        effect=effect,
        allows=list(allows),
        reason=reason,
        link=link,
        created_at=now,
        starts_at=now,
        expires_at=until,
        automatic_by=automatic_by,
        remind_at=None if automatic_by else reminders.next_at(now, until, now=now),
        holder_kind=by.actor.holder_kind,
        holder_key=by.actor.key,
        holder_name=by.actor.name,
        **scope.columns(),
    )
    record("lock.taken", lock.noun(), by=by, after=lock.facts())
    return lock


@retried
@transaction.atomic
def lock_release(lock: Lock, *, reason: str = "", steal: bool = False, now: datetime | None = None, by: By) -> Lock:
    """Frees this very lock, no other. One that has ended already is answered as it is, without an event.

    Who is neither its holder nor an owner may `steal`: with a reason, and as a person.
    """
    lock = _held(lock)
    now = now or database_now()
    if not lock.is_active(now):
        return lock
    stolen = not policy.allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams())
    if stolen:
        verb = "lock.steal" if steal else "lock.release"
        require(by, verb, holder=lock.holder_key, teams=lock.owner_teams())
        limits.check_reason(reason)
    _end(lock, now, reason.strip(), by=by, stolen=stolen)
    return lock


@retried
@transaction.atomic
def lock_extend(lock: Lock, until: datetime | None, *, now: datetime | None = None, by: By) -> Lock:
    """Moves its end. A lock that has ended is a Conflict: take a new one."""
    scope_of(lock).hold()  # before the row, in the order of lock_take
    lock = _held(lock)
    require(by, "lock.extend", holder=lock.holder_key, teams=lock.owner_teams())
    now = now or database_now()
    if not lock.is_active(now):
        raise Conflict("This lock has ended. Take a new one.", code="lock_ended")
    limits.check_end(until, tier=scope_of(lock).strictest_tier, now=now)
    if until == lock.expires_at:
        return lock
    before = lock.facts()
    lock.expires_at = until
    lock.remind_at = reminders.next_at(lock.starts_at, until, now=now)
    lock.save(update_fields=["expires_at", "remind_at"])
    record("lock.extended", lock.noun(), by=by, before=before, after=lock.facts())
    return lock


@transaction.atomic
def lock_expiry_tell(lock_id: int, *, now: datetime) -> bool:
    """Writes the event of a lock that has run out by itself. Whoever is second finds it told."""
    lock = Lock.objects.select_for_update(skip_locked=True).filter(
        pk=lock_id, expires_at__lte=now, released_at=None, expiry_told_at=None
    )
    found = lock.first()
    if found is None:
        return False
    found.expiry_told_at = now
    found.save(update_fields=["expiry_told_at"])
    record("lock.expired", found.noun(), by=system("clock"), before=found.facts(), after=found.facts())
    return True


def lock_expiries_tell() -> int:
    """Tells of all that have run out; how many."""
    now = database_now()
    ids = Lock.objects.filter(expires_at__lte=now, released_at=None, expiry_told_at=None).values_list("pk", flat=True)
    return sum(lock_expiry_tell(pk, now=now) for pk in ids[:1000])


def already_locked(lock: Lock, now: datetime) -> Conflict:
    return Conflict(
        f"{lock.covers[0].upper()}{lock.covers[1:]} is already locked by {lock.holder_name} "
        f"until {spoken(lock.expires_at, now=now)}: {lock.reason}",
        code="already_locked",
        lock=lock,
    )


def _check_choices(kind: str, effect: str, link: str) -> None:
    if kind not in Lock.Kind.values:
        raise Invalid.at("kind", f"must be one of {', '.join(Lock.Kind.values)}")
    if effect not in Lock.Effect.values:
        raise Invalid.at("effect", f"must be one of {', '.join(Lock.Effect.values)}")
    if link and not limits.LINK.fullmatch(link):
        raise Invalid.at(
            "link", "must start with https:// or http://, without blanks, |, < and >, within 2,000 characters"
        )


def _same(scope: Scope) -> dict[str, Any]:
    columns = scope.columns()
    return {name: columns[name] for name in ("scope_kind", "service", "environment", "tier", "team")}


def _held(lock: Lock) -> Lock:
    """The row as it is now, kept from others until the transaction ends."""
    row: Lock = Lock.objects.select_for_update(of=("self",)).select_related("service", "environment").get(pk=lock.pk)
    return row


def _end(lock: Lock, now: datetime, reason: str, *, by: By, stolen: bool = False) -> None:
    before = lock.facts()
    lock.released_at, lock.released_by, lock.release_reason = now, by.actor.name, reason
    lock.save(update_fields=["released_at", "released_by", "release_reason"])
    if lock.automatic_by:
        RuleHold.objects.filter(lock=lock, ended_at=None).update(
            ended_at=now,
            release_at=None,
            ended_because=f"{by.actor.name}: {reason}" if reason else by.actor.name,
            by_hand=by.actor.key != lock.holder_key,
        )
    payload = {"stolen_from": lock.holder_key} if stolen else {}
    record("lock.released", lock.noun(), by=by, before=before, after=lock.facts(), payload=payload)
