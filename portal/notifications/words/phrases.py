"""Pieces that many sentences share."""

from datetime import UTC, datetime
from typing import Any

from django.conf import settings
from django.urls import reverse
from django.utils.dateparse import parse_datetime

from portal.audit.models import Event
from portal.notifications.notice import Fact, Link, Value

Json = dict[str, Any]


def page(name: str, *args: object, anchor: str = "") -> str:
    """The whole address of a page of ours."""
    return str(settings.BASE_URL) + reverse(name, args=args) + (f"#{anchor}" if anchor else "")


def entity_page(blueprint: str, identifier: str, text: str) -> Link | None:
    return Link(page("catalog:entity_detail", blueprint, identifier), text) if blueprint and identifier else None


def service_page(event: Event) -> Link | None:
    """Of the service, else of the environment."""
    return entity_page("service", event.service, "See the service") or entity_page(
        "environment", event.environment, "See the environment"
    )


def facts_of(*pairs: tuple[str, Value | None]) -> tuple[Fact, ...]:
    """Without those that have no value."""
    return tuple(Fact(label, value) for label, value in pairs if value not in (None, ""))


def after(event: Event) -> Json:
    return event.after or {}


def moment(value: object) -> datetime | None:
    """In UTC; None for what is none, or lies before or behind all that can be reckoned with there."""
    try:
        at = parse_datetime(value) if isinstance(value, str) else None
        return at.astimezone(UTC) if at else None
    except (ValueError, OverflowError):
        return None


def text(value: object) -> str:
    """Of what a payload holds, which need not be a text."""
    return value if isinstance(value, str) else "" if value is None else str(value)


def capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
