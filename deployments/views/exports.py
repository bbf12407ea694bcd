from datetime import timedelta

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from deployments.exports import COLUMNS, FORMS, OF_ROWS, deployment_out, row_out, written
from deployments.feeds import calendar_of
from deployments.models import Deployment
from deployments.queries import dora as keys
from deployments.queries.dora import DEFINITIONS, KEYS, Scope, Span
from deployments.queries.listed import listed
from deployments.queries.order import steps_of
from deployments.spans import scope_of, span_of, span_said
from portal.accounts.feeds import feed_actor, feed_renew, feed_revoke, feed_secret
from portal.accounts.models import Feed
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now

ON_CALENDAR, CALENDAR_DAYS = 2000, 92


@require_safe
def export(request: HttpRequest, form: str) -> StreamingHttpResponse:
    """The deployments of a scope, of all time unless a span is named."""
    if form not in FORMS:
        raise Http404
    scope = scope_of(request.GET, usual="all")
    rows = listed(by_of(request), scope, span_said(request.GET, now=database_now())).select_related("entity")
    lines, media_type = written(form, map(deployment_out, rows.iterator(chunk_size=500)))
    return _file(lines, media_type, f"deployments.{form}")


@require_safe
def dora_export(request: HttpRequest, key: str, form: str) -> StreamingHttpResponse:
    """The rows of a key, as its page lists them."""
    if form not in FORMS or key not in KEYS:
        raise Http404
    found = keys.dora(by_of(request), scope_of(request.GET), span_of(request.GET, now=database_now()))
    reason = request.GET.get("reason", "")
    failed = key == "change_failure" and request.GET.get("failed") == "1"
    chosen = keys.rows_of(found, key, reason=reason if reason in DEFINITIONS[key].reasons else "", failed=failed)
    lines, media_type = written(form, map(row_out, keys.with_deployments(chosen)), COLUMNS + OF_ROWS)
    return _file(lines, media_type, f"{key}.{form}")


def _file(lines: object, media_type: str, name: str) -> StreamingHttpResponse:
    answer = StreamingHttpResponse(lines, content_type=media_type)  # type: ignore[arg-type]
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    answer["Cache-Control"] = "private, no-store"
    return answer


@login_not_required
@require_safe
def feed(request: HttpRequest, secret: str) -> HttpResponse:
    """Deployments and rollbacks to production of the last three months, for programs that show calendars."""
    actor = feed_actor(secret, Feed.Kind.DEPLOYMENTS)
    by, now = By(actor, "page", request.trace), database_now()  # type: ignore[attr-defined]
    span = Span(now - timedelta(days=CALENDAR_DAYS), now + timedelta(days=1))
    found = listed(by, Scope(), span).filter(kind__in=Deployment.DEPLOYS).select_related("entity")
    rows = list(found.defer("changes", "extra")[:ON_CALENDAR])
    rollbacks = {key for key, step in steps_of(rows).items() if step.rollback}
    answer = HttpResponse(calendar_of(rows, rollbacks, now), content_type="text/calendar; charset=utf-8")
    answer["Content-Disposition"] = 'inline; filename="deployments.ics"'
    answer["Cache-Control"] = "private, no-store"
    return answer


def feed_url(by: By) -> str | None:
    secret = feed_secret(by, Feed.Kind.DEPLOYMENTS)
    return settings.BASE_URL + reverse("deployments:feed", args=[secret]) if secret else None


@require_POST
def feed_address(request: HttpRequest) -> HttpResponse:
    """A new one, whether there was one or not."""
    feed_renew(Feed.Kind.DEPLOYMENTS, by=by_of(request))
    return go(request, reverse("deployments:timeline", fragment="feed"), say="This is the address for your calendar.")


@require_POST
def feed_revocation(request: HttpRequest) -> HttpResponse:
    feed_revoke(Feed.Kind.DEPLOYMENTS, by=by_of(request))
    return go(
        request,
        reverse("deployments:timeline", fragment="feed"),
        say="Your calendar's address is good for nothing now.",
    )
