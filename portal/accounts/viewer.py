from django.http import HttpRequest

from portal.accounts.queries import actor_of_user
from portal.kit.by import Actor, By, Door


def by_of(request: HttpRequest, door: Door = "page") -> By:
    """Who is at the page, for commands and queries. A request asks once what they may do."""
    return By(_actor_of(request), door, request.trace)  # type: ignore[attr-defined]


def _actor_of(request: HttpRequest) -> Actor:
    user, known = request.user, vars(request).get("portal_actor")
    if known is None or known.key != f"user:{user.pk}":
        known = request.portal_actor = actor_of_user(user)  # type: ignore[arg-type,attr-defined]
    return known
