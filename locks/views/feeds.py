"""The calendar of freezes for programs that show calendars. They send no headers: the address itself is the key."""

from django.contrib.auth.decorators import login_not_required
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from locks import queries
from locks.feeds import calendar_of
from portal.accounts.feeds import feed_actor, feed_renew, feed_revoke
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now


@login_not_required
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    by = By(feed_actor(secret), "page", request.trace)  # type: ignore[attr-defined]
    now = database_now()
    response = HttpResponse(
        calendar_of(queries.feed_windows(by, now), now), content_type="text/calendar; charset=utf-8"
    )
    response["Content-Disposition"] = 'inline; filename="freezes.ics"'
    response["Cache-Control"] = "private, no-store"
    return response


@require_POST
def feed_address(request: HttpRequest) -> HttpResponse:
    """A new one, whether there was one or not."""
    feed_renew(by=by_of(request))
    return go(request, reverse("locks:freeze_list", fragment="feed"), say="This is the address for your calendar.")


@require_POST
def feed_revocation(request: HttpRequest) -> HttpResponse:
    feed_revoke(by=by_of(request))
    return go(
        request, reverse("locks:freeze_list", fragment="feed"), say="Your calendar's address is good for nothing now."
    )
