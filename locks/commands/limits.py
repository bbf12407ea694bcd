from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

from django.db import transaction

from catalog.builtin import TIERS
from locks import limits
from locks.limits import Limits
from locks.models import TierLimits
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing
from portal.kit.locking import advisory_lock

LONGEST = timedelta(days=366)


@transaction.atomic
def limits_set(tier: str, changes: dict[str, Any], *, by: By) -> Limits:
    """`changes` are fields of Limits. Locks that stand keep their ends. The same again is no event."""
    require(by, "limits.write")
    if tier not in TIERS:
        raise Missing(f"There is no tier called “{tier}”. The tiers are {', '.join(TIERS)}.", nearest=list(TIERS))
    advisory_lock("tier limits", tier)
    before = limits.of(tier)
    after = replace(before, **changes)
    _check(after)
    if after == before:
        return before
    row = TierLimits.objects.filter(tier=tier).first() or TierLimits(tier=tier, version=0)
    row.version += 1
    for each in fields(after):
        setattr(row, each.name, getattr(after, each.name))
    row.save()
    record("tier_limits.changed", row.noun(), by=by, before=before.facts(), after=row.facts())
    return after


def _check(wished: Limits) -> None:
    if not timedelta() < wished.greatest <= LONGEST:
        raise Invalid.at("greatest", f"must be more than nothing, and {LONGEST.days} days at most")
    if not timedelta() < wished.default <= wished.greatest:
        raise Invalid.at("default", "must be more than nothing, and no more than the greatest")
    if not 1 <= wished.shortest_reason <= 200:
        raise Invalid.at("shortest_reason", "must be from 1 to 200 characters")
