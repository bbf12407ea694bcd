"""What a Prometheus counts of a running service: its requests, its errors, and how long 95 of 100 take at most.

Prometheus is asked by three questions, which the operator writes down and a service may have of its own. A name goes
into a question as text between double quotes, whatever is in it. Whatever comes back instead of numbers is a sentence.
"""

import json
import math
import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from catalog.models import Entity
from portal.kit import outgoing

NAMES = ("requests", "errors", "p95")
TIMEOUT = 4.0  # seconds
PAUSE = 10.0  # seconds in which a Prometheus that did not answer is left alone
LONGEST = 4000  # characters of a question
ENOUGH = 0.9  # of the values, not to speak of those that are missing
_PLACEHOLDER = re.compile(r"\{(service|environment)\}")


@dataclass(frozen=True)
class Window:
    """The time that is looked at: `seconds` of it, a value each `step` seconds."""

    name: str
    word: str
    seconds: int
    step: int

    def span(self, now: float) -> tuple[int, int]:
        """Its ends, in seconds since 1970: the same for all who ask within a step."""
        end = int(now // self.step) * self.step
        return end - self.seconds, end


WINDOWS = {
    each.name: each
    for each in (
        Window("1h", "Hour", 3600, 15),
        Window("6h", "6 hours", 6 * 3600, 60),
        Window("1d", "Day", 86400, 300),
        Window("7d", "7 days", 7 * 86400, 1800),
    )
}


@dataclass(frozen=True)
class Series:
    """`points`: (seconds since 1970, value), by time, with None where there is none. `fault` says why there are no points,
    `notes` what is to be known of those there are; both are sentences."""

    name: str
    query: str = ""
    points: tuple[tuple[float, float | None], ...] = ()
    fault: str = ""
    notes: tuple[str, ...] = ()

    @property
    def values(self) -> list[float]:
        return [value for _, value in self.points if value is not None]


class Wrong(Exception):
    """A sentence."""


def is_configured() -> bool:
    return bool(settings.PROMETHEUS_URL)


def queries_of(service: Entity, environment: Entity) -> dict[str, str]:
    """The three questions with the names in them, or a sentence after “!” that says why one cannot be asked."""
    own = service.properties.get("metricQueries") if settings.PROMETHEUS_OWN_QUERIES else None
    named = own if isinstance(own, Mapping) else {}
    asked = {}
    for name in NAMES:
        template = named.get(name) or settings.PROMETHEUS_QUERIES[name]
        try:
            asked[name] = filled(template, service=service.identifier, environment=environment.identifier)
        except Wrong as wrong:
            asked[name] = f"!{wrong}"
    return asked


def filled(template: object, **names: str) -> str:
    """The question with the names where `{service}` and `{environment}` stand. Raises Wrong, with a sentence."""
    if not isinstance(template, str) or len(template) > LONGEST:
        raise Wrong(f"The question has to be a text of at most {LONGEST} characters.")
    if "\0" in template:
        raise Wrong("The question may not hold a NUL.")
    quoted = _quoted(template)
    for found in _PLACEHOLDER.finditer(template):
        if quoted[found.start()] != '"':
            raise Wrong(f"In the question {found[0]} has to stand between double quotes.")
    return _PLACEHOLDER.sub(lambda found: escaped(names[found[1]]), template)


def escaped(text: str) -> str:
    """As it is written between double quotes in PromQL."""
    made = text.replace("\\", "\\\\").replace('"', '\\"')
    return re.sub(r"[\x00-\x1f\x7f]", lambda found: f"\\x{ord(found[0]):02x}", made)


def _quoted(text: str) -> list[str]:
    """Of each character, the quotes that it stands between, or none."""
    inside, marks, skip = "", [], False
    for each in text:
        marks.append(inside)
        if skip:
            skip = False
        elif inside and each == "\\" and inside != "`":
            skip = True
        elif inside:
            inside = "" if each == inside else inside
        elif each in "\"'`":
            inside = each
    return marks


def read(queries: Mapping[str, str], window: Window, now: float) -> list[Series]:
    """All three at once, each by itself: one that fails leaves the others."""
    if _silence.lasts:
        return [Series(name, query, fault=_silence.why) for name, query in queries.items()]
    with ThreadPoolExecutor(max_workers=len(NAMES)) as pool:
        return list(pool.map(lambda item: _series(item[0], item[1], window, now), queries.items()))


class _Silence:
    """While a Prometheus does not answer, nobody waits for it anew."""

    until, why = 0.0, ""

    @property
    def lasts(self) -> bool:
        return time.monotonic() < self.until

    def begin(self, why: str) -> None:
        self.until, self.why = time.monotonic() + PAUSE, why

    def end(self) -> None:
        self.until = 0.0


_silence = _Silence()


def _series(name: str, query: str, window: Window, now: float) -> Series:
    if query.startswith("!"):
        return Series(name, fault=query[1:])
    start, end = window.span(now)
    try:
        data, notes = _asked({"query": query, "start": str(start), "end": str(end), "step": str(window.step)})
        points, more = _points(data, start, end, window.step)
    except Wrong as wrong:
        return Series(name, query, fault=str(wrong))
    return Series(name, query, tuple(points), notes=(*more, *notes))


def _asked(values: dict[str, str]) -> tuple[Any, list[str]]:
    headers = {"Accept": "application/json"}
    if settings.PROMETHEUS_TOKEN:
        headers["Authorization"] = f"Bearer {settings.PROMETHEUS_TOKEN}"
    url = f"{settings.PROMETHEUS_URL}/api/v1/query_range?{urlencode(values)}"
    try:
        answer = outgoing.call("GET", url, None, headers, timeout=TIMEOUT)
    except outgoing.NotAllowed as error:
        raise Wrong(f"Prometheus may not be called. {error}") from error
    except outgoing.NoAnswer as error:
        _silence.begin(f"Prometheus gave no answer: {error}")
        raise Wrong(_silence.why) from error
    return _told(answer)


def _told(answer: outgoing.Answer) -> tuple[Any, list[str]]:
    if answer.status in {401, 403}:
        raise Wrong(f"Prometheus does not let the portal in ({answer.status}): see PORTCULLIS_PROMETHEUS_TOKEN.")
    if answer.status == 200 and len(answer.body) >= outgoing.MOST_BYTES:
        raise Wrong("The answer is larger than 64 KiB: the question has to come to one series, such as by sum(…).")
    body = _json(answer.body)
    if answer.status != 200 or body.get("status") != "success":
        why = _line(body.get("error")) or f"status {answer.status}"
        could = "could not answer" if answer.status >= 500 else "refuses the question"
        raise Wrong(f"Prometheus {could}: {why.rstrip('.')}.")
    warnings = body.get("warnings")
    notes = [f"Prometheus warns: {_line(each).rstrip('.')}." for each in _listed(warnings)[:3]]
    return body.get("data"), notes


def _json(raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw)
    except (ValueError, RecursionError):
        body = None
    return body if isinstance(body, dict) else {}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _line(value: object) -> str:
    return " ".join(str(value or "").split())[:300]


def _points(data: Any, start: int, end: int, step: int) -> tuple[list[tuple[float, float | None]], list[str]]:
    """On the grid that was asked for, so that a gap shows as one."""
    if not isinstance(data, dict) or data.get("resultType") != "matrix" or not isinstance(data.get("result"), list):
        raise Wrong("Prometheus answers something else than numbers over time.")
    result = data["result"]
    if not result:
        raise Wrong("Prometheus has no such series in this time.")
    try:
        told = [(float(at), float(value)) for at, value in result[0]["values"]]
        known = {round((at - start) / step): value for at, value in told if math.isfinite(at)}
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise Wrong("Prometheus answers something else than numbers over time.") from error
    grid = [(float(at), _finite(known.get(place))) for place, at in enumerate(range(start, end + 1, step))]
    if all(value is None for _, value in grid):
        raise Wrong("Nothing was counted in this time: every value is NaN.")
    return grid, list(_notes(len(result), known.values(), grid))


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None


def _notes(series: int, values: Iterable[float], grid: Sequence[tuple[float, float | None]]) -> Iterator[str]:
    if series > 1:
        yield f"The question comes to {series} series; only the first is drawn."
    if any(map(math.isinf, values)):
        yield "Infinite values are left out."
    share = sum(value is not None for _, value in grid) / len(grid)
    if share < ENOUGH:
        yield f"There are numbers for {max(1, round(100 * share))} % of this time only."
