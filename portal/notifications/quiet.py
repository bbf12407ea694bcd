"""Quiet hours: from one time of the clock to another, over midnight or not, on somebody's wall."""

from datetime import UTC, datetime, time, timedelta

from portal.kit.clock import zone_of


def quiet_until(now: datetime, begins: time | None, ends: time | None, zone: str) -> datetime | None:
    """When they end, if they are on at `now`; half-open. An end that the clocks skip is the moment after the gap."""
    if begins is None or ends is None:
        return None
    there = now.astimezone(zone_of(zone))
    clock = there.time()
    over_midnight = begins > ends
    on = (clock >= begins or clock < ends) if over_midnight else begins <= clock < ends
    if not on:
        return None
    day = there.date() + timedelta(days=1 if over_midnight and clock >= begins else 0)
    end = datetime.combine(day, ends, zone_of(zone)).astimezone(UTC)
    return end if end > now else now
