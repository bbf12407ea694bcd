from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from catalog import queries as catalog
from catalog.queries import Place
from locks import queries, tables
from locks.forms import ExtensionForm, LockForm, ReleaseForm, draft, usual_duration
from locks.live import places_of
from locks.models import Lock, ScopeKind
from locks.tables.rules import hold_row
from portal.accounts.policy import allows
from portal.accounts.viewer import by_of
from portal.kit.answers import done, go, refused
from portal.kit.by import By
from portal.kit.clock import database_now, spoken
from portal.kit.errors import Conflict, PortalError
from portal.kit.live import live
from portal.kit.paging import counted, page_of

Json = dict[str, Any]
PAGE = "locks/lock_list.html"
ASKED = ("scope", "service", "environment", "tier", "team")


@require_http_methods(["GET", "HEAD", "POST"])
def lock_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    if request.method == "POST":
        return _take(request, by)

    def context() -> Json:
        # A refresh shows the list alone; the form stays as the person left it.
        return _list(request, by) | ({} if request.htmx else _form(_asked(request, by)))  # type: ignore[attr-defined]

    return live(request, PAGE, context, beat=queries.beat(), partial="list")


def _take(request: HttpRequest, by: By) -> HttpResponse:
    form = LockForm(request.POST, by=by)
    taken = None
    try:
        lock = form.take(steal=bool(request.POST.get("steal"))) if form.is_valid() else None
    except Conflict as conflict:
        lock, taken = None, tables.taken(conflict.details["lock"])
    if lock:
        until = spoken(lock.expires_at, now=database_now())
        return go(request, reverse("locks:lock_list"), say=f"Locked {lock.covers} until {until}.")
    if request.htmx:  # type: ignore[attr-defined]
        return render(request, f"{PAGE}#form", _form(form, taken), status=422)
    return render(request, PAGE, _list(request, by) | _form(form, taken), status=422)


def _form(form: LockForm, taken: Json | None = None) -> Json:
    return {
        "form": form,
        "taken": taken,
        "action_url": reverse("locks:lock_list"),
        "preview_url": reverse("locks:preview"),
    }


def _asked(request: HttpRequest, by: By) -> LockForm:
    """A form with what the link to it has filled in already; the cursor waits in the first field that is left."""
    asked = {name: request.GET[name] for name in ASKED if request.GET.get(name)}
    scope = asked.get("scope") or (ScopeKind.SERVICE if asked.keys() == {"service"} else ScopeKind.PAIR)
    tier = asked.get("tier") or catalog.tier_called(asked.get("environment", ""))
    form = LockForm(
        initial={"environment": "production"} | asked | {"scope": scope, "duration": usual_duration(tier)}, by=by
    )
    if asked:
        form.fields["reason"].widget.attrs["autofocus"] = True
    return form


def _list(request: HttpRequest, by: By) -> Json:
    state = request.GET.get("state", "active")
    state = state if state in {"active", "mine", "expiring", "history", "blocked"} else "active"
    now = database_now()
    shown = {
        "state": state,
        "section": state if state in {"history", "blocked"} else "locks",
        "tabs": tables.tabs(state, queries.counts(by, now=now)),
        "live_url": request.get_full_path(),
    }
    if state == "blocked":
        return shown | _blocked(request, by)
    if state == "history":
        found = queries.locks(by, state=state, now=now)
        page = page_of(found, request.GET, newest_first=True)
        pager = _pager(page, "history", counted(found, "lock", "locks"))
        return shown | {"locks": [tables.lock_row(lock, by, now) for lock in page.rows], "pager": pager}
    locks: list[Lock] = list(queries.locks(by, state=state, now=now))
    ordered = locks if state == "expiring" else queries.severest(locks)
    frozen = queries.windows_now(by, now=now) if state == "active" else []
    return shown | {
        "locks": [tables.lock_row(lock, by, now) for lock in ordered],
        "freezes": [tables.window_line(each) for each in frozen],
    }


def _blocked(request: HttpRequest, by: By) -> Json:
    found = queries.denials(by)
    page = page_of(found, request.GET, newest_first=True)
    locks = queries.named_by(page.rows)
    pager = _pager(page, "blocked", counted(found, "refusal", "refusals"))
    return {"runs": [tables.denial_row(each, locks) for each in page.rows], "pager": pager}


def _pager(page: Any, state: str, count: str) -> Json:
    here = reverse("locks:lock_list")
    return {
        "count_text": count,
        "newer_url": f"{here}?state={state}&before={page.before}" if page.before else None,
        "older_url": f"{here}?state={state}&after={page.after}" if page.after else None,
    }


@require_GET
def preview(request: HttpRequest) -> HttpResponse:
    """What the lock in the form would stop, before anybody presses."""
    by = by_of(request)
    try:
        scope = draft(request.GET)
    except PortalError as error:
        return render(request, "locks/_preview.html", {"text": error.message})
    if scope is None:
        return render(request, "locks/_preview.html", {"text": "What it will stop shows here before you lock."})
    met = queries.simulate(scope.kind, scope.columns(), by=by)
    return render(request, "locks/_preview.html", tables.preview_rows(scope, met))


@require_GET
def lock_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    lock = queries.lock(by, public_id)
    return live(request, "locks/lock_detail.html", lambda: _detail(lock, by), beat=queries.beat(), partial="live")


def _detail(lock: Lock, by: By, **forms: Any) -> Json:
    now = database_now()
    refused = queries.denials(by, of=lock)
    runs = list(refused[:20])
    locks = queries.named_by(runs)
    running, waiting = queries.met_by(lock, by=by, now=now) if lock.is_active(now) else (0, 0)
    return {
        "lock": tables.lock_row(lock, by, now),
        "write_url": tables.write_url(lock, by),
        "hold": hold_row(hold, now) if lock.automatic_by and (hold := queries.hold_of(by, lock)) else None,
        "running": running,
        "waiting": waiting,
        "list_url": reverse("locks:lock_list"),
        "override_url": reverse(
            "locks:override_new",
            query={"service": lock.service_identifier, "environment": lock.environment_identifier},
        ),
        "live_url": lock.get_absolute_url(),
        "events": [tables.event_row(event) for event in queries.history_of(lock)],
        "blocked": [tables.denial_row(each, locks) for each in runs],
        "blocked_count": counted(refused, "run", "runs") if runs else "",
        "extensions": tables.extensions(lock, now),
        "extension": forms.get("extension") or ExtensionForm(),
        "release": forms.get("release") or ReleaseForm(),
    }


@require_POST
def release(request: HttpRequest, public_id: UUID) -> HttpResponse:
    """Who neither holds nor owns it has to say why; the command tells the holder."""
    by = by_of(request)
    lock = queries.lock(by, public_id)
    stranger = not allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams())
    form = ReleaseForm(request.POST, stranger=stranger)
    if form.is_valid() and (freed := form.release(lock, by=by)):
        return done(request, freed.get_absolute_url(), say=f"{tables.capital(freed.covers)} is released.")
    if request.htmx:  # type: ignore[attr-defined]
        row = tables.lock_row(lock, by, database_now())
        return render(request, "locks/_release.html", {"lock": row, "form_id": row["id"], "release": form}, status=422)
    return render(request, "locks/lock_detail.html", _detail(lock, by, release=form), status=422)


@require_POST
def extension(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    lock = queries.lock(by, public_id)
    form = ExtensionForm(request.POST)
    if form.is_valid() and (longer := form.extend(lock, by=by)):
        until = spoken(longer.expires_at, now=database_now())
        return done(request, longer.get_absolute_url(), say=f"The lock of {longer.covers} lasts until {until}.")
    if request.htmx:  # type: ignore[attr-defined]
        fault = next(iter(form.errors.values()))[0]
        return refused(str(fault))
    return render(request, "locks/lock_detail.html", _detail(lock, by, extension=form), status=422)


@require_GET
def panel(request: HttpRequest, service: str) -> HttpResponse:
    """The locks of one service, for its page."""
    by = by_of(request)
    entity = catalog.entity(by, "service", service)

    def context() -> Json:
        rows = _rows_of(queries.places_of(by, entity), by)
        everywhere = {"service": service, "scope": ScopeKind.SERVICE}
        take_url = reverse("locks:lock_list", query=everywhere, fragment="take")
        return {"service": service, "rows": rows, "take_url": take_url, "live_url": request.path}

    return live(request, "locks/panel.html", context, beat=queries.beat(), partial="panel")


@require_GET
def config_panel(request: HttpRequest, identifier: str) -> HttpResponse:
    """The gate of one service in one environment, for the page of the deployment config."""
    by = by_of(request)
    entity = catalog.entity(by, "deploymentConfig", identifier)

    def context() -> Json:
        rows = _rows_of(list(places_of([entity]).values()), by)
        return {"service": str(entity), "rows": rows, "live_url": request.path}

    return live(request, "locks/panel.html", context, beat=queries.beat(), partial="panel")


def _rows_of(places: list[Place], by: By) -> list[Json]:
    """As the gate stands at each place at this instant."""
    now = database_now()
    return tables.place_rows(places, queries.decide_many(places, now=now), by, now)


@require_GET
def environment_panel(request: HttpRequest, environment: str) -> HttpResponse:
    """What is locked in one environment, for its page: in it, all of it, or more than it."""
    by = by_of(request)
    entity = catalog.entity(by, "environment", environment)

    def context() -> Json:
        now = database_now()
        found = queries.severest(queries.locks_in(by, entity, now=now))
        asked = {"scope": ScopeKind.ENVIRONMENT, "environment": environment}
        return {
            "environment": str(entity),
            "locks": [tables.lock_row(lock, by, now) for lock in found],
            "freezes": [tables.window_line(each) for each in queries.windows_in(by, entity, now=now)],
            "take_url": reverse("locks:lock_list", query=asked, fragment="take"),
            "live_url": request.path,
        }

    return live(request, "locks/environment_panel.html", context, beat=queries.beat(), partial="panel")
