"""Numbers of the demo's services, in the shape of Prometheus' HTTP API: requests, errors and p95 of each place.

Made up, but steady: the same instant has the same number at each asking. A place that is broken shows it from then on.
"""

import hashlib
import math
import re
from typing import Any

MOST_POINTS = 11_000  # as Prometheus has it
LABEL = r'{name}="((?:[^"\\]|\\.)*)"'
Answer = tuple[int, dict[str, Any]]


def answer(asked: dict[str, list[str]], places: dict[str, dict[str, Any]], now: float) -> Answer:
    query = "".join(asked.get("query", []))
    try:
        start, end, step = (float(asked[name][0]) for name in ("start", "end", "step"))
    except (KeyError, ValueError):
        return _bad("start, end and step have to be numbers")
    if not query:
        return _bad("1:1: parse error: no expression found in input")
    if not step > 0 or not end >= start or (end - start) / step > MOST_POINTS:
        return _bad("exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution.")
    name = "/".join(_label(query, label) for label in ("service", "environment"))
    place = places.get(name)
    return 200, {
        "status": "success",
        "data": {"resultType": "matrix", "result": _series(query, name, place, start, end, step, now)},
    }


def _bad(why: str) -> Answer:
    return 400, {"status": "error", "errorType": "bad_data", "error": why}


def _label(query: str, name: str) -> str:
    found = re.search(LABEL.format(name=name), query)
    return re.sub(r"\\(.)", r"\1", found[1]) if found else ""


def _series(
    query: str, name: str, place: dict[str, Any] | None, start: float, end: float, step: float, now: float
) -> list[Any]:
    if place is None or place.get("heartbeat"):
        return []
    value = _p95 if "duration" in query else _errors if "5.." in query else _rate
    steps = range(int((min(end, now) - start) / step) + 1)
    return [
        {"metric": {}, "values": [[at, f"{value(name, place, at):.4f}"] for at in (start + n * step for n in steps)]}
    ]


def _rate(name: str, place: dict[str, Any], at: float) -> float:
    base = 5 + _chance(name) * 60
    day = 1 + 0.45 * math.sin(2 * math.pi * (at / 86400 - 0.3))
    return (
        base * day * (1 + 0.12 * (_chance(name, int(at // 60)) - 0.5)) * (0.25 if _is(place, at, "hang", "drop") else 1)
    )


def _errors(name: str, place: dict[str, Any], at: float) -> float:
    """Those of a second."""
    share = 0.85 if _is(place, at, "error", "hang", "drop") else 0.06 if _is(place, at, "database") else 0.002
    return _rate(name, place, at) * share * (0.7 + 0.6 * _chance(name, int(at // 60), "errors"))


def _p95(name: str, place: dict[str, Any], at: float) -> float:
    """In seconds."""
    base = 0.08 + 0.25 * _chance(name, 0, "p95")
    slow = 1.5 if _is(place, at, "slow") else 10 if _is(place, at, "hang") else 0.3 if _is(place, at, "database") else 0
    return slow + base * (0.85 + 0.3 * _chance(name, int(at // 60), "took"))


def _is(place: dict[str, Any], at: float, *modes: str) -> bool:
    return place["mode"] in modes and at >= place["since"]


def _chance(*parts: Any) -> float:
    return hashlib.blake2b(repr(parts).encode(), digest_size=2).digest()[0] / 255
