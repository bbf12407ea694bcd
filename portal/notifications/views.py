from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.accounts.viewer import by_of
from portal.notifications import queries


@require_safe
def listed(request: HttpRequest) -> HttpResponse:
    return render(request, "notifications/list.html", {"rows": queries.routes(by_of(request))})
