"""To whom exactly a route tells an event: the subscriber that sends it, and the target there."""

from collections.abc import Iterable

from django.conf import settings

from catalog.permissions import visible_events
from portal.accounts.queries import actor_of_user, user_of
from portal.audit.models import Event
from portal.kit.by import By
from portal.notifications.about import About, is_open
from portal.notifications.models import Route
from portal.notifications.notice import kind_of
from portal.notifications.shapes import addresses

Target = tuple[str, str]
SLACK, EMAIL, WEBHOOK = "slack", "email", "webhook"
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
    return [(SLACK, channel) for channel in (_channel(route, event, about),) if channel]


def _channel(route: Route, event: Event, about: About) -> str:
    if route.to == To.PLACE:
        return channel_of_place(event, about) or NOWHERE
    known = {To.CHANNEL: route.address, To.SERVICE: about.of_service(), To.ENVIRONMENT: about.of_environment()}
    return known[To(route.to)].lstrip("#")


def channel_of_place(event: Event, about: About) -> str:
    """The service's, else the environment's, else the portal's. What is kept from some is said in its own channel alone."""
    if about.of_service():
        return about.of_service()
    if not is_open(event):
        return "" if about.service else about.of_environment()
    return about.of_environment() or str(settings.SLACK_CHANNEL).lstrip("#")


def person(key: str, event: Event) -> list[Target]:
    """In Slack where the portal has that, else by e-mail. Nobody who may not see what it is about."""
    user = user_of(key)
    if user is None or user.is_service:
        return []
    viewer = By(actor_of_user(user), "page")
    if not visible_events(viewer, Event.objects.filter(pk=event.pk)).exists():
        return []
    return [(SLACK, key)] if settings.SLACK_BOT_TOKEN else [(EMAIL, user.email)]
