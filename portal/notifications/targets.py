"""To whom exactly a route tells an event: the subscriber that sends it, and the target there."""

from collections.abc import Iterable

from django.conf import settings

from catalog.permissions import visible_events
from portal.accounts.queries import actor_of_user, user_of
from portal.audit.models import Event
from portal.kit.by import By
from portal.notifications.about import About
from portal.notifications.models import Route
from portal.notifications.notice import kind_of
from portal.notifications.shapes import addresses

Target = tuple[str, str]
SLACK, EMAIL, WEBHOOK = "slack", "email", "webhook"
SENDERS = (SLACK, EMAIL, WEBHOOK)
# A lock's message that has no channel is kept where an administrator sees what to set.
NOWHERE = "no channel"
To = Route.To
BY = {To.EMAIL: EMAIL, To.WEBHOOK: WEBHOOK}


def is_possible(to: str) -> bool:
    """Whether the portal is set up to tell anybody so."""
    if to == To.WEBHOOK:
        return True
    if to == To.EMAIL:
        return bool(settings.EMAIL_HOST)
    return bool(settings.SLACK_BOT_TOKEN) or (to == To.PERSON and bool(settings.EMAIL_HOST))


def targets(route: Route, event: Event, about: About) -> Iterable[Target]:
    if not is_possible(route.to):
        return []
    if route.to == To.PERSON:
        kind = kind_of(event.name)
        return person(kind.person(event), event) if kind else []
    if route.to == To.EMAIL:
        return [(EMAIL, each) for each in addresses(route.address)]
    if route.to == To.WEBHOOK:
        return [(WEBHOOK, str(route.public_id))]
    return [(SLACK, channel) for channel in (_channel(route, about),) if channel]


def _channel(route: Route, about: About) -> str:
    of_service, of_environment = about.of_service(), about.of_environment()
    known = {
        To.CHANNEL: route.address,
        To.SERVICE: of_service,
        To.ENVIRONMENT: of_environment,
        To.PLACE: of_service or of_environment or settings.SLACK_CHANNEL or NOWHERE,
    }
    return str(known[To(route.to)]).lstrip("#")


def person(key: str, event: Event) -> list[Target]:
    """In Slack where the portal has that, else by e-mail. Nobody who may not see what it is about."""
    user = user_of(key)
    if user is None or user.is_service:
        return []
    viewer = By(actor_of_user(user), "page")
    if not visible_events(viewer, Event.objects.filter(pk=event.pk)).exists():
        return []
    return [(SLACK, key)] if settings.SLACK_BOT_TOKEN else [(EMAIL, user.email)]
