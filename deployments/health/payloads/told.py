from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson

from deployments.health.states import Outcome
from portal.kit.clock import instant
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST = 1000
AHEAD = timedelta(minutes=5)  # clocks differ
MOST_BYTES = 4096
TEXTS = {"probe": 40, "id": 300, "version": 300, "reason": 500, "key": 190}
KEYS = {*TEXTS, "at", "outcome", "answered", "ms", "status", "values"}
PASSED = {"PASSED": Outcome.OK, "FAILED": Outcome.FAILED}
# A webhook of Checkly tells of a change, or that it is still so.
ALERTS = {
    "NO_ALERT": Outcome.OK,
    "ALERT_RECOVERY": Outcome.OK,
    "ALERT_DEGRADED_RECOVERY": Outcome.OK,
    "ALERT_DEGRADED": Outcome.DEGRADED,
    "ALERT_DEGRADED_REMAIN": Outcome.DEGRADED,
    "ALERT_FAILURE_DEGRADED": Outcome.DEGRADED,
    "ALERT_SSL": Outcome.DEGRADED,
    "ALERT_FAILURE": Outcome.FAILED,
    "ALERT_FAILURE_REMAIN": Outcome.FAILED,
    "ALERT_DEGRADED_FAILURE": Outcome.FAILED,
}


@dataclass(frozen=True)
class Told:
    """One result, of the probe with this public id, or of those that `source` knows by `id`."""

    at: datetime
    outcome: str
    key: str
    probe: str = ""
    source: str = "generic"
    id: str = ""
    answered: bool = True
    ms: int | None = None
    status: int | None = None
    version: str = ""
    reason: str = ""
    values: Json = field(default_factory=dict, hash=False)


def told(body: Any, *, now: datetime) -> list[Told]:
    """Of an event of CloudWatch Synthetics, a webhook of Checkly, or readings as docs/health.md has them. Raises Invalid."""
    if not isinstance(body, dict):
        raise Invalid.at("body", "must be an object")
    if body.get("source") == "aws.synthetics":
        return [_cloudwatch(body, now)]
    if "check_id" in body and "alert_type" in body:
        return [_checkly(body, now)]
    readings = body.get("readings", [body])
    if not isinstance(readings, list) or not 1 <= len(readings) <= MOST:
        raise Invalid.at("readings", f"must be a list of 1 to {MOST:,}")
    return [_reading(each, f"readings.{n}" if "readings" in body else "", now) for n, each in enumerate(readings)]


def _cloudwatch(event: Json, now: datetime) -> Told:
    """Both of a run that has ended, and of a canary that was started or stopped: that is no result."""
    detail = event.get("detail")
    if not isinstance(detail, dict) or not _text(detail.get("canary-name"), 300):
        raise Invalid.at("detail.canary-name", "must be the name of a canary")
    line = detail.get("canary-run-timeline")
    line = line if isinstance(line, dict) else {}
    started, completed = _epoch(line.get("started")), _epoch(line.get("completed"))
    at = started or instant(event.get("time"), "time")
    _check_time(at, "detail.canary-run-timeline.started", now)
    reason, run = _text(detail.get("state-reason"), 500), _text(detail.get("canary-run-id"), 100)
    values = {"run": run, "artifacts": _text(detail.get("artifact-location"), 500)}
    return Told(
        at,
        PASSED.get(str(detail.get("test-run-status")), Outcome.NO_DATA),
        f"cloudwatch {run or _text(event.get('id'), 100) or at.isoformat()}",
        source="cloudwatch",
        id=_text(detail["canary-name"], 300),
        ms=_milliseconds((completed - started).total_seconds() * 1000) if started and completed else None,
        reason="" if reason == "null" else reason,
        values={name: value for name, value in values.items() if value},
    )


def _checkly(alert: Json, now: datetime) -> Told:
    if not _text(alert["check_id"], 300):
        raise Invalid.at("check_id", "must be the id of a check")
    at = instant(alert.get("started_at"), "started_at")
    _check_time(at, "started_at", now)
    kind = _text(alert["alert_type"], 100)
    values = {name: _text(alert.get(name), 500) for name in ("check_name", "link", "region", "run_location")}
    return Told(
        at,
        ALERTS.get(kind, Outcome.NO_DATA),
        f"checkly {_text(alert.get('check_result_id'), 60) or at.isoformat()} {kind}"[:200],
        source="checkly",
        id=_text(alert["check_id"], 300),
        ms=_milliseconds(alert.get("response_time")),
        status=_status(alert.get("api_check_response_status_code")),
        reason=_text(alert.get("check_error_message"), 500),
        values={name: value for name, value in values.items() if value},
    )


def _reading(given: Any, path: str, now: datetime) -> Told:
    dot = f"{path}." if path else ""
    if not isinstance(given, dict):
        raise Invalid.at(path or "body", "must be an object")
    at = instant(given.get("at"), f"{dot}at") if given.get("at") is not None else now
    _check_time(at, f"{dot}at", now)
    faults = [{"path": f"{dot}{name}", "message": message} for name, message in _faults(given)]
    if faults:
        raise Invalid.of(faults)
    key = given.get("key")
    return Told(
        at,
        given["outcome"],
        f"key {key}" if key else f"at {at.isoformat()}",
        probe=given.get("probe") or "",
        id=given.get("id") or "",
        answered=given.get("answered") is not False,
        ms=given.get("ms"),
        status=given.get("status"),
        version=given.get("version") or "",
        reason=given.get("reason") or "",
        values=given.get("values") or {},
    )


def _faults(given: Json) -> list[tuple[str, str]]:
    faults = [(name, f"is unknown; there are {', '.join(sorted(KEYS))}") for name in given if name not in KEYS]
    for name, longest in TEXTS.items():
        if given.get(name) is not None and not (isinstance(given[name], str) and len(given[name]) <= longest):
            faults.append((name, f"must be a text of up to {longest} characters"))
    if bool(given.get("probe")) == bool(given.get("id")):
        faults.append(("probe", "say of which probe: its id, or the id in its spec"))
    if given.get("outcome") not in Outcome.values:
        faults.append(("outcome", f"must be one of {', '.join(Outcome.values)}"))
    if not isinstance(given.get("answered"), bool | None):
        faults.append(("answered", "must be true or false"))
    if given.get("ms") is not None and not _is_whole(given["ms"], 0, 86_400_000):
        faults.append(("ms", "must be a whole number of milliseconds within a day"))
    if given.get("status") is not None and not _is_whole(given["status"], 100, 599):
        faults.append(("status", "must be a status from 100 to 599"))
    values = given.get("values")
    if values is not None and not (isinstance(values, dict) and len(orjson.dumps(values)) <= MOST_BYTES):
        faults.append(("values", f"must be an object within {MOST_BYTES:,} bytes"))
    return faults


def _check_time(at: datetime, path: str, now: datetime) -> None:
    if at > now + AHEAD:
        raise Invalid.at(path, "lies in the future")


def _epoch(value: Any) -> datetime | None:
    """Seconds since 1970, with a fraction or without."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < 4_102_444_800:
        return None
    return datetime.fromtimestamp(value, UTC)


def _text(value: Any, longest: int) -> str:
    return value[:longest] if isinstance(value, str) else ""


def _milliseconds(value: Any) -> int | None:
    """Templates write numbers as texts."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 10:
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 86_400_000:
        return None
    return round(value)


def _status(value: Any) -> int | None:
    found = _milliseconds(value)
    return found if found is not None and 100 <= found <= 599 else None


def _is_whole(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
