"""Probes as rows and drawings for the templates."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.urls import reverse
from django.utils.timezone import get_current_timezone_name

from deployments.health.beside import Mark
from deployments.health.dots import dot, word
from deployments.health.models import Flip, Kind, Maintenance, Probe, Reading
from deployments.health.queries import Health
from deployments.health.queries.pictures import DAYS, Picture, Step
from deployments.health.results import Result
from deployments.health.states import State
from deployments.health.words import KINDS, condition_line, version_line
from portal.kit.clock import in_words
from portal.kit.templatetags.kit import absolute

Row = dict[str, Any]

COLOURS = {
    State.UNKNOWN: "lightGray",
    State.HEALTHY: "green",
    State.DEGRADED: "yellow",
    State.FAILING: "red",
    State.DOWN: "red",
    State.PAUSED: "darkGray",
    State.MAINTENANCE: "blue",
    State.PROBER_DOWN: "purple",
}
OUTCOMES = {
    "ok": ("ok", "green"),
    "degraded": ("degraded", "yellow"),
    "failed": ("failed", "red"),
    "no_data": ("no data", "lightGray"),
}
WIDE, HIGH = 1000, 100
HOUR_WIDE = 10


def probe_row(probe: Probe, health: Health, picture: Picture | None, now: datetime) -> Row:
    kind, icon, about = KINDS[Kind(probe.kind)]
    return {
        "id": str(probe.public_id),
        "url": probe_url(probe),
        "name": probe.name,
        "where": probe.where,
        "service": probe.service_identifier or probe.entity_identifier,
        "environment": probe.environment_identifier or probe.entity_blueprint,
        "place_url": place_url(probe),
        "kind": kind,
        "icon": icon,
        "about": about,
        "teams": ", ".join(dict.fromkeys(probe.owner_teams())),
        **state_row(health),
        "reason": probe.reason if health.state in (State.DEGRADED, State.FAILING, State.DOWN) else "",
        "checked_at": probe.checked_at,
        "ms": probe.ms,
        "version": probe.run_version,
        "late": _late(probe, health, now),
        "spark": spark(picture) if picture else None,
        "uptimes": [(days, percent(picture.uptimes.get(days) if picture else None)) for days in DAYS],
    }


def state_row(health: Health) -> Row:
    return {
        "state": health.state,
        "word": word(health.state),
        "colour": COLOURS[State(health.state)],
        "dot": dot(health.state, int(health.since.timestamp()), get_current_timezone_name()),
        "since": health.since,
        "stale_since": health.stale_since,
        "verdict": word(health.verdict),
        "is_masked": health.verdict != health.state and health.state in (State.MAINTENANCE, State.PROBER_DOWN),
    }


def probe_url(probe: Probe) -> str:
    return reverse("health:probe", args=[probe.public_id])


def place_url(probe: Probe) -> str:
    end = probe.service or probe.entity
    return reverse("catalog:entity_detail", args=[probe.entity_blueprint or "service", end.identifier]) if end else ""


def _late(probe: Probe, health: Health, now: datetime) -> str:
    """How far it is behind, where that is more than it should be."""
    if not probe.due_at or probe.paused or probe.kind == Kind.HEARTBEAT or (now - probe.due_at).total_seconds() < 5:
        return ""
    return f"{in_words(now - probe.due_at)} late"


def percent(share: float | None) -> str:
    """`99.98 %`; never rounded up to a whole hundred."""
    if share is None:
        return ""
    if share >= 1:
        return "100 %"
    return f"{int(share * 10000) / 100:.2f} %" if share >= 0.99 else f"{int(share * 1000) / 10:.1f} %"


def spark(picture: Picture) -> Row:
    """A column for each hour: what was well stands at the bottom, what was not on top of it. One path for each kind:
    a page has fifty of these, of two dozen columns each."""
    paths: dict[str, list[str]] = {}
    for place, (ok, off, bad) in enumerate(picture.hours):
        left, below = place * HOUR_WIDE, 0.0
        for name, share in (("ok", ok), ("off", off), ("bad", bad)):
            if share > 0.002:
                height = max(round(24 * share, 1), 2.0 if name != "ok" else 0.5)
                paths.setdefault(name, []).append(_column(left, round(max(24 - below - height, 0), 1), height))
                below += height
        if ok + off + bad <= 0.002:
            paths.setdefault("none", []).append(_column(left, 22, 2))
    known = sum(sum(hour) for hour in picture.hours)
    bad_hours = sum(hour[2] > 0.002 for hour in picture.hours)
    up = percent(picture.uptimes.get(1))
    label = (
        f"Last 24 hours: {up} up" + (f", failures in {bad_hours} of them" if bad_hours else "")
        if known
        else "Nothing is known of the last 24 hours"
    )
    return {"paths": [(kind, "".join(columns)) for kind, columns in paths.items()], "label": label}


def _column(left: float, top: float, height: float) -> str:
    return f"M{left} {top}h8v{height}h-8z"


def chart(steps: Sequence[Step], flips: Sequence[Flip], marks: Sequence[Mark], start: int, end: int, step: int) -> Row:
    """The response times as a line that breaks where nothing came, with what was bad below it, flips and deployments."""
    times = [each.ms for each in steps if each.ms is not None]
    top = max(times, default=0.0) or 1.0
    lines: list[list[str]] = [[]]
    last: int | None = None
    for each in steps:
        if each.ms is None or (last is not None and each.at - last > 4 * step):
            lines.append([])
        if each.ms is not None:
            lines[-1].append(f"{_x(each.at + step / 2, start, end):.1f},{82 - 74 * each.ms / top:.1f}")
            last = each.at
    bad = [
        {"x": round(_x(each.at, start, end), 1), "kind": ("off", "bad")[each.worst - 1]}
        for each in steps
        if each.worst > 0
    ]
    width = max(round(WIDE * step / (end - start), 1), 2)
    mean = round(sum(times) / len(times)) if times else None
    return {
        "lines": [" ".join(line if len(line) > 1 else [*line, *line]) for line in lines if line],
        "bad": bad,
        "width": width,
        "top": f"{top:,.0f} ms" if times else "",
        "flips": [
            _mark(
                each.at,
                f"{word(each.from_state)} to {word(each.to_state)}",
                start,
                end,
                bad=each.to_state in (State.FAILING, State.DOWN),
            )
            for each in flips
        ],
        "marks": [_mark(each.at, each.title, start, end, bad=each.is_bad) for each in marks],
        "label": f"Response times: {mean:,} ms on average, at most {top:,.0f} ms; {len(bad)} stretches with failures"
        if mean is not None
        else f"No response times; {len(bad)} stretches with failures",
        "is_empty": not steps,
    }


def _mark(at: datetime, said: str, start: int, end: int, *, bad: bool) -> Row:
    return {"x": round(_x(at.timestamp(), start, end)), "said": f"{said}, {absolute(at)}", "bad": bad}


def _x(at: float, start: int, end: int) -> float:
    return min(max(WIDE * (at - start) / (end - start), 0), WIDE - 4)


def flip_row(flip: Flip) -> Row:
    return {
        "at": flip.at,
        "from": word(flip.from_state),
        "to": word(flip.to_state),
        "colour": COLOURS[State(flip.to_state)],
        "reason": flip.reason,
        "muted": flip.muted,
        "values": value_rows(flip.values),
    }


def value_rows(values: dict[str, Any]) -> list[tuple[str, str]]:
    return [(name, "none" if value is None else str(value)) for name, value in list(values.items())[:20]]


def reading_row(reading: Reading) -> Row:
    said, colour = OUTCOMES[reading.outcome]
    return {
        "at": reading.at,
        "outcome": said,
        "colour": colour,
        "status": reading.status,
        "ms": reading.ms,
        "version": reading.run_version,
        "reason": reading.reason,
    }


def trial_row(result: Result) -> Row:
    said, colour = OUTCOMES[result.outcome]
    return {
        "outcome": said,
        "colour": colour,
        "status": result.status,
        "ms": result.ms,
        "version": result.run_version,
        "reason": result.reason,
        "values": value_rows(result.values),
    }


def window_row(window: Maintenance, now: datetime) -> Row:
    return {
        "id": str(window.public_id),
        "covers": window.covers,
        "reason": window.reason,
        "by": window.made_by,
        "starts_at": window.starts_at,
        "ends_at": window.ends_at,
        "is_on": window.is_on(now),
        "end_url": reverse("health:maintenance_end", args=[window.public_id]),
    }


def fact_rows(probe: Probe) -> list[tuple[str, str]]:
    """What it asks, in words."""
    spec = probe.spec
    facts: list[tuple[str, Any]] = [("Kind", KINDS[Kind(probe.kind)][0])]
    if probe.kind == Kind.HTTP:
        facts += [("Calls", f"{spec.get('method', 'GET')} {spec['url']}")]
        facts += [("Expects", ", ".join(map(str, spec.get("status") or ["200-299"])))]
    if probe.kind == Kind.TCP:
        facts += [("Connects to", f"{spec['host']}:{spec['port']}{' with TLS' if spec.get('tls') else ''}")]
    if probe.kind == Kind.OUTSIDE:
        facts += [("Told by", f"{spec.get('source', 'generic')}, as {spec.get('id', 'its id')}")]
    facts += [("Condition", condition_line(each)) for each in spec.get("conditions") or []]
    facts += [("Sends", ", ".join(spec["headers"]))] if spec.get("headers") else []
    facts += [("Reads the version from", version_line(spec["version"]))] if spec.get("version") else []
    facts += [("Slow above", f"{spec['slow_ms']:,} ms")] if spec.get("slow_ms") else []
    facts += [("Certificate", f"at least {spec['tls_days']} days")] if spec.get("tls_days") else []
    every = f"{probe.interval} s" + (f", {probe.timeout:g} s at most each" if probe.is_polled else "")
    facts += [("Comes every" if probe.kind in (Kind.HEARTBEAT, Kind.OUTSIDE) else "Asks every", every)]
    facts += [("May be late by", f"{spec['grace']} s")] if spec.get("grace") else []
    facts += [
        ("Gets worse after", f"{probe.failure_threshold} in a row"),
        ("Gets better after", f"{probe.recovery_threshold} in a row"),
    ]
    facts += [("Made", f"by {probe.created_by}, {absolute(probe.created_at)}")]
    return [(name, str(value)) for name, value in facts]
