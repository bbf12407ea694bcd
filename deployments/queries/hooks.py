from django.db.models import OuterRef, QuerySet, Subquery

from deployments.models import Hook, ReportRequest
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing


def hooks(by: By) -> QuerySet[Hook]:
    """By name, each with when and as what its last payload came: `last_at`, `last_outcome`."""
    require(by, "hook.write")
    last = ReportRequest.objects.filter(hook=OuterRef("pk")).order_by("-id")
    return Hook.objects.annotate(
        last_at=Subquery(last.values("at")[:1]), last_outcome=Subquery(last.values("outcome")[:1])
    ).order_by("name", "id")


def hook_at(key: str) -> Hook:
    """The one with this address. One that is switched off is not there."""
    found = Hook.objects.filter(key=key, enabled=True).first()
    if found is None:
        raise Missing("There is no hook at this address, or it is switched off.")
    return found
