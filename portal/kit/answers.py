"""What a view answers when a form is done: htmx and plain forms want it told differently."""

from collections.abc import Callable

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django_htmx.http import HttpResponseClientRedirect, trigger_client_event

from portal.kit.errors import PortalError


def go(request: HttpRequest, url: str, *, say: str = "", undo: str = "", undo_word: str = "Undo") -> HttpResponse:
    """Leads to another page, which says what was done; a POST to `undo` undoes it."""
    if say:
        # A message carries nothing else beside its text: the address, then the word on the button.
        messages.success(request, say, extra_tags=f"{undo} {undo_word}" if undo else "")
    if request.htmx:  # type: ignore[attr-defined]
        return HttpResponseClientRedirect(url)
    return HttpResponse(status=303, headers={"Location": url})


def done(request: HttpRequest, url: str, *, say: str) -> HttpResponse:
    """Stays where the person is: the live parts of the page refresh. A plain form goes back, or to `url`."""
    if not request.htmx:  # type: ignore[attr-defined]
        return go(request, _back(request) or url, say=say)
    response = HttpResponse(status=204)
    trigger_client_event(response, "announce", {"message": say})
    return trigger_client_event(response, "refresh", {})


def told(request: HttpRequest, deed: Callable[[], object], url: str, say: str) -> HttpResponse:
    """Does it, and stays as after `done`; what is refused says why. Without htmx the error page says it."""
    try:
        deed()
    except PortalError as error:
        if not request.htmx:  # type: ignore[attr-defined]
            raise
        return refused(error.message)
    return done(request, url, say=say)


def refused(why: str) -> HttpResponse:
    """To htmx: nothing is swapped, and the reason is announced."""
    return trigger_client_event(HttpResponse(status=422), "announce", {"message": why})


def _back(request: HttpRequest) -> str:
    """The page the form was on, if it is one of ours."""
    here = request.headers.get("Referer", "")
    ours = url_has_allowed_host_and_scheme(here, {request.get_host()}, require_https=request.is_secure())
    return here if ours else ""
