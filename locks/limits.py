"""How long a lock may last, by the tier it reaches, and what else the tier demands."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Sum

from locks.models import TierLimits
from portal.kit.clock import in_words
from portal.kit.errors import Invalid

LINK = re.compile(r"https?://[^\s<>|]{1,1990}")
LONGEST_REASON = 2000
# Goes up when the portal itself decides otherwise than before.
RULES = 2


@dataclass(frozen=True)
class Limits:
    """`two_people`: an override has to be approved by another than who asks for it."""

    default: timedelta
    greatest: timedelta
    open_ended: bool = True
    shortest_reason: int = 3
    two_people: bool = False

    def facts(self) -> dict[str, Any]:
        known = asdict(self)
        minutes = {f"{name}_minutes": int(known.pop(name).total_seconds() // 60) for name in ("default", "greatest")}
        return minutes | known


PRODUCTION = Limits(default=timedelta(hours=4), greatest=timedelta(days=3), two_people=True)
OTHERS = Limits(default=timedelta(hours=1), greatest=timedelta(days=14))


def usual(tier: str) -> Limits:
    """What the portal comes with."""
    return PRODUCTION if tier == "production" else OTHERS


def of(tier: str) -> Limits:
    row = TierLimits.objects.filter(tier=tier).first()
    if row is None:
        return usual(tier)
    return Limits(row.default, row.greatest, row.open_ended, row.shortest_reason, row.two_people)


def policy_version() -> str:
    """Names the rules and limits by which a decision was taken: it changes with either."""
    changes = TierLimits.objects.aggregate(total=Sum("version"))["total"] or 0
    return f"{RULES}.{changes}"


def check_end(until: datetime | None, *, tier: str, now: datetime) -> None:
    limits = of(tier)
    if until is None:
        if not limits.open_ended:
            raise Invalid.at("until", f"a lock of {tier} needs an end, at most {in_words(limits.greatest)} away")
    elif until <= now:
        raise Invalid.at("until", "must be in the future")
    elif until - now > limits.greatest + timedelta(minutes=1):  # a little for the way here
        raise Invalid.at("until", f"a lock of {tier} may last {in_words(limits.greatest)} at most")


def check_reason(reason: str, *, tier: str = "") -> str:
    """Of any length that says something; with a tier as long as that demands."""
    reason, shortest = reason.strip(), of(tier).shortest_reason if tier else OTHERS.shortest_reason
    if len(reason) < shortest:
        raise Invalid.at("reason", f"say why, in {shortest} characters or more")
    if len(reason) > LONGEST_REASON:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    return reason
