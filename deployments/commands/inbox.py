"""Reports with unknown names: placed by somebody who knows better, or dropped."""

from collections.abc import Callable

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.models import Entity
from catalog.wishes import parse
from deployments import reports
from deployments.commands.reports import deployment_store
from deployments.models import Deployment, InboxItem, ReportRequest
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Missing
from portal.kit.locking import retried


@retried
@transaction.atomic
def inbox_place(item: InboxItem, *, service: str, environment: str, create_missing: bool = False, by: By) -> Deployment:
    """Takes the kept report in under names that the catalog knows. Twice is the same as once.

    Raises Missing for unknown names, unless `create_missing` makes the service and the environment.
    """
    require(by, "inbox.resolve")
    item = InboxItem.objects.select_for_update().get(pk=item.pk)
    if item.state == InboxItem.State.PLACED and item.deployment:
        return item.deployment
    if item.state != InboxItem.State.WAITING:
        raise Conflict("This report was dropped.", code="inbox_settled")
    if create_missing:
        _make("service", service, catalog.service_named, by)
        _make("environment", environment, catalog.environment_named, by)
    place = catalog.place(service, environment)
    body = item.body | {"service": place.service, "environment": place.environment}
    report = reports.parse(body, now=database_now())
    outcome = deployment_store(report, place, now=item.at, reported_by=item.reported_by, by=by)
    before = item.facts()
    item.state, item.deployment = InboxItem.State.PLACED, outcome.deployment
    item.save(update_fields=["state", "deployment"])
    ReportRequest.objects.filter(inbox_item=item).update(deployment=outcome.deployment)
    record("inbox.placed", item.noun(), by=by, before=before, after=item.facts())
    assert outcome.deployment is not None
    return outcome.deployment


def _make(kind: str, name: str, find: Callable[[str], Entity], by: By) -> None:
    try:
        find(name)
    except Missing:
        entity_write(parse(kind, {"identifier": name}, mode="create"), by=by)


@transaction.atomic
def inbox_drop(item: InboxItem, *, by: By) -> None:
    """Gives it up. A settled one is a Conflict."""
    require(by, "inbox.resolve")
    item = InboxItem.objects.select_for_update().get(pk=item.pk)
    if item.state != InboxItem.State.WAITING:
        raise Conflict("This report is settled already.", code="inbox_settled")
    before = item.facts()
    item.state = InboxItem.State.DROPPED
    item.save(update_fields=["state"])
    record("inbox.dropped", item.noun(), by=by, before=before, after=item.facts())
