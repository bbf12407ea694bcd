"""Pull requests that close take their environments with them."""

from datetime import datetime
from typing import Any

from django.db import transaction

from deployments.environments import queries
from deployments.environments.commands.clock import expire
from deployments.environments.commands.lives import held
from deployments.environments.models import TIMED, Environment, State
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.locking import retried

Json = dict[str, Any]


def pull_request_closed(url: str, *, now: datetime | None = None, by: By) -> int:
    """Its environments expire now, where their templates say so; how many. A lock or a pin holds them all the same."""
    found = queries.of_pull_request(url).filter(template__closes_with_pr=True)
    return sum(_closed(pk, now or database_now(), by) for pk in list(found.values_list("pk", flat=True)))


@retried
@transaction.atomic
def _closed(pk: int, now: datetime, by: By) -> bool:
    environment = held(Environment(pk=pk))
    if environment.state not in TIMED or environment.state == State.EXPIRING:
        return False
    expire(environment, Environment.Cause.PR_CLOSED, now, by=by)
    return True


def closed_in(headers: Json, body: Json) -> str:
    """The address of the pull request, or merge request, that a forge's payload tells has closed; empty where it does not."""
    event = str(headers.get("x-github-event", ""))
    if event == "pull_request" and body.get("action") == "closed":
        request = body.get("pull_request")
        return _text(request, "html_url")
    if body.get("object_kind") == "merge_request":
        request = body.get("object_attributes")
        return _text(request, "url") if _text(request, "action") in ("close", "merge") else ""
    return ""


def _text(found: Any, name: str) -> str:
    value = found.get(name) if isinstance(found, dict) else None
    return value if isinstance(value, str) else ""
