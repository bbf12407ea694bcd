"""What the ingest log forgets."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Q

from deployments.models import ReportRequest
from portal.kit.clock import database_now

MOST = 1_000_000  # rows, however new
AT_ONCE = 5_000


def requests_forget(now: datetime | None = None, *, most: int = MOST) -> int:
    """Deletes what is older than the operator keeps, and all but the newest `most`; answers how many went.

    What a worker has yet to read stays. A key that is forgotten may be used again.
    """
    newest = ReportRequest.objects.aggregate(newest=Max("id"))["newest"] or 0
    oldest = (now or database_now()) - timedelta(days=settings.INGEST_DAYS)
    done = ReportRequest.objects.exclude(outcome=ReportRequest.Outcome.WAITING)
    old, gone = done.filter(Q(at__lt=oldest) | Q(id__lte=newest - most)), 0
    while batch := list(old.order_by("id").values_list("id", flat=True)[:AT_ONCE]):
        gone += ReportRequest.objects.filter(id__in=batch).delete()[0]
    return gone
