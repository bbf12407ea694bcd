"""Asks a probe's question once and judges the answer. Whatever the other side does, it ends in time and never raises."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings

from deployments.health import paths, specs
from deployments.health.models import Kind, Probe
from deployments.health.results import Result
from deployments.health.states import Outcome
from portal.kit import outgoing
from portal.kit.clock import iso
from portal.kit.errors import Conflict
from portal.kit.outgoing import Answer, NoAnswer, NotAllowed, NotAsked
from portal.kit.seal import unseal

Json = dict[str, Any]
# What is wrong, and whether it is only that something is off.
Fault = tuple[str, Json, bool]

LONGEST_VALUE = 200


def ask(probe: Probe, at: datetime) -> Result:
    """`at` is when it was asked. What cannot be asked at all, for a reason of our own, is no data."""
    try:
        return _told_by_http(probe, at) if probe.kind == Kind.HTTP else _told_by_tcp(probe, at)
    except (NotAsked, NotAllowed, Conflict) as reason:
        return _result(probe, at, Outcome.NO_DATA, reason=str(reason))
    except NoAnswer as silence:
        return _result(probe, at, Outcome.FAILED, answered=False, reason=str(silence))


def _told_by_http(probe: Probe, at: datetime) -> Result:
    spec = probe.spec
    port = outgoing.check(spec["url"])
    _check_port(port)
    sent = spec.get("send")
    headers = {"User-Agent": f"Portcullis/{settings.VERSION}"} | sent_headers(probe)
    body = sent.encode() if sent is not None else None
    answer = outgoing.call(spec.get("method", "GET"), spec["url"], body, headers, timeout=probe.timeout)
    data = _json(answer.body) if _needs_json(spec) else None
    version = _version(spec, answer, data)
    faults = [*_wrong(spec, answer, data), *_late(spec, answer.seconds)]
    faults += [*_ending(spec, answer.certificate_ends, at), *_other_version(spec, version)]
    return _judged(probe, at, answer.seconds, faults, status=answer.status, run_version=version)


def _told_by_tcp(probe: Probe, at: datetime) -> Result:
    spec = probe.spec
    _check_port(spec["port"])
    secure = bool(spec.get("tls") or spec.get("tls_days"))
    reached = outgoing.reach(spec["host"], spec["port"], secure=secure, timeout=probe.timeout)
    faults = [*_late(spec, reached.seconds), *_ending(spec, reached.certificate_ends, at)]
    return _judged(probe, at, reached.seconds, faults)


def sent_headers(probe: Probe) -> dict[str, str]:
    return dict(json.loads(unseal(probe.headers))) if probe.headers else {}


def _check_port(port: int) -> None:
    if not specs.is_port_allowed(port):
        raise NotAllowed(f"Port {port} is none that probes may call; PORTCULLIS_HEALTH_PORTS names them.")


def _judged(probe: Probe, at: datetime, seconds: float, faults: list[Fault], **more: Any) -> Result:
    worse = [each for each in faults if not each[2]] or faults
    outcome = Outcome.OK if not faults else Outcome.DEGRADED if worse[0][2] else Outcome.FAILED
    values: Json = {}
    for _, found, _ in faults:
        values |= found
    reason = " ".join(words for words, _, _ in worse)
    return _result(probe, at, outcome, ms=round(seconds * 1000), reason=reason, values=values, **more)


def _result(probe: Probe, at: datetime, outcome: Outcome, **more: Any) -> Result:
    return Result(probe.pk, at, outcome, lease=probe.lease, **more)


def _wrong(spec: Json, answer: Answer, data: Any) -> Iterator[Fault]:
    wanted = spec.get("status") or ["200-299"]
    if not specs.accepts(wanted, answer.status):
        said = ", ".join(map(str, wanted))
        yield f"It answered {answer.status} where {said} is expected.", {"status": answer.status}, False
    for each in spec.get("conditions") or []:
        yield from _unmet(each, answer, data)


def _unmet(condition: Json, answer: Answer, data: Any) -> Iterator[Fault]:
    name, found = _found(condition, answer, data)
    [test] = condition.keys() - {"path", "header"}
    wanted = condition[test]
    if not _holds(test, wanted, found):
        shown = None if found is paths.MISSING else _short(found)
        words = "is not there" if found is paths.MISSING else f"is {_spoken(found)}"
        yield f"{name} {words}, and should {_should(test, wanted)}.", {name: shown}, False


def _found(condition: Json, answer: Answer, data: Any) -> tuple[str, Any]:
    if "path" in condition:
        path = condition["path"]
        return path, paths.MISSING if data is paths.MISSING else paths.value_at(data, path)
    if "header" in condition:
        value = answer.headers.get(condition["header"])
        return condition["header"], paths.MISSING if value is None else _clean(value)
    return "The answer", answer.body.decode(errors="replace")


def _holds(test: str, wanted: Any, found: Any) -> bool:
    if test == "exists":
        return bool((found is not paths.MISSING) == wanted)
    if found is paths.MISSING:
        return False
    if test == "contains":
        return bool(wanted in (found if isinstance(found, str | list) else str(found)))
    if test in ("at_least", "at_most"):
        number = _number(found)
        return number is not None and (number >= wanted if test == "at_least" else number <= wanted)
    return _same(found, wanted) == (test == "equals")


def _same(found: Any, wanted: Any) -> bool:
    """1 is not true, as it is for Python."""
    return isinstance(found, bool) == isinstance(wanted, bool) and bool(found == wanted)


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


def _should(test: str, wanted: Any) -> str:
    if test == "exists":
        return "be there" if wanted else "not be there"
    words = {
        "equals": "be",
        "not_equals": "not be",
        "contains": "hold",
        "at_least": "be at least",
        "at_most": "be at most",
    }
    return f"{words[test]} {_spoken(wanted)}"  # fmt: skip


def _late(spec: Json, seconds: float) -> Iterator[Fault]:
    limit, ms = spec.get("slow_ms"), round(seconds * 1000)
    if limit and ms > limit:
        yield f"It took {ms:,} ms; {limit:,} are expected.", {"ms": ms}, True


def _ending(spec: Json, ends: datetime | None, at: datetime) -> Iterator[Fault]:
    days = spec.get("tls_days") or specs.TLS_DAYS
    if ends and ends - at < timedelta(days=days):
        left = max((ends - at).days, 0)
        yield f"Its certificate ends in {left} days.", {"certificate_ends": iso(ends)}, True


def _other_version(spec: Json, version: str) -> Iterator[Fault]:
    wanted = (spec.get("version") or {}).get("expect")
    if wanted and version and version != wanted:
        yield f"Version {version} runs where {wanted} is expected.", {"version": version}, True


def _version(spec: Json, answer: Answer, data: Any) -> str:
    """Empty where it does not say. What is no text and no number is none."""
    told = spec.get("version")
    if not told:
        return ""
    if "header" in told:
        value: Any = answer.headers.get(told["header"], "")
    else:
        value = paths.MISSING if data is paths.MISSING else paths.value_at(data, told["path"])
    is_plain = isinstance(value, str | int | float) and not isinstance(value, bool)
    return _clean(str(value))[:300].strip() if is_plain else ""


def _needs_json(spec: Json) -> bool:
    return any("path" in each for each in [*(spec.get("conditions") or []), spec.get("version") or {}])


def _json(body: bytes) -> Any:
    """MISSING for what is none: cut off, packed, too deep, or anything else."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return paths.MISSING


def _short(value: Any) -> Any:
    """As much of it as is kept: PostgreSQL takes no U+0000, and no half of a pair."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if abs(value) < 2**53 else str(value)[:LONGEST_VALUE]
    text = value if isinstance(value, str) else json.dumps(value)
    return _clean(text)[:LONGEST_VALUE]


def _spoken(value: Any) -> str:
    shown = _short(value)
    return f"“{shown[:80]}”" if isinstance(shown, str) else json.dumps(shown)


def _clean(text: str) -> str:
    return text.replace("\0", "�").encode("utf-8", "replace").decode()
