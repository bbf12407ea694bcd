"""Rules that lock by themselves as the rows that templates/locks shows."""

from datetime import datetime
from typing import Any

from django.urls import NoReverseMatch, reverse

from locks.models import Evidence, LockRule, RuleHold
from locks.queries import RuleNames
from locks.replays import Would, lasted
from locks.tables.locks import capital
from portal.accounts.policy import allows
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import in_words

Json = dict[str, Any]

ONS = {"verdict": "a deployment's watch fails", "failing": "a probe fails or is down", "down": "a probe is down"}
SCOPES = {
    "pair": "that service in that environment",
    "service": "that service everywhere",
    "environment": "all of that environment",
}
STOPS = {"block": "everybody", "block_automation": "automation", "warn": "nobody, it warns"}
MODES = {
    "off": {"name": "off", "word": "off", "colour": "lightGray", "icon": "circle-dashed"},
    "dry": {"name": "dry", "word": "dry run", "colour": "yellow", "icon": "eye"},
    "real": {"name": "real", "word": "locks", "colour": "green", "icon": "lock"},
}
TOLD = {
    "lock_rule.created": ("Made", "plus"),
    "lock_rule.updated": ("Changed", "pencil"),
    "lock_rule.would_lock": ("Would have locked", "eye"),
}
# The facts of a rule as its page calls them.
CALLED = {
    "on": "when it acts",
    "scope": "what it locks",
    "effect": "whom it stops",
    "lets_rollbacks": "rollbacks",
    "healthy_for_seconds": "how long it has to be well",
    "at_most_seconds": "its longest time",
    "reason": "what it says",
    "enabled": "whether it is on",
}
OUTCOMES = {"held": "", "joined": "while it held already", "let_be": "let be: its lock had been released by hand"}


def rule_row(rule: LockRule, names: RuleNames, counts: tuple[int, int], by: By) -> Json:
    held, would = counts
    mode = MODES["off" if not rule.enabled else "dry" if rule.dry_run else "real"]
    return {
        "id": str(rule.public_id),
        "name": rule.name,
        "url": rule.get_absolute_url(),
        "mode": mode,
        "on": capital_first(" or ".join(ONS[each] for each in rule.on)),
        "where": where(rule, names),
        "locks": SCOPES[rule.scope],
        "stops": STOPS[rule.effect],
        "lets_rollbacks": rule.lets_rollbacks,
        "healthy_for": lasting(rule.healthy_for),
        "at_most": lasting(rule.at_most),
        "reason": rule.reason,
        "counted": counted(held, would),
        "held": held,
        "would": would,
        "may_change": allows(by.actor, "lock_rule.write"),
        "edit_url": reverse("locks:rule_edit", args=[rule.public_id]),
        "delete_url": reverse("locks:rule_deletion", args=[rule.public_id]),
    }


def counted(held: int, would: int) -> str:
    """In the last 30 days."""
    said = [f"locked {times(held)}"] if held else []
    said += [f"would have locked {times(would)}"] if would else []
    return " and ".join(said) + " in 30 days" if said else "locked nothing in 30 days"


def times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"


def lasting(length: Any) -> str:
    seconds = int(length.total_seconds())
    return f"{seconds} s" if seconds < 60 else in_words(length)


def capital_first(text: str) -> str:
    return text[:1].upper() + text[1:]


def where(rule: LockRule, names: RuleNames) -> str:
    said = [f"{' and '.join(rule.tiers)} environments"] if rule.tiers else []
    said += [", ".join(names.environments)] if names.environments else []
    said += [f"services {', '.join(names.services)}"] if names.services else []
    said += [f"services of {', '.join(rule.teams)}"] if rule.teams else []
    said += ["others that you may not see"] if names.hidden else []
    return capital_first("; ".join(said)) if said else "Everywhere"


def hold_row(hold: RuleHold, now: datetime) -> Json:
    on, end = hold.is_on(now), hold.end
    last = hold.ended_at or (None if on else end)
    return {
        "covers": capital(hold.covers),
        "rule": hold.rule.name if hold.rule else (hold.lock.automatic_by if hold.lock else ""),
        "rule_url": hold.rule.get_absolute_url() if hold.rule else "",
        "url": hold.lock.get_absolute_url() if hold.lock else "",
        "dry": hold.dry,
        "reason": hold.reason,
        "began_at": hold.began_at,
        "on": on,
        "release_at": hold.release_at if on else None,
        "healthy_for": lasting(hold.healthy_for),
        "end": end,
        "ended_at": last,
        "because": hold.ended_because or ("" if on else "its longest time was over"),
        "lasted": in_words((last or now) - hold.began_at),
        "evidence": [evidence_row(each) for each in hold.evidence.all()],
    }


def evidence_row(each: Evidence) -> Json:
    return {
        "id": each.pk,
        "at": each.at,
        "place": f"{each.service_identifier} in {each.environment_identifier}",
        "what": "the watch of a deployment: " if each.is_verdict else "",
        "url": _address(each),
        "reason": each.reason,
        "outcome": OUTCOMES[each.outcome],
        "values": _flat(each.values),
    }


def _address(each: Evidence) -> str:
    name = "deployments:deployment" if each.is_verdict else "health:probe"
    try:
        return reverse(name, args=[each.subject]) if each.subject else ""
    except NoReverseMatch:
        return ""


def _flat(values: Json) -> list[tuple[str, str]]:
    """What was found, a line each, as far as a person reads it."""
    lines = []
    for name, value in list(values.items())[:12]:
        said = (
            ", ".join(f"{key} {_said(each)}" for key, each in value.items())
            if isinstance(value, dict)
            else _said(value)
        )
        lines.append((str(name)[:60], said[:300]))
    return lines


def _said(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{key} {each}" for key, each in value.items())
    return "none" if value is None else str(value)


def would_rows(found: list[Would], now: datetime) -> list[Json]:
    return [
        {
            "covers": capital(each.covers),
            "reason": each.reason,
            "began_at": each.began_at,
            "on": each.ended_at is None,
            "lasted": in_words(lasted(each, now)),
        }
        for each in found
    ]


def rule_event_row(event: Event) -> Json:
    text, icon = TOLD.get(event.name, (event.name, "activity"))
    payload: Json = event.payload or {}
    if event.name == "lock_rule.would_lock":
        text = f"Would have locked: {payload.get('reason', '')}"
    if event.name == "lock_rule.updated":
        text = f"Changed: {', '.join(_changed(event.before or {}, event.after or {})) or 'nothing that shows'}"
    return {"text": text, "actor": event.actor_name, "at": event.at, "icon": icon}


def _changed(before: Json, after: Json) -> list[str]:
    names = [name for name in before.keys() | after.keys() if before.get(name) != after.get(name)]
    return sorted(CALLED.get(name, name.replace("_", " ")) for name in names)
