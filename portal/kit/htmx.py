from django.http import HttpRequest, HttpResponse
from django.shortcuts import resolve_url
from django_htmx.http import HttpResponseLocation


def done(request: HttpRequest, to: str) -> HttpResponse:
    """After a form that was taken in: htmx is told where to go on, a plain form is sent there with 303."""
    url = resolve_url(to)
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseLocation(url)
    return HttpResponse(status=303, headers={"Location": url})
