"""When a probe is due."""

import random
from datetime import datetime, timedelta

from deployments.health.models import Kind, Probe

JITTER = 0.1  # of the interval, either way: what began together does not go on together
SHORTEST_HURRY = 10.0  # seconds
# Beyond its time-out a call has so long until its reading is written.
MARGIN = timedelta(seconds=20)
# When a heartbeat's end is seen so late, nobody was listening, and its silence says nothing.
ASLEEP = timedelta(seconds=60)


def hurried(probe: Probe, now: datetime) -> float:
    """Seconds from one call to the next."""
    if probe.hurry_until and probe.hurry_until > now:
        return min(float(probe.interval), max(SHORTEST_HURRY, probe.timeout + 1))
    return float(probe.interval)


def first_due(probe: Probe, now: datetime) -> datetime | None:
    """Soon, and not all at once; a heartbeat when it has been silent for too long. None for what nobody waits for."""
    if probe.paused or probe.kind == Kind.OUTSIDE:
        return None
    if probe.kind == Kind.HEARTBEAT:
        return heartbeat_due(probe, now)
    return now + timedelta(seconds=random.uniform(0, min(probe.interval, 5)))


def heartbeat_due(probe: Probe, heard_at: datetime) -> datetime:
    return heard_at + timedelta(seconds=probe.interval) + grace_of(probe)


def grace_of(probe: Probe) -> timedelta:
    return timedelta(seconds=probe.spec.get("grace") or 0)


def next_due(probe: Probe, now: datetime) -> datetime:
    """After a call that was due at `due_at`: in the same step, unless that is past or was never to be."""
    length = hurried(probe, now)
    step = timedelta(seconds=length)
    planned = (probe.due_at or now) + step * random.uniform(1 - JITTER, 1 + JITTER)
    if not now < planned <= now + step * (1 + 2 * JITTER):
        return now + step * random.uniform(0.5, 1)
    return planned


def after_silence(probe: Probe, now: datetime) -> datetime:
    """When a silent heartbeat is missed once more."""
    planned = (probe.due_at or now) + timedelta(seconds=probe.interval)
    return planned if planned > now else heartbeat_due(probe, now)
