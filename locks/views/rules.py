from datetime import timedelta
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from locks import queries
from locks.commands import lock_rule_delete
from locks.forms import RuleForm
from locks.models import LockRule
from locks.tables.rules import evidence_row, hold_row, rule_event_row, rule_row, times, would_rows
from portal.accounts.policy import allows, require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.clock import database_now, in_words
from portal.kit.errors import PortalError
from portal.kit.live import live

Json = dict[str, Any]
SHOWN = 50
PREVIEWED = 8
MINUTE = timedelta(minutes=1)


@require_safe
def rule_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    return live(request, "locks/rule_list.html", lambda: _list(by), beat=queries.rules_beat())


def _list(by: By) -> Json:
    found = list(queries.rules(by))
    counts = queries.holds_counted(by, found, database_now())
    names = queries.names_of_rules(by, found)
    rows = [rule_row(each, names[each.pk], counts.get(each.pk, (0, 0)), by) for each in found]
    return {"rules": rows, "may_change": allows(by.actor, "lock_rule.write"), "live_url": reverse("locks:rule_list")}


@require_safe
def rule_detail(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    rule = queries.rule(by, public_id)
    return live(request, "locks/rule_detail.html", lambda: _detail(rule, by), beat=queries.rules_beat())


def _detail(rule: LockRule, by: By) -> Json:
    now = database_now()
    counts = queries.holds_counted(by, [rule], now).get(rule.pk, (0, 0))
    holds = list(queries.holds_of(by, rule)[: SHOWN + 1])
    rows = [hold_row(each, now) for each in holds[:SHOWN]]
    return {
        "rule": rule_row(rule, queries.names_of_rules(by, [rule])[rule.pk], counts, by),
        "holds": rows,
        "more": len(holds) > SHOWN,
        "standing": sum(each["on"] and not each["dry"] for each in rows),
        "let_be": [evidence_row(each) for each in queries.let_be(by, rule)[:20]],
        "events": [rule_event_row(each) for each in queries.history_of_rule(by, rule)[:20]],
        "live_url": rule.get_absolute_url(),
    }


@require_http_methods(["GET", "HEAD", "POST"])
def rule_new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "lock_rule.write")
    if request.method == "POST":
        return _saved(request, RuleForm(request.POST, by=by), "Made")
    return _form(request, RuleForm(by=by))


@require_http_methods(["GET", "HEAD", "POST"])
def rule_edit(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    require(by, "lock_rule.write")
    rule = queries.rule(by, public_id)
    if request.method == "POST":
        return _saved(request, RuleForm(request.POST, by=by, rule=rule), "Changed")
    return _form(request, RuleForm(by=by, rule=rule))


def _saved(request: HttpRequest, form: RuleForm, deed: str) -> HttpResponse:
    if form.is_valid() and (rule := form.save()):
        return go(request, rule.get_absolute_url(), say=f"{deed} the rule “{rule.name}”.")
    return _form(request, form, 422)


def _form(request: HttpRequest, form: RuleForm, status: int = 200) -> HttpResponse:
    name = "locks/rule_form.html" + ("#form" if request.htmx else "")  # type: ignore[attr-defined]
    rule = form.rule
    back = rule.get_absolute_url() if rule else reverse("locks:rule_list")
    asked = {"of": str(rule.public_id)} if rule else None
    preview = reverse("locks:rule_preview", query=asked)
    return render(request, name, {"form": form, "rule": rule, "back_url": back, "preview_url": preview}, status=status)


@require_POST
def rule_preview(request: HttpRequest) -> HttpResponse:
    """What the rule in the form would have locked in the last 30 days."""
    by = by_of(request)
    require(by, "lock_rule.write")
    rule = queries.rule(by, request.GET["of"]) if request.GET.get("of") else None
    form = RuleForm(request.POST, by=by, rule=rule)
    if not request.POST.getlist("on"):
        return render(request, "locks/_rule_preview.html", {"waits": True})
    try:
        draft = form.draft()
    except PortalError as error:
        return render(request, "locks/_rule_preview.html", {"fault": error.message})
    now = database_now()
    history = queries.health_told(now)
    found = queries.replayed(draft, history, now=now)
    total = sum(((each.ended_at or now) - each.began_at for each in found), start=now - now)
    shown = {
        "times": times(len(found)) if found else "",
        "rows": would_rows(found[:PREVIEWED], now),
        "more": len(found) - PREVIEWED if len(found) > PREVIEWED else 0,
        "total": in_words(total) if total >= MINUTE else "less than a minute",
        "heard": len(history.signs),
        "cut": history.cut,
        "unknown": queries.unknown_names(by, draft),
    }
    return render(request, "locks/_rule_preview.html", shown)


@require_POST
def rule_deletion(request: HttpRequest, public_id: UUID) -> HttpResponse:
    by = by_of(request)
    rule = queries.rule(by, public_id)
    lock_rule_delete(rule, by=by)
    return go(
        request,
        reverse("locks:rule_list"),
        say=f"The rule “{rule.name}” is deleted. Locks that it took stay until they end.",
    )
