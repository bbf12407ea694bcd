"""Environments, for who may see their entities."""

from typing import Any
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Q, QuerySet

from catalog import permissions
from catalog import queries as catalog
from catalog.models import Entity
from deployments.environments.models import GOING, Environment, State, Step
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]

STATES = ("living", "mine", "expiring", "failed", "suspected", "gone", "all")


def environments(
    by: By, *, state: str = "living", template: str = "", owner: str = "", team: str = "", text: str = ""
) -> QuerySet[Environment]:
    """`state` is living, mine (living, and his or his teams'), expiring (is or will soonest), failed, suspected, gone,
    all, or one of the states themselves. `owner` is an e-mail address, `text` a part of its name, reason or owner.
    """
    found = visible(Environment.objects.select_related("template", "owner", "fallback_owner", "entity"), by)
    if state == "living":
        found = found.living()  # type: ignore[attr-defined]
    elif state == "mine":
        mine = Q(team__in=sorted(by.actor.teams)) | _held_by(by)
        found = found.living().filter(mine)  # type: ignore[attr-defined]
    elif state == "expiring":
        found = found.timed().order_by("expires_at", "id")  # type: ignore[attr-defined]
    elif state == "failed":
        found = found.filter(state__in=[State.PROVISION_FAILED, State.TEARDOWN_FAILED])
    elif state == "suspected":
        found = found.filter(state=State.ORPHAN_SUSPECTED)
    elif state == "gone":
        found = found.filter(state=State.TORN_DOWN)
    elif state != "all":
        found = found.filter(state=state)
    if template:
        found = found.filter(template__identifier=template)
    if owner:
        found = found.filter(owner__email__iexact=owner)
    if team:
        found = found.filter(team=team)
    if text:
        found = found.filter(Q(name__icontains=text) | Q(reason__icontains=text) | Q(owner_name__icontains=text))
    return found


def environment(by: By, public_id: str | UUID) -> Environment:
    """By its public id, a tombstone too. Raises Missing."""
    try:
        found = environments(by, state="all").filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no environment with the id {public_id}.")
    return found


def living_named(by: By, name: str) -> Environment:
    """The one with this name that lives, else its newest tombstone. Raises Missing."""
    rows = environments(by, state="all").filter(name=name)
    found = rows.exclude(state=State.TORN_DOWN).first() or rows.order_by("-id").first()
    if found is None:
        raise Missing(f"There is no environment with a time to live called “{name}”.")
    return found


def environment_of(entity: Entity) -> Environment | None:
    """The living one that the catalog's entity is of; most have none."""
    found: Environment | None = (
        Environment.objects.living().filter(entity=entity).select_related("template", "owner").first()
    )
    return found


def of_pull_request(url: str) -> QuerySet[Environment]:
    """Living ones of a pull request, however its address is spelled."""
    found: QuerySet[Environment] = Environment.objects.living().filter(pr_url__iexact=url.strip().rstrip("/"))
    return found


def steps(environment: Environment) -> QuerySet[Step]:
    """All that was done for it, in order."""
    return environment.steps.order_by("id")


def teardown_preview(environment: Environment) -> Json:
    """What a teardown would do, without doing it: its steps by name, and the resources that its provider told of."""
    template = environment.template
    return {
        "steps": [each["name"] for each in template.steps("teardown")],
        "verify": [each["name"] for each in template.steps("verify")],
        "resources": environment.resources,
        "going": environment.state in GOING,
    }


def beat(by: By) -> str:
    """Changes with whatever a list of environments shows, but for the passing of time."""
    last = visible(Environment.objects.all(), by).order_by("-state_at").values_list("id", "state_at", "fence").first()
    return f"{last}"


def visible(rows: QuerySet[Environment], by: By) -> QuerySet[Environment]:
    """Those whose entity he may see, and his own; one that is gone is for who sees all, or whose it was."""
    require(by, "environment.read")
    seen = permissions.bounds(by, catalog.blueprint("environment"))
    if seen is None:
        return rows
    entities = Entity.objects.filter(seen, blueprint__identifier="environment")
    own = Q(team__in=sorted(by.actor.teams)) if by.actor.teams else Q(pk=None)
    return rows.filter(Q(entity__in=entities.values("pk")) | _held_by(by) | own)


def _held_by(by: By) -> Q:
    kind, _, number = by.actor.key.partition(":")
    if kind == "user" and number.isdecimal():
        return Q(owner=int(number)) | Q(requested_key=by.actor.key)
    return Q(requested_key=by.actor.key)
