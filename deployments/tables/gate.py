"""What went past the gate, what it stopped, and badges, as rows for the templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog.models import Entity
from catalog.queries import tier_of
from deployments import badges
from deployments.patches import patch_for
from deployments.queries import Blocked, Uncovered
from deployments.sources import web
from deployments.tables.places import deployment_row, service_url
from locks.models import Lock

Row = dict[str, Any]


def opened_row(lock: Lock, now: datetime) -> Row:
    return {"title": str(lock), "url": lock.get_absolute_url(), "active": lock.is_active(now)}


def blocked_row(each: Blocked) -> Row:
    denial = each.denial
    return {
        "text": f"{denial.intent} of {denial.service_identifier} to {denial.environment_identifier}",
        "commit": denial.commit,
        "url": web(denial.run_url),
        "who": denial.actor_name,
        "at": denial.at,
        "stopped": each.stopped,
    }


def badge_rows(service: Entity, environments: Sequence[Entity]) -> list[Row]:
    return [_badge_row(service, each) for each in reversed(environments)]


def _badge_row(service: Entity, environment: Entity) -> Row:
    names = service.identifier, environment.identifier
    paths = {which: badges.path(*names, which) for which in ("lock", "version", "health")}
    page = settings.BASE_URL + service_url(service)
    alt = "{} in {}".format(*names).replace("[", "(").replace("]", ")")
    lines = [f"[![{alt}: {which}]({settings.BASE_URL}{path})]({page})" for which, path in paths.items()]
    return {"environment": environment.identifier, "tier": tier_of(environment), "markdown": "\n".join(lines)} | paths


def uncovered_row(each: Uncovered) -> Row:
    repository = web(each.service.properties.get("repository"))
    names = each.service.identifier, each.environment.identifier
    return {
        "id": each.last.config_id,
        "service": each.service.identifier,
        "service_url": service_url(each.service),
        "environment": each.environment.identifier,
        "repository": repository,
        "total": each.total,
        "ungated": each.ungated,
        "rows_url": reverse("deployments:panel", args=[each.service.identifier]),
        "last": deployment_row(each.last, each.service),
        "mended": each.mended,
        "patch": None if each.mended else patch_for(*names, provider=each.last.provider, repository=repository),
    }
