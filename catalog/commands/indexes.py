from collections.abc import Collection

from django.db import transaction

from catalog.models import Blueprint, IndexedProperty
from catalog.search import indexes
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid

# Each is written with every entity.
MOST = 12


@transaction.atomic
def index_add(blueprint: Blueprint, name: str, *, by: By) -> IndexedProperty:
    """Marks the property; a worker builds its indexes soon after, while people go on writing."""
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    if not indexes.serves(blueprint, name):
        raise Invalid.at("property", f"“{name}” is no text, number, boolean or date of {blueprint}'s own")
    Blueprint.objects.select_for_update().get(pk=blueprint.pk)
    row = blueprint.indexed.filter(property=name).first()
    if row and not row.for_views:
        raise Conflict(f"“{name}” is marked already.", code="already_indexed")
    if not row and blueprint.indexed.filter(for_views=False).count() >= MOST:
        raise Conflict(f"{blueprint} has {MOST} indexed properties, and each makes writing slower. Remove one first.")
    row = row or IndexedProperty(blueprint=blueprint, property=name)
    row.for_views = False
    row.save()
    record("index.added", row.noun(), by=by, after=row.facts())
    return row


@transaction.atomic
def index_remove(row: IndexedProperty, *, by: By) -> None:
    require(by, "blueprint.write", blueprint=row.blueprint.identifier)
    record("index.removed", row.noun(), by=by, before=row.facts())
    row.delete()


def indexes_settle(in_views: Collection[tuple[int, str]]) -> None:
    """Builds and drops until there is what is marked, and what kept views need: (blueprint key, property).

    The portal's own housekeeping, so it leaves no events. Runs outside a transaction.
    """
    IndexedProperty.objects.bulk_create(
        [IndexedProperty(blueprint_id=pk, property=name, for_views=True) for pk, name in in_views],
        ignore_conflicts=True,
    )
    rows = list(IndexedProperty.objects.select_related("blueprint"))
    gone = [row for row in rows if row.for_views and (row.blueprint_id, row.property) not in in_views]
    IndexedProperty.objects.filter(pk__in=[row.pk for row in gone], for_views=True).delete()
    kept = [row for row in rows if row not in gone]
    indexes.settle([index for row in kept for index in indexes.indexes_of(row.blueprint, row.property)])
