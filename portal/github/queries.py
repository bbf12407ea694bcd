from uuid import UUID

from django.db.models import QuerySet

from portal.accounts.policy import require
from portal.github.models import Import
from portal.kit.by import By
from portal.kit.errors import Missing


def imports(by: By) -> QuerySet[Import]:
    """The latest first; for those who may start one."""
    require(by, "account.write")
    return Import.objects.order_by("-id")


def import_named(by: By, public_id: UUID) -> Import:
    found = imports(by).filter(public_id=public_id).first()
    if found is None:
        raise Missing("There is no such import.")
    return found
