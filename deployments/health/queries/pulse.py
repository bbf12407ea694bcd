"""What changes when health does, or goes by by the clock alone: for pages that keep themselves up to date."""

from portal.audit.queries import NEWEST
from portal.kit import rows

# Of places, at the instant `at`. Flips are events and not among it.
MOMENTS = (
    "select row(max(stale_after) filter (where stale_after <= at), sum(hashtextextended(run_version, id))) from health_standing",
    "select max(starts_at) from health_maintenance where starts_at <= at",
    "select max(ends_at) from health_maintenance where ends_at <= at",
    "select max(seen_at) from health_prober where not up and seen_at <= at - interval '60 seconds'",
)
_PROBES = f"""
with moment as (select statement_timestamp() as at)
select {NEWEST}, {", ".join(f"({each})::text" for each in MOMENTS)},
    (select row(max(checked_at), max(id)) from health_probe)::text,
    (select max(stale) from (
        select checked_at + make_interval(secs => greatest(3 * interval, 60)) as stale from health_probe
    ) held where stale <= at)
from moment
"""


def probes_beat() -> str:
    """Changes with every reading and every event."""
    return str(rows.prepared(_PROBES))
