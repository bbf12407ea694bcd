from uuid import UUID

from django.db.models import QuerySet

from catalog.models import Blueprint, Migration
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


def migrations(by: By) -> QuerySet[Migration]:
    """The latest first."""
    require(by, "catalog.read")
    return Migration.objects.order_by("-id")


def migration(by: By, public_id: str) -> Migration:
    found = migrations(by).filter(public_id=public_id).first() if _is_id(public_id) else None
    if found is None:
        raise Missing(f'Migration with identifier "{public_id}" was not found')
    return found


def deletion_of(blueprint: Blueprint) -> Migration | None:
    """What deletes all entities of the blueprint now."""
    unfinished = Migration.objects.filter(state__in=Migration.UNFINISHED, kind=Migration.Kind.DELETE)
    return unfinished.filter(blueprint=blueprint).order_by("id").first()


def _is_id(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True
