from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import QuerySet

from deployments.environments.models import Sweep
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


def sweeps(by: By) -> QuerySet[Sweep]:
    """The newest first."""
    require(by, "sweep.read")
    found: QuerySet[Sweep] = Sweep.objects.order_by("-id")
    return found


def sweep(by: By, public_id: str | UUID) -> Sweep:
    try:
        found = sweeps(by).filter(public_id=public_id).first()
    except (ValidationError, ValueError):
        found = None
    if found is None:
        raise Missing(f"There is no sweep with the id {public_id}.")
    return found


def braked() -> Sweep | None:
    """The one that waits for an administrator; while it does nothing runs out by itself."""
    found: Sweep | None = Sweep.objects.filter(state=Sweep.State.BRAKED).first()
    return found
