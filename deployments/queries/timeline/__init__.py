from deployments.queries.timeline import closed, deployed, flips, watched
from deployments.queries.timeline.registry import (
    Asked,
    Edge,
    Happening,
    Look,
    Source,
    Stretch,
    happenings,
    is_beyond,
    looks,
    newest,
    register,
    stretches,
)

__all__ = [
    "OURS",
    "Asked",
    "Edge",
    "Happening",
    "Look",
    "Source",
    "Stretch",
    "happenings",
    "is_beyond",
    "looks",
    "newest",
    "register",
    "stretches",
]

# What this app and the one below know of. Upper apps register theirs.
OURS = (deployed.SOURCE, watched.SOURCE, *closed.SOURCES, flips.SOURCE)
