from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods

from catalog import queries, tables
from catalog.forms.permissions import PermissionsForm
from portal.accounts.policy import require
from portal.accounts.viewer import by_of
from portal.kit.answers import go


@require_http_methods(["GET", "HEAD", "POST"])
def permissions(request: HttpRequest, blueprint: str) -> HttpResponse:
    """Who may see, add, change and delete a blueprint's entities; for those who may change the blueprint."""
    by = by_of(request)
    kind = queries.readable_blueprint(by, blueprint)
    require(by, "blueprint.write", blueprint=blueprint)
    form = PermissionsForm(request.POST or None, kind)
    if request.method == "POST" and form.is_valid() and form.save(by):
        return go(request, tables.list_url(blueprint), say=f"The permissions of {kind.title} are saved.")
    context = {"form": form, "blueprint": tables.blueprint_row(kind)}
    return render(request, "catalog/permissions.html", context, status=422 if request.method == "POST" else 200)
