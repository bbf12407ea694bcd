"""Looks at what providers have, both ways. The question is asked outside of any transaction."""

import logging
from datetime import datetime
from typing import Any

from deployments.environments import providers
from deployments.environments.commands import sightings_take
from deployments.environments.models import Template
from deployments.environments.providers import CannotList
from portal.kit.clock import database_now
from portal.kit.locking import alone

logger = logging.getLogger(__name__)

Json = dict[str, Any]


def look(now: datetime | None = None) -> int:
    """At every provider that can say what there is; how many are suspected anew. One that fails tells nothing."""
    with alone("environments look") as first:
        return sum(_look(each, now) for each in Template.objects.order_by("pk")) if first else 0


def _look(template: Template, now: datetime | None) -> int:
    provider = providers.named(template.provider)
    if not provider.lists(template):
        return 0
    asked = now or database_now()
    try:
        found = list(provider.list(template))
    except CannotList as reason:
        logger.warning("What there is of %s could not be asked: %s", template.identifier, reason)
        return 0
    return sightings_take(template, found, asked=asked, now=now)
