from django.http import HttpRequest

from portal.accounts.queries import actor_of_user
from portal.kit.by import By, Door


def by_of(request: HttpRequest, door: Door = "page") -> By:
    """Who is at the page, for commands and queries."""
    return By(actor_of_user(request.user), door, request.trace)  # type: ignore[arg-type,attr-defined]
