from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import F, Q

from locks import schedules
from locks.models import Freeze, Window
from locks.scopes import Scope, scope_of
from locks.wishes import FreezeWish
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Invalid
from portal.kit.locking import retried

# Windows are laid this far ahead, and again when less than that is left.
HORIZON = timedelta(days=750)
SPARE = timedelta(days=700)


@retried
@transaction.atomic
def freeze_create(scope: Scope, wish: FreezeWish, *, by: By) -> Freeze:
    """A claim that runs when a window begins may finish. Raises Refused, Invalid, Missing."""
    scope.hold()
    scope = scope.kept()
    # A credential may freeze what it may lock, and answers for it as the holder.
    holder = "" if by.actor.is_person else by.actor.key
    require(by, "freeze.write", holder=holder, teams=scope.owner_teams())
    now = database_now()
    freeze = Freeze(
        **wish.columns,
        known_until=now,
        told_until=now,
        holder_kind=by.actor.holder_kind,
        holder_key=by.actor.key,
        holder_name=by.actor.name,
        **scope.columns(),
    )
    freeze.save()
    _lay(freeze, now)
    record("freeze.created", freeze.noun(), by=by, after=freeze.facts())
    return freeze


@retried
@transaction.atomic
def freeze_change(freeze: Freeze, wish: FreezeWish, *, seen: str = "", by: By) -> Freeze:
    """What it covers stays: another scope is another freeze. The same again is no event.

    `seen` is the edition that the wish was made from; Conflict when another has changed it since.
    """
    scope_of(freeze).hold()
    freeze = _held(freeze)
    require(by, "freeze.write", holder=freeze.holder_key, teams=freeze.owner_teams())
    if freeze.withdrawn_at:
        raise Conflict("This freeze has been withdrawn. Make a new one.", code="freeze_withdrawn")
    if seen and seen != freeze.edition:
        raise Conflict("Somebody has changed this freeze meanwhile. Open it again and look.", code="freeze_changed")
    before = freeze.facts()
    for name, value in wish.columns.items():
        setattr(freeze, name, value)
    if freeze.facts() == before:
        return freeze
    freeze.save(update_fields=[*wish.columns])
    _lay(freeze, database_now())
    record("freeze.changed", freeze.noun(), by=by, before=before, after=freeze.facts())
    return freeze


@retried
@transaction.atomic
def freeze_withdraw(freeze: Freeze, *, by: By) -> Freeze:
    """Ends it for good. One that is withdrawn already is answered as it is, without an event."""
    freeze = _held(freeze)
    require(by, "freeze.write", holder=freeze.holder_key, teams=freeze.owner_teams())
    if freeze.withdrawn_at:
        return freeze
    before = freeze.facts()
    freeze.withdrawn_at, freeze.withdrawn_by = database_now(), by.actor.name
    freeze.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record("freeze.withdrawn", freeze.noun(), by=by, before=before, after=freeze.facts())
    return freeze


def freezes_lay() -> int:
    """Lays the windows of all whose horizon has come near; how many freezes that were."""
    now = database_now()
    due = Freeze.objects.filter(withdrawn_at=None, known_until__lt=now + SPARE).values_list("pk", flat=True)
    return sum(_lay_again(pk, now) for pk in due[:1000])


@transaction.atomic
def _lay_again(pk: int, now: datetime) -> bool:
    freeze = Freeze.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, withdrawn_at=None).first()
    if freeze:
        _lay(freeze, now)
    return freeze is not None


def _lay(freeze: Freeze, now: datetime) -> None:
    """Writes the windows that have not ended anew, as far as the horizon."""
    until = now + HORIZON
    windows = freeze.windows(now, until)
    if len(windows) > schedules.MOST:
        raise Invalid.at("rrule", f"comes {len(windows)} times in two years; {schedules.MOST} are allowed")
    freeze.laid.filter(ends_at__gt=now).delete()
    Window.objects.bulk_create(windows)
    freeze.known_until = until
    freeze.save(update_fields=["known_until"])


def freezes_tell() -> int:
    """Writes the events of windows that have begun or ended since they were last told of; of how many freezes."""
    now = database_now()
    told = F("freeze__told_until")
    passed = Q(starts_at__gt=told, starts_at__lte=now) | Q(ends_at__gt=told, ends_at__lte=now)
    due = Window.objects.filter(passed, freeze__withdrawn_at=None).values_list("freeze_id", flat=True)
    return sum(_tell(pk, now) for pk in sorted(set(due[:1000])))


@transaction.atomic
def _tell(pk: int, now: datetime) -> bool:
    """Whoever is second finds it told."""
    freeze = Freeze.objects.select_for_update(skip_locked=True, of=("self",)).filter(pk=pk, withdrawn_at=None).first()
    if freeze is None or freeze.told_until >= now:
        return False
    last = freeze.laid.filter(starts_at__lte=now, ends_at__gt=freeze.told_until).order_by("-starts_at").first()
    freeze.told_until = now
    freeze.save(update_fields=["told_until"])
    if last is None:
        return False
    # One event for each noun: the one that is true now.
    name = "freeze.began" if last.ends_at > now else "freeze.ended"
    span: dict[str, Any] = {"starts_at": iso(last.starts_at), "ends_at": iso(last.ends_at)}
    record(name, freeze.noun(), by=system("clock"), before=freeze.facts(), after=freeze.facts(), payload=span)
    return True


def _held(freeze: Freeze) -> Freeze:
    """The row as it is now, kept from others until the transaction ends."""
    rows = Freeze.objects.select_for_update(of=("self",)).select_related("service", "environment")
    return rows.get(pk=freeze.pk)
