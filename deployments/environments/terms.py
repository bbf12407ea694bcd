"""How long an environment lives: its lengths, its warnings, the hours in which nothing ends. Pure: `now` is given."""

import re
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from typing import Any

from deployments.environments.models import Environment, Template
from portal.kit.clock import duration, in_words, zone_of
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

WARNINGS = (24 * 60, 2 * 60, 15)  # minutes before the end
CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d", re.ASCII)
SHORTEST = timedelta(minutes=5)
SHORTEST_REASON = 3
LONGEST_REASON = 2000
MINUTE = timedelta(minutes=1)
# Quiet hours of every day and all day long end at the hard cap: nobody looks further.
FURTHEST = 8 * 24 * 60  # minutes


def limit(template: Template, team: str, name: str) -> timedelta:
    """`default_ttl` or `greatest_ttl`, of the team where it has one of its own, of the template else."""
    own = (template.team_limits.get(team) or {}).get(name)
    found: timedelta = duration(own, f"team_limits.{team}.{name}") if own else getattr(template, name)
    return found


def first_end(template: Template, team: str, ttl: timedelta | None, now: datetime) -> datetime:
    """When one that is asked for now ends, if nobody extends it."""
    greatest = limit(template, team, "greatest_ttl")
    ttl = min(limit(template, team, "default_ttl"), greatest) if ttl is None else ttl
    _check_ttl(ttl, greatest, template)
    return now + min(ttl, template.hard_cap)


def extended_end(environment: Environment, ttl: timedelta | None, reason: str, now: datetime) -> datetime:
    """From now on, at most to the hard cap. Conflict where that is no later; past the soft cap it takes a reason."""
    template, team = environment.template, environment.team
    greatest = limit(template, team, "greatest_ttl")
    ttl = min(limit(template, team, "default_ttl"), greatest) if ttl is None else ttl
    _check_ttl(ttl, greatest, template)
    end = min(now + ttl, environment.hard_until)
    if end <= environment.expires_at:
        at_cap = environment.expires_at >= environment.hard_until
        raise Conflict(
            f"{environment} lives as long as {template} allows: {in_words(template.hard_cap)} in all."
            if at_cap
            else f"{environment} lives longer than that already.",
            code="hard_cap" if at_cap else "not_longer",
        )
    if needs_reason(environment, end):
        check_reason(reason, f"beyond {in_words(template.soft_cap)} it takes a reason")
    return end


def needs_reason(environment: Environment, end: datetime) -> bool:
    return end > environment.requested_at + environment.template.soft_cap


def check_reason(reason: str, why: str) -> str:
    reason = reason.strip()
    if len(reason) < SHORTEST_REASON:
        raise Invalid.at("reason", f"{why}, in {SHORTEST_REASON} characters or more")
    if len(reason) > LONGEST_REASON:
        raise Invalid.at("reason", "keep it within 2,000 characters")
    return reason


def _check_ttl(ttl: timedelta, greatest: timedelta, template: Template) -> None:
    if ttl < SHORTEST:
        raise Invalid.at("ttl", f"must be {in_words(SHORTEST)} or longer")
    if ttl > greatest:
        raise Invalid.at("ttl", f"{template} allows {in_words(greatest)} at a time")


def warning_due(deadline: datetime, since: datetime, now: datetime) -> int | None:
    """The minutes of the last warning that is due. What was due before the deadline was set is no warning."""
    if now >= deadline:
        return None
    due = [each for each in WARNINGS if since < deadline - timedelta(minutes=each) <= now]
    return min(due, default=None)


def next_warning(deadline: datetime, since: datetime, now: datetime) -> datetime | None:
    at = (deadline - timedelta(minutes=each) for each in WARNINGS)
    return min((each for each in at if each > max(now, since)), default=None)


def is_quiet(hours: Json, zone: str, now: datetime) -> bool:
    """Whether the wall clock of the zone stands within the hours. Over midnight they belong to the day on which they begin."""
    if not hours:
        return False
    there = now.astimezone(zone_of(zone))
    begin, end, days = time.fromisoformat(hours["from"]), time.fromisoformat(hours["to"]), hours["days"]
    clock = there.time().replace(tzinfo=None)
    if begin < end:
        return there.weekday() in days and begin <= clock < end
    late = there.weekday() in days and clock >= begin
    early = (there.weekday() - 1) % 7 in days and clock < end
    return late or early


def quiet_until(hours: Json, zone: str, now: datetime) -> datetime | None:
    """The first whole minute at which they are over; None where they are not on, or never end."""
    if not is_quiet(hours, zone, now):
        return None
    minute = now.replace(second=0, microsecond=0)
    later: Iterable[datetime] = (minute + MINUTE * n for n in range(1, FURTHEST))
    return next((each for each in later if not is_quiet(hours, zone, each)), None)


def check_quiet_hours(hours: Any) -> Json:
    """`{"from": "09:00", "to": "18:00", "days": [0, ..., 6]}` with Monday as 0, or an empty object."""
    if not hours:
        return {}
    if not isinstance(hours, dict) or hours.keys() != {"from", "to", "days"}:
        raise Invalid.at("quiet_hours", "must have from, to and days, or nothing")
    for name in ("from", "to"):
        if not isinstance(hours[name], str) or not CLOCK.fullmatch(hours[name]):
            raise Invalid.at(f"quiet_hours.{name}", "must be a time of day such as 09:00")
    if hours["from"] == hours["to"]:
        raise Invalid.at("quiet_hours.to", "must be another time than from")
    days = hours["days"]
    if not isinstance(days, list) or not days or any(type(each) is not int or not 0 <= each <= 6 for each in days):
        raise Invalid.at("quiet_hours.days", "must list days from 0, Monday, to 6, Sunday")
    return {"from": hours["from"], "to": hours["to"], "days": sorted(set(days))}


def backoff(attempt: int) -> timedelta:
    """5 s, 10 s, 20 s and so on, up to ten minutes."""
    return timedelta(seconds=min(5 * 2 ** max(0, min(attempt, 10) - 1), 600))
