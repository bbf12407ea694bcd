from django.db.models import F, Q, QuerySet

from catalog.models import Blueprint, View
from portal.accounts.policy import require
from portal.kit.by import By


def views(by: By, blueprint: Blueprint) -> QuerySet[View]:
    """Everybody's, then one's own."""
    require(by, "view.keep")
    mine = by.actor.key.removeprefix("user:") if by.actor.is_person else "0"
    found = View.objects.filter(Q(owner=None) | Q(owner=int(mine)), blueprint=blueprint)
    return found.order_by(F("owner").asc(nulls_first=True), "title", "id")
