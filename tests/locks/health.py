"""What health says, without any health: flips and verdicts as rules hear them."""

from datetime import timedelta
from itertools import count

from locks import rules
from locks.commands import lock_rule_create
from locks.signs import Sign
from tests.conftest import SETUP

SECOND, MINUTE, HOUR = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)
CANARY = {"name": "Canary", "on": ["verdict", "failing"], "dry_run": False, "healthy_for": "10m", "at_most": "2h"}
_numbers = count(1)


def rule(**more):
    return lock_rule_create(rules.parse(CANARY | more), by=SETUP)


def flip(place, state, at, *, probe="p1", since=None, **more):
    number = next(_numbers)
    said = {"key": f"flip:{number}", "order": number, "reason": "3 of 3 calls failed", "probe_name": "http"} | more
    return Sign(
        is_verdict=False,
        service=place.service_id,
        environment=place.environment_id,
        state=state,
        at=at,
        since=since or at,
        probe=probe,
        **said,
    )


def verdict(place, state, at, *, opened=None, **more):
    number = next(_numbers)
    said = {"key": f"watch:{number}", "order": number, "reason": "3 of 3 calls failed", "version": "1.4.2"} | more
    return Sign(
        is_verdict=True,
        service=place.service_id,
        environment=place.environment_id,
        state=state,
        at=at,
        since=opened or at - 15 * MINUTE,
        **said,
    )
