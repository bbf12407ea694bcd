from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from deployments import queries, tables
from portal.accounts.viewer import by_of


@require_safe
def hooks(request: HttpRequest) -> HttpResponse:
    """Where forges and tools send their deployments to, and what to enter there."""
    rows = [tables.hook_row(each) for each in queries.hooks(by_of(request))]
    context = {"rows": rows, "new_url": reverse("admin:deployments_hook_add")}
    return render(request, "deployments/hooks.html", context)
