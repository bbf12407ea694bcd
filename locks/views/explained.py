from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from locks.forms.explained import ExplainedForm
from portal.accounts.viewer import by_of


@require_safe
def explained(request: HttpRequest) -> HttpResponse:
    """May this be deployed, and which rule says so?"""
    form = ExplainedForm(request.GET or None, by=by_of(request))
    answer = form.answer() if form.is_bound and form.is_valid() else None
    return render(request, "locks/explained.html", {"form": form, "answer": answer}, status=422 if form.errors else 200)
