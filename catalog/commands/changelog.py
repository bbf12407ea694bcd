"""Commands on where a blueprint's changes are sent."""

from django.db import transaction
from django.db.models.functions import Now

from catalog import queries
from catalog.changelog import TESTED
from catalog.models import Blueprint
from portal.accounts.policy import require
from portal.audit.models import Delivery
from portal.audit.record import record
from portal.audit.wake import wake
from portal.kit.by import By
from portal.kit.errors import Conflict


@transaction.atomic
def changelog_test(blueprint: Blueprint, *, by: By) -> None:
    """Sends the blueprint as it is to its address, as if it had been changed."""
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    if not blueprint.is_watched:
        raise Conflict(f"The changes of {blueprint.title} go to no address. Give one first.")
    facts = blueprint.facts()
    record(TESTED, blueprint.noun(), by=by, before=facts, after=facts)


@transaction.atomic
def changelog_retry(blueprint: Blueprint, *, by: By) -> int:
    """Sends what was given up round again, the oldest first. Answers how many."""
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    parked = queries.changelog_deliveries(blueprint.identifier).filter(state=Delivery.State.PARKED)
    count: int = parked.update(state=Delivery.State.PENDING, due_at=Now(), last_error="")
    if count:
        record("changelog.retried", blueprint.noun(), by=by, payload={"count": count})
        transaction.on_commit(wake, robust=True)
    return count
