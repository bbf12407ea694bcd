"""How a notice looks in each medium, for previews. Slack's form comes from the app that speaks to Slack."""

from collections.abc import Callable
from typing import Any

from portal.notifications.notice import Notice

Json = dict[str, Any]

_forms: dict[str, Callable[[Notice], Json]] = {}


def register(medium: str, form: Callable[[Notice], Json]) -> None:
    _forms[medium] = form


def form_of(medium: str, notice: Notice) -> Json:
    """{} for a medium that nobody speaks."""
    return _forms[medium](notice) if medium in _forms else {}
