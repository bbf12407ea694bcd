"""How long a lock may last, by the tier it reaches."""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta

from portal.kit.clock import in_words
from portal.kit.errors import Invalid

LINK = re.compile(r"https?://[^\s<>|]{1,1990}")
SHORTEST_REASON = 3  # characters


@dataclass(frozen=True)
class Limits:
    default: timedelta
    greatest: timedelta
    open_ended: bool = True


PRODUCTION = Limits(default=timedelta(hours=4), greatest=timedelta(days=3))
OTHERS = Limits(default=timedelta(hours=1), greatest=timedelta(days=14))


def of(tier: str) -> Limits:
    return PRODUCTION if tier == "production" else OTHERS


def check_end(until: datetime | None, *, tier: str, now: datetime) -> None:
    limits = of(tier)
    if until is None:
        if not limits.open_ended:
            raise Invalid.at("until", f"a lock of {tier} needs an end, at most {in_words(limits.greatest)} away")
    elif until <= now:
        raise Invalid.at("until", "must be in the future")
    elif until - now > limits.greatest + timedelta(minutes=1):  # a little for the way here
        raise Invalid.at("until", f"a lock of {tier} may last {in_words(limits.greatest)} at most")


def check_reason(reason: str) -> str:
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Invalid.at("reason", f"say why, in {SHORTEST_REASON} characters or more")
    if len(reason) > 2000:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    return reason
