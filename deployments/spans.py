"""A scope and a span of time as query strings say them, for pages and for /v1. Pure."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, time, timedelta

from catalog.builtin import TIERS
from deployments.moments import OLDEST
from deployments.queries.dora import DAYS, Scope, Span
from portal.kit.errors import Invalid

LONGEST = 1000
MOST_DAYS = 3660


def scope_of(query: Mapping[str, str], *, usual: str = "production") -> Scope:
    """`tier` is the `usual` one unless it is said, and `all` is every one; an environment stands instead of it."""
    tier = query.get("tier", "").strip() or usual
    if tier not in TIERS and tier != "all":
        raise Invalid.at("tier", f"must be one of {', '.join(TIERS)}, all")
    named = {name: query.get(name, "").strip()[:LONGEST] for name in ("service", "team", "environment")}
    return Scope(tier="" if tier == "all" else tier, **named)


def span_of(query: Mapping[str, str], *, now: datetime) -> Span:
    """`days` back from now; without them, or where they are `chosen`, the whole days of UTC `from` and `to`, both included."""
    days = query.get("days", "").strip()
    if days in ("", "chosen"):
        first, last = _day(query, "from"), _day(query, "to")
        return _between(first, last, now) if first or last else Span.of_days(DAYS[0], now=now)
    if not (days.isascii() and days.isdigit() and len(days) < 6 and 0 < int(days) <= MOST_DAYS):
        raise Invalid.at("days", f"must be a whole number from 1 to {MOST_DAYS}")
    return Span.of_days(int(days), now=now)


def span_said(query: Mapping[str, str], *, now: datetime) -> Span | None:
    """The same; none where nothing is said of a time."""
    return span_of(query, now=now) if any(query.get(name, "").strip() for name in ("days", "from", "to")) else None


def _between(first: date | None, last: date | None, now: datetime) -> Span:
    today = now.astimezone(UTC).date()
    end = last or today
    start = first or end - timedelta(days=DAYS[0] - 1)
    if start > end:
        raise Invalid.at("from", "must not be after `to`")
    if start > today:
        raise Invalid.at("from", "must not be in the future")
    if (end - start).days >= MOST_DAYS:
        raise Invalid.at("from", f"must not be more than {MOST_DAYS} days before `to`")
    until = now if end >= today else datetime.combine(end, time(), UTC) + timedelta(days=1)
    return Span(datetime.combine(start, time(), UTC), until)


def _day(query: Mapping[str, str], name: str) -> date | None:
    text = query.get(name, "").strip()
    if not text:
        return None
    try:
        found = date.fromisoformat(text)
    except ValueError:
        raise Invalid.at(name, "must be a day such as 2026-01-31") from None
    if found < OLDEST.date():
        raise Invalid.at(name, f"must not be before {OLDEST.year}")
    return found
