"""Commands that make, change, try and delete a route."""

from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.policy import require
from portal.audit.models import Delivery, Event
from portal.audit.record import record
from portal.audit.wake import wake
from portal.kit.by import By
from portal.kit.errors import Conflict
from portal.kit.seal import seal, unseal
from portal.notifications import queries, shapes
from portal.notifications.about import about
from portal.notifications.known import forget
from portal.notifications.models import Route
from portal.notifications.notice import TESTED
from portal.notifications.targets import NOWHERE, is_possible, person, targets

Json = dict[str, Any]


@transaction.atomic
def route_create(definition: Json, *, by: By) -> Route:
    """`definition` as `shapes.ROUTE`. Raises Invalid with every fault, Conflict for a name that is taken."""
    require(by, "route.write")
    route = Route(created_by=by.actor.name, **shapes.columns(definition))
    route.sealed_secret = seal(definition.get("secret") or "")
    _save(route, by)
    record("route.created", route.noun(), by=by, after=route.facts())
    return route


@transaction.atomic
def route_update(route: Route, definition: Json, *, by: By) -> Route:
    """Sets the whole definition. The secret that is there stays unless another, or null, is given. The same again is no
    event. An address written as it is shown is the one that is there."""
    require(by, "route.write")
    route = queries.route_kept(route.public_id, held=True)
    return _set(route, definition, by)


@transaction.atomic
def route_change(route: Route, changes: Json, *, by: By) -> Route:
    """Sets what is given, and leaves the rest as it is by then."""
    require(by, "route.write")
    route = queries.route_kept(route.public_id, held=True)
    return _set(route, shapes.changed(route, changes), by)


def _set(route: Route, definition: Json, by: By) -> Route:
    before, address = route.facts(), route.address
    for name, value in shapes.columns(shapes.unmasked(route, definition)).items():
        setattr(route, name, value)
    rekeyed = "secret" in definition and not _is_its_secret(route, definition["secret"])
    if rekeyed or route.to != Route.To.WEBHOOK:
        route.sealed_secret = seal(definition.get("secret") or "")
    if rekeyed or route.facts() != before or route.address != address:
        _save(route, by)
        payload = {"secret": "changed"} if rekeyed else {}
        record("route.updated", route.noun(), by=by, before=before, after=route.facts(), payload=payload)
    return route


def _is_its_secret(route: Route, secret: str | None) -> bool:
    try:
        return unseal(route.sealed_secret) == (secret or "")
    except Conflict:  # sealed with a key that is gone
        return False


@transaction.atomic
def route_delete(route: Route, *, by: By) -> None:
    """What is on its way by it arrives, unless it is a webhook's: nobody else knows that address."""
    require(by, "route.write")
    route = queries.route_kept(route.public_id, held=True)
    record("route.deleted", route.noun(), by=by, before=route.facts())
    route.delete()
    forget()


@transaction.atomic
def route_test(route: Route, of: Event | None = None, *, by: By) -> list[Delivery]:
    """Really tells it, marked as a test: what the route says of the event `of`, or that it is there.

    Whom it concerns is not bothered: a route to a person tells the one who tests. Raises Conflict where the portal
    could tell nobody.
    """
    require(by, "route.write")
    event = record(TESTED, route.noun(), by=by, payload={"of": str(of.public_id) if of else None})
    found = (
        person(by.actor.key, event)
        if route.to == Route.To.PERSON
        else [*targets(route, of or event, about(of or event))]
    )
    if not any(name != NOWHERE for _, name in found):
        raise Conflict(_nobody(route), code="nobody")
    owed = [
        Delivery(event=event, subscriber=each, target=name, stream=f"test {event.public_id}") for each, name in found
    ]
    Delivery.objects.bulk_create(owed)
    transaction.on_commit(wake, robust=True)
    return owed


def _nobody(route: Route) -> str:
    if is_possible(route.to):
        return "It would reach nobody: there is no such channel, or no such person."
    if route.to == Route.To.EMAIL:
        return "There is no mail server: set PORTCULLIS_EMAIL_URL."
    return "Slack is not connected: set PORTCULLIS_SLACK_TOKEN."


def _save(route: Route, by: By) -> None:
    route.updated_at, route.updated_by = timezone.now(), by.actor.name
    try:
        with transaction.atomic():
            route.save()
    except IntegrityError as taken:
        raise Conflict(f"There is a route called “{route.name}” already.", code="name_taken", kind="name") from taken
    forget()
