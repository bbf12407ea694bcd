from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from deployments.environments import queries, tables
from deployments.environments.commands import (
    environment_recreate,
    environment_retry,
    environment_sleep,
    environment_unpin,
    environment_wake,
    orphan_keep,
)
from deployments.environments.commands.lives import require_change
from deployments.environments.forms import ExtensionForm, PinForm, TeardownForm
from deployments.environments.models import GOING, Environment
from deployments.environments.queries.events import events_of
from deployments.environments.views.lists import beat
from portal.accounts.viewer import by_of
from portal.kit.answers import done, go, refused, told
from portal.kit.by import By
from portal.kit.clock import database_now, instant, spoken
from portal.kit.errors import PortalError
from portal.kit.live import live

Json = dict[str, Any]
View = Callable[[HttpRequest, UUID], HttpResponse]

PAGE = "environments/environment_detail.html"
# Two presses of a button at once are one.
SAME = timedelta(seconds=5)


@require_safe
def detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """While it lives; and its tombstone afterwards, at the same address."""
    by = by_of(request)
    environment = queries.environment(by, public_id)
    return live(request, PAGE, lambda: _detail(environment, by), beat=_beat(environment, by))


def _beat(environment: Environment, by: By) -> str:
    """Steps write their output and their tries without an event."""
    steps = environment.steps.order_by("-id").values_list("state", "attempt", "finished_at")[:40]
    facts = (environment.state, environment.fence, environment.attempt, environment.held_by, environment.expires_at)
    return f"{beat(by)} {facts} {list(steps)}"


def _detail(environment: Environment, by: By, **more: Any) -> Json:
    now = database_now()
    return {
        "environment": tables.facts_of(environment, by, now),
        "rounds": tables.rounds_of(queries.steps(environment)),
        "events": [tables.event_row(each) for each in events_of(environment)],
        "extension": ExtensionForm(),
        "pin": PinForm(),
        "live_url": environment.get_absolute_url(),
        "list_url": reverse("environments:environment_list"),
        **more,
    }


def _pressed(view: View) -> View:
    """For forms. Who comes by their address, after a fault was shown there, goes to the page of the environment."""

    @wraps(view)
    def answer(request: HttpRequest, public_id: UUID) -> HttpResponse:
        if request.method in ("GET", "HEAD"):
            return redirect("environments:detail", public_id)
        return view(request, public_id)

    return require_http_methods(["GET", "HEAD", "POST"])(answer)


@_pressed
def extension(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """`until` is a button's: an instant, so that pressing twice is the same as once. Else the form's length."""
    by = by_of(request)
    environment = queries.environment(by, public_id)
    until = request.POST.get("until", "")
    if until:
        return _extended(request, environment, until, by)
    form = ExtensionForm(request.POST)
    if form.is_valid() and (longer := form.extend(environment, by=by)):
        return done(request, longer.get_absolute_url(), say=_until(longer))
    return _again(request, environment, by, form, "extension")


def _extended(request: HttpRequest, environment: Environment, until: str, by: By) -> HttpResponse:
    end, now = instant(until, "until"), database_now()
    if abs(end - environment.expires_at) < SAME:
        return done(request, environment.get_absolute_url(), say=_until(environment))
    ttl = timedelta(seconds=round((end - now).total_seconds()))
    form = ExtensionForm({"ttl": f"{max(1, round(ttl.total_seconds() / 60))}m"})
    if form.is_valid() and (longer := form.extend(environment, by=by)):
        return done(request, longer.get_absolute_url(), say=_until(longer))
    return _again(request, environment, by, form, "extension")


def _until(environment: Environment) -> str:
    end = spoken(environment.deadline, now=database_now(), zone=timezone.get_current_timezone())
    return f"{environment} lives until {end}."


def _again(request: HttpRequest, environment: Environment, by: By, form: Any, name: str) -> HttpResponse:
    """The form with its faults; to a button the reason is announced."""
    if request.htmx:  # type: ignore[attr-defined]
        return refused(" ".join(str(each) for errors in form.errors.values() for each in errors))
    fresh = queries.environment(by, environment.public_id)
    return render(request, PAGE, _detail(fresh, by, **{name: form}), status=422)


@_pressed
def pin(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    environment = queries.environment(by, public_id)
    form = PinForm(request.POST)
    if form.is_valid() and (pinned := form.pin(environment, by=by)):
        return done(request, pinned.get_absolute_url(), say=_until(pinned))
    return _again(request, environment, by, form, "pin")


def _deed(command: Callable[..., Environment], say: str) -> Callable[..., HttpResponse]:
    """A button that says nothing but that it was pressed."""

    @_pressed
    def view(request: HttpRequest, public_id: UUID) -> HttpResponse:
        by = by_of(request)
        environment = queries.environment(by, public_id)
        words = say.format(environment)
        return told(request, lambda: command(environment, by=by), environment.get_absolute_url(), words)

    return view


unpin = _deed(environment_unpin, "The pin of {} is out.")
sleep = _deed(environment_sleep, "{} is put to sleep.")
wake = _deed(environment_wake, "{} is woken.")
retry = _deed(environment_retry, "{} is tried once more.")
keep = _deed(orphan_keep, "{} is no orphan.")


@require_http_methods(["GET", "HEAD", "POST"])
def teardown(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """What will go and what is in its way, before anybody presses."""
    by = by_of(request)
    environment = queries.environment(by, public_id)
    require_change(by, environment)
    if not environment.is_living or environment.state in GOING:
        return go(request, environment.get_absolute_url())
    form = TeardownForm(request.POST or None)
    if request.method == "POST" and form.is_valid() and form.tear_down(environment, by=by):
        return go(request, environment.get_absolute_url(), say=f"{environment} is being torn down.")
    now = database_now()
    context = {
        "environment": tables.row(environment, by, now),
        "preview": tables.preview_of(environment, now),
        "form": form,
    }
    status = 422 if request.method == "POST" else 200
    return render(request, "environments/teardown.html", context, status=status)


@_pressed
def recreation(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    environment = queries.environment(by, public_id)
    try:
        fresh = environment_recreate(environment, by=by)
    except PortalError as error:
        if request.htmx:  # type: ignore[attr-defined]
            return refused(error.message)
        return render(request, PAGE, _detail(environment, by, problem=error.message), status=error.status)
    return go(request, fresh.get_absolute_url(), say=f"{fresh} is being made anew.")
