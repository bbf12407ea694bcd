"""One environment, whole: what it is, what was done for it, and what a teardown would do."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

from django.urls import reverse

from deployments.environments import queries, terms
from deployments.environments.holds import lock_on
from deployments.environments.models import GOING, Environment, State, Step
from deployments.environments.specs import named
from deployments.environments.tables.rows import PHASES, extensions, in_turn, may_change, row
from deployments.environments.terms import WARNINGS, needs_reason
from locks.models import Lock
from portal.accounts.policy import allows
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.clock import in_words

Json = dict[str, Any]

# what it says, its icon
TOLD = {
    "environment.requested": ("Asked for", "plus"),
    "environment.provisioned": ("Provisioned: it is ready", "check"),
    "environment.provision_failed": ("Could not be provisioned", "x"),
    "environment.provision_retried": ("Tried once more", "refresh"),
    "environment.sleep_asked": ("Put to sleep", "moon"),
    "environment.slept": ("Fell asleep", "moon"),
    "environment.sleep_failed": ("Did not fall asleep", "x"),
    "environment.wake_asked": ("Woken", "sun"),
    "environment.woken": ("Woke up", "sun"),
    "environment.wake_failed": ("Did not wake up", "x"),
    "environment.extended": ("Extended", "hourglass"),
    "environment.pinned": ("Pinned", "pin"),
    "environment.unpinned": ("Pin taken out", "pin"),
    "environment.expiry_warned": ("Its owner was warned", "bell"),
    "environment.expired": ("Its time is over", "clock"),
    "environment.spared": ("Its time is not over: the clock had been ahead", "clock"),
    "environment.teardown_started": ("Teardown began", "trash"),
    "environment.teardown_retried": ("The teardown was tried at once", "refresh"),
    "environment.torn_down": ("Torn down: its provider says that nothing is left", "archive"),
    "environment.teardown_failed": ("The teardown fails; it is tried on", "alert-triangle"),
    "environment.orphan_suspected": ("Suspected to be an orphan", "help"),
    "environment.acquitted": ("No orphan: it goes on", "check"),
    "environment.adopted": ("Taken over", "user"),
    "environment.handed_over": ("Handed over", "user"),
}
STEP_LOOKS = {
    Step.State.PENDING: ("waits", "lightGray", "circle-dashed"),
    Step.State.RUNNING: ("running", "blue", "loader"),
    Step.State.WAITING: ("running", "blue", "loader"),
    Step.State.DONE: ("done", "green", "check"),
    Step.State.FAILED: ("failed", "red", "x"),
    Step.State.CANCELLED: ("called off", "lightGray", "minus"),
}
VERDICTS = {"done": "gone", "failed": "still there"}
TITLES = {"provision": "Provision", "sleep": "Sleep", "wake": "Wake", "teardown": "Teardown", "verify": "Is it gone?"}


def facts_of(environment: Environment, by: By, now: datetime) -> Json:
    mine, template = may_change(environment, by), environment.template
    lock = lock_on(environment, now) if environment.is_living else None
    gone = environment.state == State.TORN_DOWN
    suspected = environment.state == State.ORPHAN_SUSPECTED
    resting = environment.state in (State.READY, State.ASLEEP) and not environment.phase

    def at(name: str) -> str:
        return reverse(f"environments:{name}", args=[environment.public_id])

    return row(environment, by, now) | {
        "fallback": str(environment.fallback_owner or ""),
        "requested_by": environment.requested_by,
        "pr_url": environment.pr_url,
        "expires_at": environment.expires_at,
        "pinned_until": environment.pinned_until,
        "pin_reason": environment.pin_reason,
        "hard_until": environment.hard_until,
        "hard_cap": in_words(template.hard_cap),
        "soft_cap": in_words(template.soft_cap),
        "greatest": in_words(template.greatest_ttl),
        "reason_needed": needs_reason(environment, now + template.greatest_ttl),
        "held_until": environment.held_until,
        "lock": lock_row(lock),
        "inputs": inputs_of(environment),
        "resources": [resource(each) for each in environment.resources],
        "attempt": environment.attempt,
        "tries": template.tries,
        "gone": gone,
        "suspected": suspected,
        "suspicion": environment.suspicion,
        "why": _why(environment),
        "teardown_reason": environment.teardown_reason,
        "teardown_at": environment.teardown_at,
        "lived": in_words(environment.torn_down_at - environment.requested_at) if environment.torn_down_at else "",
        "entity_url": reverse("catalog:entity_detail", args=["environment", environment.name])
        if environment.entity_id
        else "",
        "warnings": in_turn([in_words(timedelta(minutes=each)) for each in WARNINGS if _warned(environment, each)]),
        "can_sleep": mine and resting and template.can_sleep and environment.state == State.READY,
        "can_wake": mine and resting and template.can_sleep and environment.state == State.ASLEEP,
        "can_retry": mine and (_could_be_made(environment) or environment.state == State.TEARDOWN_FAILED),
        "can_end": mine and environment.is_living and environment.state not in GOING,
        "can_extend": mine and environment.is_timed,
        "can_keep": mine and suspected,
        "can_recreate": gone and template.enabled,
        "usual": in_words(terms.limit(template, environment.team, "default_ttl")),
        "done_steps": _progress(environment) if environment.state in GOING else None,
        "template_url": reverse("environments:template_edit", args=[template.identifier])
        if allows(by.actor, "environment_template.write")
        else "",
        "urls": {
            name: at(name)
            for name in ("extension", "pin", "unpin", "sleep", "wake", "retry", "teardown", "keep", "recreation")
        },
        "recreations": [
            {"name": each.name, "url": each.get_absolute_url(), "at": each.requested_at}
            for each in environment.recreations.order_by("-id")[:5]
        ]
        if gone
        else [],
        "former_url": environment.recreated_from.get_absolute_url() if environment.recreated_from else "",
    }


def _could_be_made(environment: Environment) -> bool:
    return environment.state == State.PROVISION_FAILED and not environment.phase


def _progress(environment: Environment) -> tuple[int, int] | None:
    """How many steps of its teardown are done, and of how many."""
    states = list(environment.steps.filter(round=environment.round).values_list("state", flat=True))
    return (states.count(Step.State.DONE), len(states)) if states else None


def lock_row(lock: Lock | None) -> Json | None:
    if lock is None:
        return None
    holder, until = lock.holder_name, lock.expires_at
    return {"url": lock.get_absolute_url(), "holder": holder, "reason": lock.reason, "until": until}


def _why(environment: Environment) -> str:
    """Of a teardown, for its tombstone."""
    if environment.cause == Environment.Cause.ASKED and environment.teardown_by:
        return f"{environment.teardown_by} asked for it"
    return environment.get_cause_display() or "it is gone"


def inputs_of(environment: Environment) -> list[tuple[str, str]]:
    """By their titles, what is required first."""
    declared = environment.template.inputs.get("properties") or {}
    order = named(environment.template)
    names = sorted(environment.inputs, key=lambda name: order.index(name) if name in order else len(order))
    return [(declared.get(name, {}).get("title") or name, said(environment.inputs[name])) for name in names]


def _warned(environment: Environment, minutes: int) -> bool:
    """What would have been due before its end was set is no warning."""
    return environment.deadline - timedelta(minutes=minutes) > environment.armed_at


def said(value: Any) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def resource(found: Json) -> Json:
    """Its kind, its name, its address where it is one for a browser, and whatever else its provider told."""
    url = str(found.get("url") or "")
    rest = {key: value for key, value in found.items() if key not in ("kind", "id", "url")}
    return {
        "kind": str(found.get("kind") or "resource"),
        "id": str(found.get("id") or ""),
        "url": url if url.startswith(("https://", "http://")) else "",
        "rest": ", ".join(f"{key} {value}" for key, value in rest.items()),
    }


def rounds_of(steps: Iterable[Step]) -> list[Json]:
    """The newest round first, each with its steps in order; the one that is going on, or went wrong, is open."""
    found = []
    for number, group in groupby(steps, key=lambda each: each.round):
        rows = [step_row(each) for each in group]
        phase = rows[0]["phase"]
        open_ = any(each["state"] in Step.OPEN or each["state"] == Step.State.FAILED for each in rows)
        found.append({"number": number, "title": TITLES.get(phase, phase), "steps": rows, "open": open_})
    found.reverse()
    if found:
        found[0]["open"] = True
    return found


def step_row(step: Step) -> Json:
    word, colour, icon = STEP_LOOKS[Step.State(step.state)]
    word = VERDICTS.get(word, word) if step.phase == "verify" else word
    return {
        "id": step.pk,
        "phase": step.phase,
        "name": step.name,
        "verify": step.phase == "verify",
        "state": step.state,
        "word": word,
        "colour": colour,
        "icon": icon,
        "attempt": step.attempt,
        "started_at": step.started_at,
        "finished_at": step.finished_at,
        "took": _took(step),
        "output": step.output,
        "error": step.error,
        "open": step.state in (*Step.OPEN, Step.State.FAILED) and bool(step.output or step.error),
    }


def _took(step: Step) -> str:
    if not step.finished_at or not step.started_at:
        return ""
    took = step.finished_at - step.started_at
    return f"{took.total_seconds():.1f} s" if took < timedelta(seconds=90) else in_words(took)


def event_row(event: Event) -> Json:
    text, icon = TOLD.get(event.name, (event.name.partition(".")[2].replace("_", " ").capitalize(), "activity"))
    payload, after = event.payload, event.after or {}
    if event.name == "environment.expiry_warned":
        text = f"{text} {in_words(timedelta(minutes=int(payload.get('minutes', 0))))} before its end"
    until = payload.get("expires_at") if event.name in ("environment.extended", "environment.pinned") else None
    why = payload.get("reason") or payload.get("error") or payload.get("why") or ""
    if event.name == "environment.torn_down" and payload.get("kept"):
        why = f"Its entity stays: {payload['kept']}"
    return {
        "text": text,
        "why": why,
        "until": datetime.fromisoformat(until) if until else None,
        "icon": icon,
        "actor": "the portal itself" if event.actor_key.startswith("system:") else event.actor_name,
        "at": event.at,
        "error": after.get("last_error") if event.name.endswith("_failed") else "",
    }


def preview_of(environment: Environment, now: datetime) -> Json:
    """What a teardown would do, and what is in its way."""
    found = queries.teardown_preview(environment)
    lock = lock_on(environment, now) if now < environment.hard_until else None
    return {
        "steps": found["steps"],
        "verify": found["verify"],
        "resources": [resource(each) for each in found["resources"]],
        "lock": lock_row(lock),
        "pinned": bool(environment.pinned_until and environment.pinned_until > now),
        "pin_reason": environment.pin_reason,
        "doing": PHASES.get(environment.phase, ""),
        "extensions": extensions(environment, now),
    }
