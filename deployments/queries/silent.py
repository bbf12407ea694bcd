"""Services that used to be deployed again and again, and of which nothing has come since."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max, Min
from django.db.models.functions import TruncDate

from deployments.models import Deployment, begun
from deployments.queries.places import deployments
from portal.kit.by import By

LOOKED_AT = timedelta(days=60)
REGULAR = 8  # days with a deployment
SHORTEST = timedelta(days=3)  # a long weekend is no silence
TIMES = 3  # as long as its usual pause


@dataclass(frozen=True)
class Silent:
    """`days`: on how many of the last 60 it was deployed. `pause`: how long it usually is between two of them."""

    service: str
    last: datetime
    days: int
    pause: timedelta


def silent(by: By, *, now: datetime) -> list[Silent]:
    """The longest silence first: deployed on eight days or more of the last 60, and nothing for three of its pauses."""
    recent = (
        deployments(by)
        .filter(kind__in=Deployment.DEPLOYS)
        .exclude(config=None)
        .annotate(begun=begun())
        .filter(begun__gt=now - LOOKED_AT)
    )
    told = (
        recent.order_by()
        .annotate(day=TruncDate("begun"))
        .values("service_identifier")
        .annotate(days=Count("day", distinct=True), first=Min("begun"), last=Max("begun"))
        .filter(days__gte=REGULAR)
    )
    found = [
        Silent(
            each["service_identifier"], each["last"], each["days"], (each["last"] - each["first"]) / (each["days"] - 1)
        )
        for each in told
    ]
    quiet = [each for each in found if now - each.last > max(SHORTEST, TIMES * each.pause)]
    return sorted(quiet, key=lambda each: (each.last, each.service))
