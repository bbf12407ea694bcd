from deployments.health.queries.standings import (
    Health,
    Muted,
    health_of,
    muted_at,
    probe_health,
    prober_down_since,
    shown,
    shown_probe,
    stale,
)

__all__ = [
    "Health",
    "Muted",
    "health_of",
    "muted_at",
    "probe_health",
    "prober_down_since",
    "shown",
    "shown_probe",
    "stale",
]
