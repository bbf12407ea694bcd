from typing import Any

from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from deployments.environments import queries, tables
from deployments.environments.commands import template_delete
from deployments.environments.commands.trials import template_try
from deployments.environments.forms import TemplateForm
from deployments.environments.models import State, Template
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import go
from portal.kit.by import By
from portal.kit.errors import PortalError

Json = dict[str, Any]

PAGE = "environments/template_form.html"


@require_safe
def template_list(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "environment_template.write")
    living = Count("environments", filter=~Q(environments__state=State.TORN_DOWN))
    rows = [tables.template_row(each, by, each.alive) for each in queries.templates(by).annotate(alive=living)]
    context = {"templates": rows, "new_url": reverse("environments:template_new")}
    return render(request, "environments/template_list.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
def template_new(request: HttpRequest) -> HttpResponse:
    by = by_of(request)
    require(by, "environment_template.write")
    return _edit(request, None, by)


@require_http_methods(["GET", "HEAD", "POST"])
def template_edit(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    require(by, "environment_template.write")
    return _edit(request, queries.template(by, identifier), by)


def _edit(request: HttpRequest, template: Template | None, by: By) -> HttpResponse:
    deed = request.POST.get("do", "")
    form = TemplateForm.redone(request.POST, template, deed) if deed else TemplateForm(request.POST or None, template)
    tried: list[Json] | None = None
    if request.method == "POST" and form.is_valid():
        if "try" in request.POST:
            tried = _tried(form, template, by)
        elif saved := form.save(by):
            return go(request, reverse("environments:template_list"), say=f"The template {saved} is saved.")
    context = {
        "form": form,
        "template": tables.template_row(template, by) if template else None,
        "delete_url": reverse("environments:template_deletion", args=[template.identifier]) if template else "",
        "list_url": reverse("environments:template_list"),
        "tried": tried,
    }
    page = f"{PAGE}#form" if request.htmx else PAGE  # type: ignore[attr-defined]
    return render(request, page, context, status=422 if form.errors else 200)


def _tried(form: TemplateForm, template: Template | None, by: By) -> list[Json] | None:
    try:
        return template_try(template, form.wished(), secret=form.cleaned_data["secret"], by=by)
    except PortalError as error:
        form.refuse(error)
        return None


@require_POST
def template_deletion(request: HttpRequest, identifier: str) -> HttpResponse:
    by = by_of(request)
    template = queries.template(by, identifier)
    template_delete(template, by=by)
    return go(request, reverse("environments:template_list"), say=f"The template {template} is deleted.")
