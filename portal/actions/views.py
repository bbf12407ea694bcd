from typing import Any

from django.db.models import Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from portal.accounts.organization import secrets_there
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.actions import forges, queries, tables
from portal.actions.commands import automation_take, run_decide, run_update
from portal.actions.editor import EXAMPLES, ActionForm
from portal.actions.forms import RunForm
from portal.actions.models import Action, Run
from portal.actions.queries import Wanted
from portal.audit import queries as trail
from portal.kit.addresses import address, pager
from portal.kit.answers import done, go
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.live import live
from portal.kit.paging import counted, page_of

Json = dict[str, Any]

LINES = 500
TABS = {"": "All", "open": "Open", "mine": "Mine"}


@require_safe
def action_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    kind = "automation" if request.GET.get("kind") == "automation" else "self-service"
    words = request.GET.get("q", "").strip()
    everything = queries.actions(by)
    found = queries.about(everything, type=kind)
    if words:
        found = found.filter(Q(identifier__icontains=words) | Q(definition__title__icontains=words))
    page = page_of(found, request.GET, key="identifier")
    last, secrets = queries.last_runs(by, page.rows), secrets_there()
    context = {
        "actions": [
            tables.action_row(each, last.get(each.pk), secrets=secrets) | tables.fault_row(each, by)
            for each in page.rows
        ],
        "kind": kind,
        "words": words,
        "tabs": [
            _tab(request, "Self-service", None, kind == "self-service"),
            _tab(request, "Automations", "automation", kind == "automation"),
        ],
        "pager": pager(request.GET, page, counted(found, "action", "actions")),
        "new_url": reverse("actions:action_new", query=_example(kind)) if by.actor.is_admin else None,
    }
    return render(request, "actions/action_list.html", context)


def _tab(request: HttpRequest, label: str, kind: str | None, active: bool) -> Json:
    return {"label": label, "url": address(request.GET, kind=kind, before=None, after=None), "active": active}


def _facts(action: Action, by: By) -> Json:
    secrets = secrets_there()
    return tables.action_row(action, secrets=secrets) | tables.action_facts(action, by, secrets=secrets)


@require_POST
def author(request: HttpRequest, identifier: str) -> HttpResponse:
    """Somebody takes over an automation that is paused."""
    by = by_of(request)
    action = automation_take(queries.action(by, identifier), by=by)
    return go(request, action.get_absolute_url(), say=f"{action.title} goes on, with your rights.")


@require_safe
def action_detail(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    action = queries.action(by, identifier)
    runs = queries.runs(by, Wanted(action=action.identifier))[:8]
    context = {
        "action": _facts(action, by) | tables.fault_row(action, by),
        "inputs": tables.input_rows(action),
        "runs": [tables.run_row(each) for each in runs],
        "list_url": reverse("actions:action_list"),
    }
    return render(request, "actions/action_detail.html", context)


def _example(kind: str) -> Json | None:
    return {"from": "automation"} if kind == "automation" else None


@require_http_methods(["GET", "HEAD", "POST"])
def action_new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "action.write")
    return _edited(request, None, by)


@require_http_methods(["GET", "HEAD", "POST"])
def action_edit(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    action = queries.action(by, identifier)
    require(by, "action.write", blueprint=action.blueprint)
    return _edited(request, action, by)


def _edited(request: HttpRequest, action: Action | None, by: By) -> HttpResponse:
    """The definition, filled in or refused; when it is saved, the action's page."""
    chosen = request.GET.get("from", "")
    example = chosen if chosen in EXAMPLES else next(iter(EXAMPLES))
    form = ActionForm(request.POST or None, action, by=by, example=example)
    if request.method == "POST" and form.is_valid() and (saved := form.save()):
        return go(request, saved.get_absolute_url(), say=f"{saved} is {'saved' if action else 'made'}.")
    context = {
        "form": form,
        "action": action,
        "examples": []
        if action
        else [
            {"label": label, "url": address(request.GET, **{"from": name}), "active": name == example}
            for name, (label, _) in EXAMPLES.items()
        ],
        "back_url": action.get_absolute_url() if action else reverse("actions:action_list"),
        "list_url": reverse("actions:action_list"),
        "delete_url": reverse("admin:actions_action_delete", args=[action.pk])
        if action and by.actor.is_admin
        else None,
    }
    return render(request, form.template, context, status=422 if request.method == "POST" else 200)


@require_http_methods(["GET", "HEAD", "POST"])
def run_new(request: HttpRequest, identifier: str) -> HttpResponse:
    """Asks for a run of an action whose runs somebody fetches; of others the page says how a program asks."""
    by = by_of(request)
    action = queries.action(by, identifier)
    if not tables.may_ask_here(action, by, secrets_there()):
        return HttpResponseRedirect(action.get_absolute_url(), status=303)
    form = RunForm(request.POST or None, action, by=by, entity=request.GET.get("entity", ""))
    if request.method == "POST" and form.is_valid() and (run := form.save()):
        return go(request, run.get_absolute_url(), say=f"{run.title} is asked for.")
    context = {"form": form, "action": _facts(action, by)}
    return render(request, "actions/run_form.html", context, status=422 if request.method == "POST" else 200)


@require_safe
def run_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    if not request.GET.keys() & {"before", "after"}:
        return live(request, "actions/run_list.html", lambda: _runs(request, by), beat=trail.beat())
    return render(request, "actions/run_list.html", _runs(request, by))


def _runs(request: HttpRequest, by: By) -> Json:
    asked = {name: request.GET.get(name, "") for name in ("show", "status", "action", "blueprint", "entity")}
    found = queries.runs(by, _wanted(asked, by))
    page = page_of(found, request.GET, newest_first=True)
    return {
        "runs": [tables.run_row(each) for each in page.rows],
        "asked": asked,
        "filtered": any(asked.values()),
        "statuses": [(status, tables.STATUSES[status][0]) for status in Run.Status.values],
        "tabs": [
            {
                "label": label,
                "url": address(request.GET, show=name, after=None, before=None),
                "active": name == asked["show"],
            }
            for name, label in TABS.items()
        ],
        "pager": pager(request.GET, page, counted(found, "run", "runs")),
        "actions_url": reverse("actions:action_list"),
    }


def _wanted(asked: Json, by: By) -> Wanted:
    status = [asked["status"]] if asked["status"] in Run.Status.values else []
    return Wanted(
        action=asked["action"],
        blueprint=asked["blueprint"],
        entity=asked["entity"],
        statuses=status or (Run.OPEN if asked["show"] == "open" else []),
        creator=by.actor.key if asked["show"] == "mine" else "",
    )


@require_safe
def run_detail(request: HttpRequest, public_id: str) -> HttpResponse:
    by = by_of(request)
    run = queries.run(by, public_id)
    return live(request, "actions/run_detail.html", lambda: _run(run, by), beat=queries.beat(run))


def _run(run: Run, by: By, **more: Any) -> Json:
    lines = list(queries.logs(run).reverse()[: LINES + 1])
    changes = list(queries.changes_seen(by, run)[:50])
    return {
        "run": tables.run_facts(run, by, queries.standing([run])),
        "missing": forges.missing(run.definition, secrets_there()) if run.status == Run.Status.WAITING else "",
        "lines": tables.log_rows(lines[:LINES][::-1]),
        "cut": len(lines) > LINES,
        "approvals": tables.approval_rows(queries.approvals(run), queries.waiting_for(run)),
        "changes": tables.change_rows(changes),
        "list_url": reverse("actions:run_list"),
        **more,
    }


@require_POST
def end(request: HttpRequest, public_id: str) -> HttpResponse:
    """Somebody says by hand how it went: who asked for it, or an administrator."""
    by = by_of(request)
    run = queries.run(by, public_id)
    status = request.POST.get("status", "")
    return _told(request, run, by, lambda: run_update(run, {"status": status}, by=by), f"{run.title} has ended.")


@require_POST
def decision(request: HttpRequest, public_id: str) -> HttpResponse:
    by = by_of(request)
    run = queries.run(by, public_id)
    body = {"status": request.POST.get("status", ""), "description": request.POST.get("description", "").strip()}
    word = "approved" if body["status"] == "APPROVE" else "declined"
    return _told(request, run, by, lambda: run_decide(run, body, by=by), f"{run.title} is {word}.")


def _told(request: HttpRequest, run: Run, by: By, command: Any, say: str) -> HttpResponse:
    try:
        command()
    except Invalid as error:
        return _refused(request, run, by, error)
    return done(request, run.get_absolute_url(), say=say)


def _refused(request: HttpRequest, run: Run, by: By, error: PortalError) -> HttpResponse:
    fresh = queries.run(by, run.public_id)
    return render(request, "actions/run_detail.html", _run(fresh, by, problem=error.message), status=error.status)


@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """The runs of one entity, for its page."""
    by = by_of(request)
    blueprint, entity = (request.GET.get(name, "") for name in ("blueprint", "entity"))
    wanted = Wanted(blueprint=blueprint, entity=entity)

    def context() -> Json:
        found, secrets = queries.runs(by, wanted), secrets_there()
        return {
            "runs": [tables.run_row(each) for each in found[:20]],
            "count_text": counted(found, "run", "runs"),
            "entity": entity,
            "actions": [
                tables.action_row(each, secrets=secrets) | tables.action_facts(each, by, secrets=secrets)
                for each in queries.for_entity(by, blueprint)
            ],
            "all_url": reverse("actions:run_list", query={"blueprint": blueprint, "entity": entity}),
        }

    return live(request, "actions/panel.html", context, beat=trail.beat(), partial="panel")


@require_safe
def elsewhere(request: HttpRequest) -> HttpResponse:
    run = queries.run(by_of(request), request.GET.get("runId", ""))
    return HttpResponseRedirect(run.get_absolute_url())
