"""The compatible door: `locked` of a deploymentConfig is written like any property."""

from tests.locks.doors.api import HEARD, send
from tests.locks.doors.door import DONE, REASON, Door

CONFIG = "blueprints/deploymentConfig/entities/checkout-production"
FREE = ("patch", CONFIG, {"properties": {"locked": False, "lockedReason": REASON}})

DEEDS = {
    "take a lock": ("patch", CONFIG, {"properties": {"locked": True, "lockedReason": REASON}}),
    "release one's own lock": FREE,
    "release another's lock": FREE,
}


def ask(who, how, what):
    answer = send(who, how, what)
    return DONE if answer.status < 400 else HEARD[answer.status]


# Whom the blueprint's grants let write this entity: its team, administrators, programs with the scope for it.
CATALOG = Door("api", DEEDS, ask, only=frozenset({"bob", "alice", "asks", "ci", "terraform"}))
