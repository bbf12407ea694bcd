from datetime import timedelta

from django.db.models import Q, QuerySet

from locks.models import PendingDeployment
from locks.queries.claims import seen_by
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.clock import database_now

State = PendingDeployment.State
FRESH = timedelta(days=7)


def pending_deployments(by: By, *, state: str = State.WAITING) -> QuerySet[PendingDeployment]:
    """`state` is one of its states or all; of places that the viewer may see; newest first."""
    require(by, "lock.read")
    found = PendingDeployment.objects.filter(seen_by(by)).order_by("-id")
    return found if state == "all" else found.filter(state=state)


def pending_or_misplaced(by: By) -> QuerySet[PendingDeployment]:
    """What waits, in order of arrival; then what was rejected of late because the catalog does not know it."""
    misplaced = Q(state=State.REJECTED, service_identifier="", answered_at__gte=database_now() - FRESH)
    found = pending_deployments(by, state="all").filter(Q(state=State.WAITING) | misplaced)
    return found.order_by("-state", "id")
