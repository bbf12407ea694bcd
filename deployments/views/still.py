from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone

from deployments.moments import past, stamp
from portal.kit.addresses import address
from portal.kit.errors import Invalid
from portal.kit.live import with_parts

STEPS = (("a day earlier", -timedelta(days=1)), ("an hour earlier", -timedelta(hours=1)),
         ("an hour later", timedelta(hours=1)), ("a day later", timedelta(days=1)))  # fmt: skip

AGO = (("an hour ago", timedelta(hours=1)), ("a day ago", timedelta(days=1)), ("a week ago", timedelta(weeks=1)))


@dataclass(frozen=True)
class Moment:
    """The instant that a query string names; now without one. `fault` says what is wrong with it."""

    query: QueryDict
    name: str
    text: str = ""
    at: datetime | None = None
    fault: str = ""

    @classmethod
    def read(cls, query: QueryDict, name: str = "at") -> "Moment":
        text = query.get(name, "").strip()[:50]
        if not text:
            return cls(query, name)
        try:
            return cls(query, name, text, at=past(text, name))
        except Invalid as error:
            return cls(query, name, text, fault=error.details["errors"][0]["message"])

    @property
    def is_set(self) -> bool:
        return bool(self.at or self.fault)

    @property
    def typed(self) -> str:
        """As a field of date and time on the viewer's wall has it."""
        return _on_the_wall(self.at) if self.at else ""

    @property
    def offered(self) -> str:
        """What the field begins with: to change one number is quicker than to type six."""
        return self.typed or _on_the_wall(timezone.now())

    @property
    def ago(self) -> list[tuple[str, str]]:
        """What is asked for most, with what that is called."""
        now = timezone.now()
        return [(word, address(self.query, **{self.name: stamp(now - length)})) for word, length in AGO]

    @property
    def now_url(self) -> str:
        return address(self.query, **{self.name: None})

    @property
    def steps(self) -> list[tuple[str, str]]:
        """A little earlier and later, with what that is called; none in the future."""
        if not self.at:
            return []
        last = timezone.now()
        steps = [(word, self.at + length) for word, length in STEPS]
        return [(word, address(self.query, **{self.name: stamp(then)})) for word, then in steps if then < last]

    @property
    def others(self) -> list[tuple[str, str]]:
        """The other keys of the query string, for the form that chooses the instant."""
        return [(key, each) for key, values in self.query.lists() if key != self.name for each in values if each]


def _on_the_wall(at: datetime) -> str:
    return timezone.localtime(at).strftime("%Y-%m-%dT%H:%M")


def still(
    request: HttpRequest, template: str, moment: Moment, context: Callable[[], dict[str, Any]], *, partial: str = "live"
) -> HttpResponse:
    """A page at an instant of the past, which does not refresh itself. An instant that makes no sense is told, with 422."""
    fragment = bool(request.htmx) and not request.htmx.boosted  # type: ignore[attr-defined]
    name = f"{template}#{partial}" if fragment else template
    if moment.fault:
        return render(request, name, {"moment": moment}, status=422)
    shown = context()
    return with_parts(request, name, shown) if "parts" in shown else render(request, name, shown)
