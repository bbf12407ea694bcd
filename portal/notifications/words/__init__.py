"""How each kind of event is said. Importing this registers all of them."""

from portal.notifications.words import (
    catalog,
    deployments,
    environments,
    freezes,
    health,
    locks,
    overrides,
    runs,
    tests,
)

__all__ = ["catalog", "deployments", "environments", "freezes", "health", "locks", "overrides", "runs", "tests"]
