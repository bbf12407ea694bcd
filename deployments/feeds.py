"""Deployments as an iCalendar file (RFC 5545). Pure."""

from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta

from django.conf import settings
from icalendar import Calendar, Event

from deployments.models import Deployment
from deployments.queries.timeline.deployed import word_of
from locks.feeds import REFRESH, clean

SHORTEST = timedelta(minutes=1)  # what has no length is not drawn by some programs


def calendar_of(deployments: Iterable[Deployment], rollbacks: Collection[int], now: datetime) -> bytes:
    """`rollbacks` are the keys of those that put back what had been live before."""
    calendar = Calendar()
    calendar.add("prodid", "-//Portcullis//Deployments//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("name", "Deployments to production")
    calendar.add("x-wr-calname", "Deployments to production")
    calendar.add("refresh-interval", REFRESH, parameters={"VALUE": "DURATION"})
    calendar.add("x-published-ttl", "PT1H")
    for deployment in deployments:
        calendar.add_component(_event(deployment, word_of(deployment, deployment.pk in rollbacks), now))
    return bytes(calendar.to_ical())


def _event(deployment: Deployment, word: str, now: datetime) -> Event:
    ends = deployment.happened_at
    starts = min(deployment.started_at or ends, ends)
    event = Event()
    event.add("uid", f"{deployment.public_id}@portcullis")
    event.add("dtstamp", now.astimezone(UTC).replace(microsecond=0))
    event.add("dtstart", starts.astimezone(UTC).replace(microsecond=0))
    event.add("dtend", max(ends, starts + SHORTEST).astimezone(UTC).replace(microsecond=0))
    event.add("summary", clean(f"{word}: {deployment.service_identifier} {_version(deployment)}"))
    event.add("location", clean(deployment.environment_identifier))
    event.add("description", clean(_told(deployment)))
    event.add("url", settings.BASE_URL + deployment.get_absolute_url())
    event.add("categories", ["Deployment"])
    event.add("transp", "TRANSPARENT")  # nobody is busy because of it
    return event


def _version(deployment: Deployment) -> str:
    return deployment.version or deployment.commit[:7]


def _told(deployment: Deployment) -> str:
    by = f"By {deployment.actor}." if deployment.actor else ""
    lines = [deployment.message, by, f"Commit {deployment.commit}." if deployment.commit else "", deployment.run_url]
    return "\n".join(line for line in lines if line)
