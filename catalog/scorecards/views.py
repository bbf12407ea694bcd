from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from catalog import queries as catalog
from catalog.models import Blueprint
from catalog.scorecards import queries, tables
from catalog.scorecards.commands import scorecard_delete
from catalog.scorecards.forms import Editor, spoken
from catalog.scorecards.models import Scorecard
from catalog.scorecards.queries.rows import RESULT, leaving
from portal.accounts.policy import allows, require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.errors import Invalid
from portal.kit.paging import counted

Json = dict[str, Any]

AS_ENTITIES = (("scorecards", "_scorecard"), ("rules", "_rule"), ("results of rules", "_rule_result"))


@require_safe
def scorecard_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    groups: dict[int, Json] = {}
    for judge in queries.scorecards(by):
        blueprint = judge.blueprint
        group = groups.setdefault(
            blueprint.pk,
            {
                "title": blueprint.title,
                "scorecards": [],
                "teams_url": reverse("scorecards:teams", query={"blueprint": blueprint.identifier}),
            },
        )
        group["scorecards"].append(tables.row(judge))
    context = {
        "groups": list(groups.values()),
        "leaving": counted(leaving(), "result", "results") if leaving().exists() else "",
        "new_url": reverse("scorecards:new") if _may_make(by) else None,
        "tables": [(title, reverse("catalog:entity_list", args=[kind])) for title, kind in AS_ENTITIES],
    }
    return render(request, "scorecards/scorecard_list.html", context)


@require_safe
def shares(request: HttpRequest, pk: int) -> HttpResponse:
    """The levels of a card of the list."""
    by = by_of(request)
    judge = queries.scorecard_by_key(by, pk)
    found = queries.shares(by, judge)
    context = {
        "parts": tables.bar(judge, found.levels),
        "judged": found.judged,
        "scorecard": tables.row(judge),
        "outside": found.outside,
    }
    return render(request, "scorecards/shares.html", context)


@require_safe
def teams(request: HttpRequest) -> HttpResponse:
    """Teams down, the scorecards of a blueprint across."""
    by = by_of(request)
    blueprint = catalog.readable_blueprint(by, request.GET.get("blueprint", ""))
    judges = list(queries.scorecards(by, blueprint))
    found = [{row["team"]: row for row in tables.team_rows(each, queries.by_team(by, each))} for each in judges]
    names = list(dict.fromkeys(team for rows in found for team in rows))
    names.sort(key=lambda team: team == tables.NOT_OWNED)
    context = {
        "blueprint": blueprint.title,
        "scorecards": [tables.row(each) for each in judges],
        "rows": [{"team": team, "cells": [rows.get(team) for rows in found]} for team in names],
    }
    return render(request, "scorecards/teams.html", context)


@require_safe
def scorecard_detail(request: HttpRequest, pk: int) -> HttpResponse:
    by = by_of(request)
    judge = queries.scorecard_by_key(by, pk)
    found = queries.shares(by, judge)
    may_write = tables.may_write(by, judge)
    context = {
        "scorecard": tables.row(judge),
        "parts": tables.bar(judge, found.levels),
        "levels": tables.level_rows(judge, found),
        "rules": tables.rule_rows(judge, found),
        "teams": tables.team_rows(judge, queries.by_team(by, judge)),
        "days": tables.day_bars(judge, queries.days(by, judge)),
        "bounded": queries.is_bounded(by, judge.blueprint),
        "judged": found.judged,
        "judged_url": tables.entities_url(judge, ""),
        "outside": found.outside,
        "outside_url": tables.outside_url(judge),
        "edit_url": reverse("scorecards:edit", args=[pk]) if may_write else None,
        "deletion_url": reverse("scorecards:deletion", args=[pk]) if may_write else None,
    }
    return render(request, "scorecards/scorecard_detail.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def scorecard_new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    asked = request.POST.get("blueprint") or request.GET.get("blueprint")
    blueprints = [each for each in catalog.blueprints(by) if _may_write(by, each) and each.identifier != RESULT]
    if asked:
        blueprint = catalog.readable_blueprint(by, asked)
    else:
        blueprint = next((each for each in blueprints if each.identifier == "service"), None) or (
            blueprints[0] if blueprints else catalog.readable_blueprint(by, "service")
        )
    require(by, "scorecard.write", blueprint=blueprint.identifier)
    return _edited(request, by, blueprint, None, [(each.identifier, each.title) for each in blueprints])


@require_http_methods(["GET", "HEAD", "POST"])
def scorecard_edit(request: HttpRequest, pk: int) -> HttpResponse:
    by = by_of(request)
    judge = queries.scorecard_by_key(by, pk)
    require(by, "scorecard.write", blueprint=judge.blueprint.identifier)
    return _edited(request, by, judge.blueprint, judge, [])


def _edited(
    request: HttpRequest, by: By, blueprint: Blueprint, judge: Scorecard | None, blueprints: list[tuple[str, str]]
) -> HttpResponse:
    editor = Editor(blueprint, judge)
    is_json = request.GET.get("mode") == "json"
    if is_json:
        editor.as_json()
    if request.method == "POST":
        editor.read(request.POST)
        deed = request.POST.get("do", "save")
        if deed != "save":
            editor.do(deed)
        elif saved := editor.save(by):
            return go(request, saved.get_absolute_url(), say=f"“{saved.title}” is saved.")
    context = {
        "editor": editor,
        "scorecard": tables.row(judge) if judge else None,
        "blueprint": blueprint,
        "blueprints": blueprints,
        "is_json": is_json,
        "preview_url": reverse("scorecards:preview"),
        "back_url": judge.get_absolute_url() if judge else reverse("scorecards:scorecard_list"),
        "key": judge.pk if judge else "",
    }
    template = "scorecards/scorecard_form.html"
    if request.htmx:  # type: ignore[attr-defined]
        template += "#form"
    return render(request, template, context, status=422 if editor.is_refused else 200)


@require_POST
def preview(request: HttpRequest) -> HttpResponse:
    """Where the entities would stand by what is typed; nothing is saved."""
    by = by_of(request)
    key = request.POST.get("key", "")
    judge = queries.scorecard_by_key(by, int(key)) if key.isdecimal() and len(key) < 19 else None
    blueprint = judge.blueprint if judge else catalog.readable_blueprint(by, request.POST.get("blueprint", ""))
    require(by, "scorecard.write", blueprint=blueprint.identifier)
    try:
        draft = Editor(blueprint, judge).read(request.POST).draft()
        queries.require_sight(by, blueprint, draft.facts())
    except Invalid as wrong:
        faults = [spoken(each) for each in wrong.details["errors"][:5]]
        return render(request, "scorecards/_preview.html", {"faults": faults})
    then = queries.shares(by, draft)
    now = queries.shares(by, judge) if judge else None
    context = {
        "rows": tables.preview_rows(draft, now, then),
        "rules": tables.rule_rows(draft, then),
        "judged": then.judged,
        "outside": then.outside,
        "has_now": now is not None,
    }
    return render(request, "scorecards/_preview.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def scorecard_deletion(request: HttpRequest, pk: int) -> HttpResponse:
    by = by_of(request)
    judge = queries.scorecard_by_key(by, pk)
    require(by, "scorecard.write", blueprint=judge.blueprint.identifier)
    if request.method == "POST":
        scorecard_delete(judge, by=by)
        return go(request, reverse("scorecards:scorecard_list"), say=f"“{judge.title}” is deleted.")
    context = {"scorecard": tables.row(judge), "judged": queries.shares(by, judge).judged}
    return render(request, "scorecards/scorecard_deletion.html", context)


@require_safe
def panel(request: HttpRequest) -> HttpResponse:
    """How an entity stands by every scorecard of its blueprint."""
    by = by_of(request)
    entity = catalog.entity(by, request.GET.get("blueprint", ""), request.GET.get("entity", ""))
    found = queries.results([entity]).get(entity.pk, [])
    may_edit = tables.may_edit(by, entity)
    context = {
        "ladders": [tables.ladder(each, entity, may_edit=may_edit) for each in found],
        "entity": entity,
    }
    return render(request, "scorecards/panel.html", context)


def _may_make(by: By) -> bool:
    return by.actor.is_admin or any(allows(by.actor, "scorecard.write", blueprint=each) for each in by.actor.moderates)


def _may_write(by: By, blueprint: Blueprint) -> bool:
    return allows(by.actor, "scorecard.write", blueprint=blueprint.identifier)
