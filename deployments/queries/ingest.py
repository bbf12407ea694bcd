"""The ingest log, as its readers may see it."""

from typing import Any

from django.db.models import Q, QuerySet

from catalog import permissions
from catalog.queries import environment_named
from deployments.models import ReportRequest
from deployments.queries.places import deployments
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing

LISTED = (
    *("at", "actor_key", "sender", "door", "is_backfill", "service", "environment", "outcome", "late_by", "answer"),
    *(
        f"deployment__{name}"
        for name in ("public_id", "service_identifier", "environment_identifier", "version", "commit")
    ),
    *("inbox_item__problem", "inbox_item__state"),
)
FILTERS = ("outcome", "door", "service", "environment", "sender")


def report_requests(by: By, **filters: str) -> QuerySet[ReportRequest]:
    """The newest first. Administrators see all; others what came to a deployment they may see, and what they sent.

    `filters` are FILTERS; an empty one is none.
    """
    require(by, "ingest.read")
    wanted: dict[str, Any] = {name: value for name, value in filters.items() if value}
    if environment := wanted.pop("environment", ""):
        wanted["environment__in"] = {environment, *_meant(environment)}
    found: QuerySet[ReportRequest] = ReportRequest.objects.filter(**wanted)
    if not by.actor.is_admin:
        found = found.filter(Q(actor_key=by.actor.key) | _of_seen(by))
    return found.select_related("deployment", "inbox_item").order_by("-id")


def reports_listed(by: By, **filters: str) -> QuerySet[ReportRequest]:
    """The same, with what a row of a list shows of each: a body may be a megabyte, and is for the report's own page."""
    return report_requests(by, **filters).only(*LISTED)


def _of_seen(by: By) -> Q:
    """What came to a deployment that the viewer may see; where nothing is kept from him none has to be looked up."""
    if permissions.bounds(by) is None:
        return Q(deployment__isnull=False)
    return Q(deployment__in=deployments(by).values("pk"))


def _meant(environment: str) -> list[str]:
    """What was taken in stands under the environment's identifier, whatever it was called."""
    try:
        return [environment_named(environment).identifier]
    except (Missing, Invalid):
        return []


def report_request(by: By, pk: int) -> ReportRequest:
    found = report_requests(by).filter(pk=pk).first()
    if found is None:
        raise Missing("No such report came, or it is forgotten by now.")
    return found


def ingest_beat() -> str:
    """Changes with every arrival, and with what becomes of a late one."""
    newest = ReportRequest.objects.order_by("-id").values_list("id", "outcome", "deployment")[:50]
    return f"{audit.beat()}|{list(newest)}"
