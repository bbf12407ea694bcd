"""Which threads in Slack are forgotten: nothing more can be said below their first message."""

from datetime import datetime

from django.db.models import Exists, OuterRef, Q, TextField, Value
from django.db.models.functions import Concat

from deployments.models import Watch
from portal.audit.models import Delivery
from portal.audit.retention import AT_ONCE, kept_since
from portal.notifications.models import SlackThread

# Nothing is said at the end of these: they are over when nothing has been said for so long.
ENDLESS = Q(key__startswith="deployment:") | Q(key__startswith="override:")


def threads_forget(now: datetime | None = None) -> int:
    """Deletes those of what has been over for longer than deliveries are kept; answers how many went.

    What has not come to its end keeps its thread, and so does what has something to say, or is watched.
    """
    before = kept_since(now)
    stream = Concat(OuterRef("target"), Value(" "), OuterRef("key"), output_field=TextField())
    said = Delivery.objects.filter(target=OuterRef("target"), stream=stream)
    watched = Watch.objects.filter(verdict="").values_list("deployment__public_id", flat=True)
    ended = Q(closed_at__lt=before)
    silent = ENDLESS & Q(closed_at=None, at__lt=before) & ~Exists(said)
    old = SlackThread.objects.filter(ended | silent)
    old = old.exclude(Exists(said.filter(state__in=Delivery.UNFINISHED)))
    old = old.exclude(key__in=[f"deployment:{each}" for each in watched])
    gone = 0
    while batch := list(old.order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        gone += SlackThread.objects.filter(pk__in=batch).delete()[0]
    return gone
