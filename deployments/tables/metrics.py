"""What Prometheus counts of a service, drawn: a line for each question, and where it was deployed."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from deployments.models import Deployment
from deployments.prometheus import Series
from portal.kit.templatetags.kit import absolute, clock

Row = dict[str, Any]

WIDE, HIGH = 1000, 100
TITLES = {"requests": ("Requests", "a second"), "errors": ("Errors", "a second"), "p95": ("95 of 100 within", "")}


def metric_rows(found: Sequence[Series], start: int, end: int, deployed: Iterable[Deployment]) -> list[Row]:
    marks = _marks(deployed, start, end)
    return [_row(each, start, end, marks) for each in found]


def _row(series: Series, start: int, end: int, marks: list[Row]) -> Row:
    title, unit = TITLES[series.name]
    row: Row = {"name": series.name, "title": title, "unit": unit, "fault": series.fault, "notes": series.notes}
    if series.fault:
        return row
    values, top = series.values, max(series.values)
    said = {
        name: shown(series.name, value) for name, value in (("least", min(values)), ("most", top), ("last", values[-1]))
    }
    lines = [_line(part, start, end, top) for part in _parts(series.points)]
    label = f"{title}: {said['last']} {unit} last, between {said['least']} and {said['most']}".replace("  ", " ")
    until = next(at for at, value in reversed(series.points) if value is not None)
    stale = datetime.fromtimestamp(until, UTC) if until < end - (end - start) / 20 else None
    return row | said | {"lines": lines, "label": label, "marks": marks, "stale": stale}


def shown(name: str, value: float) -> str:
    """As one says it: 1,240, 12.3, 0.04; 240 ms, 1.5 s."""
    if name == "p95":
        return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.3g} s"
    if value >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}" if value >= 0.001 or not value else "under 0.001"


def _parts(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """The line is broken where there is no value."""
    runs = (list(run) for known, run in groupby(points, key=lambda point: point[1] is not None) if known)
    return [[(at, value) for at, value in run if value is not None] for run in runs]


def _line(part: Sequence[tuple[float, float]], start: int, end: int, top: float) -> Row:
    """The points of a line, and of what is under it. One alone is drawn as a short line."""
    made = [
        (_x(at, start, end), HIGH - 4 - (HIGH - 12) * (max(value, 0) / top if top > 0 else 0)) for at, value in part
    ]
    if len(made) == 1:
        made.append((made[0][0] + 2, made[0][1]))
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in made)
    return {"points": line, "area": f"{made[0][0]:.1f},{HIGH} {line} {made[-1][0]:.1f},{HIGH}"}


def _x(at: float, start: int, end: int) -> float:
    return WIDE * (at - start) / (end - start)


def _marks(deployed: Iterable[Deployment], start: int, end: int) -> list[Row]:
    found = []
    for each in deployed:
        at = each.happened_at
        if start <= at.timestamp() <= end:
            said = f"{each.version or each.commit[:7]} {each.status}, {absolute(at)}"
            mark = {"x": round(_x(at.timestamp(), start, end)), "said": said, "failed": each.status == "failure"}
            found.append(
                mark | {"url": each.get_absolute_url(), "version": each.version or each.commit[:7], "at": clock(at)}
            )
    return found
