"""Verdicts on deployments as happenings."""

from collections.abc import Sequence
from typing import Any

from django.db.models import F

from deployments.models import Watch
from deployments.queries.places import deployments
from deployments.queries.timeline.registry import Asked, Happening, Look, Source, newest
from portal.kit.by import By

WORDS = {
    Watch.Verdict.PASSED: ("Watch passed", "green"),
    Watch.Verdict.FAILED: ("Watch failed", "red"),
    Watch.Verdict.INCONCLUSIVE: ("Watch inconclusive", "lightGray"),
}
# They can be a megabyte each.
HEAVY = ("deployment__changes", "deployment__extra", "deployment__instances")


def load(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    seen: Any = deployments(by)
    if asked.service:
        seen = seen.filter(config__service=asked.service)
    if asked.environment:
        seen = seen.filter(config__environment=asked.environment)
    rows = Watch.objects.exclude(closed_at=None).filter(deployment__in=seen.order_by().values("pk"))
    found = newest(rows.annotate(at=F("closed_at")), asked, SOURCE.name, limit)
    return [_happening(each) for each in found.select_related("deployment").defer(*HEAVY)]


def _happening(watch: Watch) -> Happening:
    of = watch.deployment
    word, colour = WORDS[Watch.Verdict(watch.verdict)]
    return Happening(
        at=watch.closed_at or watch.until,
        source=SOURCE.name,
        key=watch.pk,
        kind="watch",
        title=f"{of.service_identifier} {of.version or of.commit[:7]}",
        place=f"in {of.environment_identifier}",
        service=of.service_identifier,
        environment=of.environment_identifier,
        detail=watch.reason,
        url=of.get_absolute_url(),
        word=word,
        colour=colour,
    )


SOURCE = Source("watches", {"watch": Look("Watch", "turquoise", "heart-pulse")}, load)
