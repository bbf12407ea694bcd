from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db.models import Q
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.views.decorators.http import require_POST, require_safe

from deployments.environments import queries, tables
from deployments.environments.commands import sweep_release as release
from deployments.environments.models import Environment, Sweep
from deployments.environments.views.lists import beat
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import told
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.live import live

Json = dict[str, Any]

SHOWN = 20
AHEAD = timedelta(hours=1)
MOST = 200


@require_safe
def sweep_list(request: HttpRequest) -> HttpResponse:
    """What is held for an administrator, and what is taken for an orphan."""
    by = by_of(request)
    require(by, "sweep.release")  # it names environments whosever they are
    return live(request, "environments/sweep_list.html", lambda: _sweeps(by), beat=beat(by))


def _sweeps(by: By) -> Json:
    found = list(queries.sweeps(by)[:SHOWN])
    names = {name for each in found for name in each.held}
    held = {str(each.public_id): each for each in Environment.objects.filter(public_id__in=names)}
    waiting = {name for each in found if each.state == Sweep.State.BRAKED for name in each.held}
    now = database_now()
    rows = [tables.sweep_row(each, held) for each in found]
    return {
        "waiting": [each for each in rows if each["waits"]],
        "decided": [each for each in rows if not each["waits"]],
        "suspects": [tables.suspect_row(each, by, now) for each in queries.environments(by, state="suspected")[:100]],
        "due": [tables.due_row(each, by, now, waiting) for each in _due(now)],
        "odd": [tables.sighting_row(each) for each in queries.odd()],
        "most": settings.ENVIRONMENT_BRAKE,
        "percent": settings.ENVIRONMENT_BRAKE_PERCENT,
        "list_url": reverse("environments:environment_list"),
    }


def _due(now: datetime) -> list[Environment]:
    """What the next passes would take, as far as nothing happens to it meanwhile."""
    soon = now + AHEAD
    found = Environment.objects.timed().select_related("template", "owner").filter(Q(expires_at__lte=soon) | Q(hard_until__lte=soon))  # fmt: skip
    return sorted((each for each in found[:MOST] if each.deadline <= soon), key=lambda each: each.deadline)


@require_POST
def sweep_release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    sweep = queries.sweep(by, public_id)
    say = f"{len(sweep.held)} environments may go, as far as they are still due."
    return told(request, lambda: release(sweep, by=by), reverse("environments:sweep_list"), say)
