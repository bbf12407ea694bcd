"""The workers' part of a decided deletion: a batch at a time, each in a transaction, so that whatever dies goes on."""

from django.db import transaction
from django.utils import timezone

from catalog import queries as catalog
from catalog.commands import entities_delete, entities_delete_all
from catalog.commands.undo import deletions_undo
from catalog.integrations.models import Deed, Held, Removal
from catalog.models import Entity
from portal.audit.models import Event
from portal.kit.by import Actor, By
from portal.kit.errors import Missing, PortalError

AT_ONCE = 100
State = Removal.State


@transaction.atomic
def removal_go_on(public_id: str) -> bool:
    """The next batch of what was approved, or is to be put back. Answers whether there is more."""
    removal = Removal.objects.select_for_update().filter(public_id=public_id).select_related("integration").first()
    if removal is None:
        return False
    if removal.state == State.APPROVED:
        return _delete_next(removal)
    if removal.undone_to is not None and removal.undone_at is None:
        return _restore_next(removal)
    return False


def _by(name: str, key: str) -> By:
    """Whoever decided. That he may was judged then."""
    return By(Actor("user", key, name, is_admin=True), "page")


def _delete_next(removal: Removal) -> bool:
    waiting = list(removal.held.filter(problem="").order_by("id")[:AT_ONCE])
    if not waiting:
        removal.state = State.DONE
        removal.save(update_fields=["state"])
        return False
    by = _by(removal.decided_by, removal.decider)
    Deed.objects.create(removal=removal, trace=by.trace)
    for each in waiting:
        _delete(removal, each, by)
    removal.save(update_fields=["gone"])
    return True


def _delete(removal: Removal, held: Held, by: By) -> None:
    if _was_seen_since(held):
        held.problem = "It was written or seen again since, and stays."
        held.save(update_fields=["problem"])
        return
    try:
        with transaction.atomic():
            removal.gone += _deed(held, by)
            held.delete()
    except PortalError as wrong:
        held.problem = wrong.message
        held.save(update_fields=["problem"])


def _deed(held: Held, by: By) -> int:
    if held.identifier:
        return len(entities_delete(held.blueprint, [held.identifier], dependents=held.dependents, by=by))
    try:
        blueprint = catalog.blueprint(held.blueprint)
    except Missing:
        return 0
    count = blueprint.entities.count()
    entities_delete_all(blueprint, itself=held.itself, by=by)
    return count


def _was_seen_since(held: Held) -> bool:
    if not held.identifier:
        return False
    rows = Entity.objects.filter(blueprint__identifier=held.blueprint, identifier=held.identifier)
    return rows.filter(updated_at__gt=held.at).exists() or rows.filter(sight__at__gt=held.at).exists()


def _restore_next(removal: Removal) -> bool:
    traces = removal.deeds.values("trace")
    events = Event.objects.filter(trace__in=traces, name="entity.deleted", pk__lt=removal.undone_to)
    batch = list(events.order_by("-pk")[:AT_ONCE])
    if not batch:
        removal.undone_at = timezone.now()
        removal.save(update_fields=["undone_at"])
        return False
    told = deletions_undo(batch, by=_by(removal.undone_by, removal.undoer))
    lost = sum(bool(each.refused) for each in told)
    removal.unrestored += lost
    removal.restored += max(len(batch) - lost, 0)
    removal.undone_to = batch[-1].pk
    removal.save(update_fields=["unrestored", "restored", "undone_to"])
    return True
