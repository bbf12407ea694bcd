from collections.abc import Iterable
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Prefetch, Q, QuerySet

from catalog import permissions
from locks.models import Evidence, HeardProbe, Lock, LockRule, RuleHold
from locks.queries.claims import seen_by_names
from locks.signs import HEALTHY, SILENT
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Missing

MONTH = timedelta(days=30)


def well_since(service: int, environment: int) -> datetime | None:
    """Since when all probes of the place are healthy; None when one is not, or when there is none to say so."""
    heard = HeardProbe.objects.filter(service=service, environment=environment, paused=False).exclude(state__in=SILENT)
    states = list(heard.values_list("state", "since"))
    if not states or any(state != HEALTHY for state, _ in states):
        return None
    return max(since for _, since in states)


def rules(by: By) -> QuerySet[LockRule]:
    require(by, "lock.read")
    return LockRule.objects.order_by("name", "pk")


def rule(by: By, public_id: UUID | str) -> LockRule:
    try:
        found = rules(by).filter(public_id=public_id).first()
    except ValidationError:
        found = None
    if found is None:
        raise Missing("There is no such rule. It may have been deleted.")
    return found


def holds_counted(rules: Iterable[LockRule], now: datetime) -> dict[int, tuple[int, int]]:
    """For each rule how often it held, and how often it would have in a dry run, in the last 30 days."""
    found = RuleHold.objects.filter(rule__in=list(rules), began_at__gt=now - MONTH).values_list("rule")
    counts = found.annotate(held=Count("lock"), all=Count("pk")).order_by()
    return {rule: (held, all_ - held) for rule, held, all_ in counts}


def holds_of(by: By, rule: LockRule) -> QuerySet[RuleHold]:
    """Newest first, each with what it acted upon; those at places that the viewer may see."""
    found = RuleHold.objects.filter(rule=rule).select_related("lock", "rule").order_by("-id")
    seen = Evidence.objects.filter(seen_by_names(by)).order_by("id")
    if permissions.bounds(by) is not None:
        found = found.filter(pk__in=seen.filter(rule=rule).values("hold"))
    return found.prefetch_related(Prefetch("evidence", queryset=seen))


def let_be(by: By, rule: LockRule) -> QuerySet[Evidence]:
    """What the rule saw and did not act upon, because somebody had released its lock; newest first."""
    return Evidence.objects.filter(seen_by_names(by), Q(rule=rule, outcome=Evidence.Outcome.LET_BE)).order_by("-id")


def hold_of(by: By, lock: Lock) -> RuleHold | None:
    """By which a rule holds this lock, with what it acted upon."""
    seen = Evidence.objects.filter(seen_by_names(by)).order_by("id")
    return (
        RuleHold.objects.filter(lock=lock)
        .select_related("rule")
        .prefetch_related(Prefetch("evidence", queryset=seen))
        .first()
    )
