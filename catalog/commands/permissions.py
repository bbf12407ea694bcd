from typing import Any

from django.db import transaction

from catalog.models import Blueprint
from catalog.permissions.checks import check
from catalog.permissions.grants import blocks, merged
from portal.accounts.policy import require
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]


@transaction.atomic
def permissions_update(blueprint: Blueprint, changes: Json, *, by: By) -> Blueprint:
    """Sets what `changes` gives of who may do what with its entities: `{"read": {"teams": ["payments"]}, ...}`.

    Lists that are not given stay; a null takes a block, or a policy, away again. Nothing changed is no event.
    """
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    held = Blueprint.objects.select_for_update().filter(pk=blueprint.pk).first()
    if held is None:
        raise Missing(f'Blueprint with identifier "{blueprint.identifier}" was not found')
    check(held, changes)
    before = blocks(held)
    held.permissions = merged(held.permissions or {}, changes) or None
    after = blocks(held)
    if after == before:
        return held
    held.save(update_fields=["permissions"])
    noun = Noun("permissions", held.identifier, held.title, blueprint=held.identifier)
    record("permissions.updated", noun, by=by, before=before, after=after)
    return held
