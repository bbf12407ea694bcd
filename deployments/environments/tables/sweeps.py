"""What the orphan sweep and the brake hold for an administrator."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.urls import reverse

from deployments.environments.holds import hold
from deployments.environments.models import Environment, Sighting, Sweep
from deployments.environments.tables.rows import row
from portal.kit.by import By
from portal.kit.clock import in_words

Json = dict[str, Any]

LOOKS = {
    Sweep.State.BRAKED: ("waits for you", "red", "hourglass"),
    Sweep.State.RELEASED: ("let go", "lightGray", "check"),
    Sweep.State.OVER: ("over", "lightGray", "minus"),
}
MOST_NAMED = 50


def sweep_row(sweep: Sweep, held: Mapping[str, Environment]) -> Json:
    word, colour, icon = LOOKS[Sweep.State(sweep.state)]
    named = [held[each] for each in sweep.held if each in held]
    return {
        "id": str(sweep.public_id),
        "kind": sweep.get_kind_display(),
        "ends": sweep.kind == Sweep.Kind.ENDS,
        "at": sweep.at,
        "word": word,
        "colour": colour,
        "icon": icon,
        "waits": sweep.state == Sweep.State.BRAKED,
        "number": len(sweep.held),
        "living": sweep.living,
        "reason": sweep.reason,
        "decided_by": sweep.decided_by,
        "decided_at": sweep.decided_at,
        "named": [{"name": each.name, "url": each.get_absolute_url()} for each in named[:MOST_NAMED]],
        "more": max(0, len(sweep.held) - min(len(named), MOST_NAMED)),
        "release_url": reverse("environments:sweep_release", args=[sweep.public_id]),
    }


def suspect_row(environment: Environment, by: By, now: datetime) -> Json:
    return row(environment, by, now) | {
        "suspicion": environment.suspicion,
        "since": environment.state_at,
        "was": "without a record" if environment.resting == Environment.State.TORN_DOWN else environment.resting,
        "keep_url": reverse("environments:keep", args=[environment.public_id]),
        "teardown_url": reverse("environments:teardown", args=[environment.public_id]),
    }


def due_row(environment: Environment, by: By, now: datetime, held: Collection[str]) -> Json:
    """What the next pass would do to it."""
    kept = hold(environment, now)
    return row(environment, by, now) | {"kept": kept.why if kept else "", "held": str(environment.public_id) in held}


def sighting_row(sighting: Sighting) -> Json:
    return {
        "what": sighting.get_kind_display(),
        "label": sighting.label,
        "detail": sighting.detail,
        "since": sighting.since,
        "template": sighting.template.title,
        "grace": in_words(sighting.template.orphan_grace),
    }
