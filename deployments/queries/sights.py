"""One deployment, and its place among those of its pair."""

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Q

from deployments.models import Deployment
from deployments.queries.diffs import Diff, diff
from deployments.queries.order import Step, following, previous, steps_of
from deployments.queries.places import deployments
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


@dataclass(frozen=True)
class Sight:
    """A deployment among those of its pair: its place in the order, its neighbours, and what is live now."""

    deployment: Deployment
    step: Step | None
    previous: Deployment | None
    following: Deployment | None
    live: Deployment | None
    diff: Diff | None


def deployment(by: By, public_id: UUID | str) -> Deployment:
    """One that the viewer may see, with its config. Raises Missing."""
    try:
        wanted = Q(public_id=UUID(str(public_id)))
    except ValueError:
        wanted = Q(pk=None)
    return _one(by, wanted, f"There is no deployment with the id {str(public_id)[:100]}.")


def deployment_of(by: By, identifier: str) -> Deployment:
    """The one that an entity stands for. Raises Missing."""
    wanted = Q(entity__identifier=identifier, entity__blueprint__identifier="deployment")
    return _one(by, wanted, "No deployment stands behind this entity: it names no deployment config.")


def sight(by: By, one: Deployment) -> Sight:
    """The changes are those since what was live before it; of what did not succeed, what it would have changed."""
    before = _seen(by, previous(one)) if one.config_id else None
    after = _seen(by, following(one)) if one.config_id else None
    step = steps_of([one]).get(one.pk)
    live = _seen(by, one.config.current) if one.config else None
    is_diffable = one.config and one.kind in Deployment.DEPLOYS
    return Sight(one, step, before, after, live, diff(by, before, one) if is_diffable else None)


def _seen(by: By, other: Deployment | None) -> Deployment | None:
    """None for one that the viewer may not see."""
    found: Deployment | None = (
        deployments(by).select_related("entity", "config__service").filter(pk=other.pk).first() if other else None
    )
    return found


def _one(by: By, wanted: Q, unknown: str) -> Deployment:
    require(by, "catalog.read")
    rows = deployments(by).select_related(
        "entity", "config__entity", "config__service", "config__environment", "config__current"
    )
    found: Deployment | None = rows.filter(wanted).first()
    if found is None:
        raise Missing(unknown)
    return found
