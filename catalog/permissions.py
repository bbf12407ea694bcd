"""Who may see and write the entities of which blueprint. Every query and every command of the catalog asks here."""

from collections.abc import Collection
from typing import Literal

from django.db.models import QuerySet

from catalog.models import Blueprint, Entity
from portal.accounts.policy import require
from portal.kit.by import By

Deed = Literal["register", "update", "unregister"]


def readable(by: By, rows: QuerySet[Entity]) -> QuerySet[Entity]:
    """Those of `rows` that the viewer may see. Raises Refused where he may see none at all."""
    require(by, "catalog.read")
    return rows


def require_write(
    by: By,
    deed: Deed,
    blueprint: Blueprint,
    *,
    teams: Collection[str],
    properties: Collection[str] = (),
    relations: Collection[str] = (),
) -> None:
    """`teams` own the entity (those it is to have, when it is registered); `properties` and `relations` are to change.

    Raises Refused.
    """
    require(by, "entity.write", teams=teams, blueprint=blueprint.identifier)
