"""What integrations delete. More than its share in one reconciliation is held until a person says what shall become of it.

The deletion is tried and counted, dependents too, and taken back where it was too much: so what would be refused
anyhow is refused, and not held.
"""

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from catalog.commands import entities_delete, entities_delete_all, entity_delete
from catalog.integrations import queries
from catalog.integrations.commands.reports import hear, tally_add
from catalog.integrations.models import Deed, Held, Integration, Removal
from catalog.models import Blueprint, Entity, Migration
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict
from portal.kit.locking import advisory_lock, retried

# Who does not name its resyncs deletes in one reconciliation what it deletes within an hour.
LONGEST = timedelta(hours=1)
State = Removal.State
Gone = list[str]


def entities_withdraw(
    blueprint: str, identifiers: Sequence[str], *, dependents: bool = False, resync: str = "", by: By
) -> Gone:
    """As `entities_delete`. Raises Conflict when an integration would delete more than its share."""
    wished = [Held(blueprint=blueprint, identifier=each, dependents=dependents) for each in identifiers]
    return _withdraw(
        wished, lambda: entities_delete(blueprint, identifiers, dependents=dependents, by=by), resync=resync, by=by
    )


def entity_withdraw(entity: Entity, *, dependents: bool = False, resync: str = "", by: By) -> Gone:
    """As `entity_delete`. Raises Conflict when an integration would delete more than its share."""
    wished = [Held(blueprint=entity.blueprint.identifier, identifier=entity.identifier, dependents=dependents)]
    return _withdraw(wished, lambda: entity_delete(entity, dependents=dependents, by=by), resync=resync, by=by)


def all_withdraw(blueprint: Blueprint, *, itself: bool = False, by: By) -> Migration:
    """As `entities_delete_all`. Raises Conflict when an integration would delete more than its share."""
    if queries.called(by.agent) is None:
        return entities_delete_all(blueprint, itself=itself, by=by)
    started: list[Migration] = []

    def deed() -> Gone:
        names = list(blueprint.entities.values_list("identifier", flat=True))
        started[:] = [entities_delete_all(blueprint, itself=itself, by=by)]
        return names

    _withdraw([Held(blueprint=blueprint.identifier, itself=itself)], deed, by=by)
    return started[0]


def _withdraw(wished: Sequence[Held], deed: Callable[[], Gone], *, resync: str = "", by: By) -> Gone:
    integration = queries.called(by.agent)
    if integration is None:
        return deed()
    gone, removal = _judged(integration, wished, deed, resync, by)
    hear(integration)
    if removal is not None:
        raise Conflict(
            f"{integration} would delete more than {integration.share:.0%} of the {removal.owned} entities that it has. "
            f"That is held until an administrator decides: {settings.BASE_URL}{integration.get_absolute_url()}",
            code="deletion_held",
        )
    if gone:
        tally_add(integration, wished[0].blueprint, resync, deleted=len(gone))
    return gone


@retried
@transaction.atomic
def _judged(
    integration: Integration, wished: Sequence[Held], deed: Callable[[], Gone], resync: str, by: By
) -> tuple[Gone, Removal | None]:
    """What went, and the removal that it is held in instead. Deletions of one integration go one after the other."""
    advisory_lock("removal", str(integration.pk))
    removal = _current(integration, resync)
    with transaction.atomic():
        gone = deed()
        is_held = _exceeds(removal, len(gone))
        transaction.set_rollback(is_held)
    if is_held:
        return [], _hold(removal, wished, by)
    if gone:
        removal.gone += len(gone)
        removal.save(update_fields=["gone"])
        Deed.objects.get_or_create(removal=removal, trace=by.trace)
    return gone, None


def _current(integration: Integration, resync: str) -> Removal:
    """The one that goes on, or a new one."""
    now = timezone.now()
    last = integration.removals.order_by("-id").first()
    if (
        last
        and last.resync == resync[:250]
        and last.began_at > now - LONGEST
        and last.state in (State.GOING, State.HELD)
    ):
        return last
    return Removal.objects.create(
        integration=integration, resync=resync[:250], began_at=now, owned=queries.owned(integration).count()
    )


def _exceeds(removal: Removal, more: int) -> bool:
    """One alone is no mass. Where some of it is held, all that comes after is."""
    if removal.is_over:
        return more > 0
    gone = removal.gone + more
    return more > 0 and gone > 1 and gone > removal.integration.share * max(removal.owned, gone)


def _hold(removal: Removal, wished: Sequence[Held], by: By) -> Removal:
    """What is held already by an earlier one takes this in: a person is asked once."""
    integration, now = removal.integration, timezone.now()
    found = integration.removals.filter(state=State.HELD).first() or removal
    if not removal.is_over:
        removal.is_over = True
        removal.save(update_fields=["is_over"])
    if found.state != State.HELD:
        found.state, found.held_at = State.HELD, now
        found.save(update_fields=["state", "held_at"])
        payload = {"removal": str(found.public_id), "owned": found.owned, "gone": found.gone, "wished": len(wished)}
        record("integration.deletion_held", integration.noun(), by=by, payload=payload)
    for each in wished:
        each.removal, each.at = found, now
    Held.objects.bulk_create(
        wished,
        update_conflicts=True,
        unique_fields=["removal", "blueprint", "identifier"],
        update_fields=["at", "dependents", "itself"],
    )
    return found


@transaction.atomic
def removal_approve(removal: Removal, *, by: By) -> Removal:
    """What is held goes, by the workers, in the name of whoever approves it. Raises Conflict where that is decided."""
    return _decide(removal, State.APPROVED, "integration.deletion_approved", by)


@transaction.atomic
def removal_refuse(removal: Removal, *, by: By) -> Removal:
    """What is held stays. Raises Conflict where that is decided."""
    removal = _decide(removal, State.REFUSED, "integration.deletion_refused", by)
    removal.held.all().delete()
    return removal


def _decide(removal: Removal, state: Removal.State, event: str, by: By) -> Removal:
    require(by, "removal.decide")
    removal = queries.removal(removal.integration, removal.public_id, held=True)
    if removal.state != State.HELD:
        who = f" {removal.decided_by} has decided." if removal.decided_by else ""
        raise Conflict(f"Nothing of this deletion waits for anybody.{who}", code="decided")
    removal.state, removal.decided_at = state, timezone.now()
    removal.decided_by, removal.decider = by.actor.name, by.actor.key
    removal.save(update_fields=["state", "decided_at", "decided_by", "decider"])
    removal.integration.removals.filter(is_over=True).update(is_over=False)
    payload = {"removal": str(removal.public_id), "held": removal.held.count()}
    record(event, removal.integration.noun(), by=by, payload=payload)
    return removal


@transaction.atomic
def removal_undo(removal: Removal, *, by: By) -> Removal:
    """What went is put back by the workers, all of it as one. Raises Conflict where nothing went or somebody asked before."""
    require(by, "removal.decide")
    removal = queries.removal(removal.integration, removal.public_id, held=True)
    if removal.undone_to is not None:
        raise Conflict(f"{removal.undone_by} has asked for that already.", code="decided")
    if not removal.gone or removal.state == State.APPROVED:
        raise Conflict("Nothing is to be put back: nothing is gone, or it is still going.", code="decided")
    removal.undone_to, removal.undone_by, removal.undoer = FROM_THE_NEWEST, by.actor.name, by.actor.key
    removal.save(update_fields=["undone_to", "undone_by", "undoer"])
    payload = {"removal": str(removal.public_id), "gone": removal.gone}
    record("integration.deletion_undone", removal.integration.noun(), by=by, payload=payload)
    return removal


FROM_THE_NEWEST = 2**63 - 1
