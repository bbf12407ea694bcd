from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.core.exceptions import ValidationError
from django.db.models import Count, Max, Prefetch, Q, QuerySet

from catalog import permissions
from catalog.models import Entity
from catalog.queries import place_of
from locks.models import Evidence, HeardProbe, Lock, LockRule, RuleHold
from locks.queries.claims import seen_by_names
from locks.queries.locks import beat
from locks.replays import Would, would_have_locked
from locks.signs import CLOSED, FLIPPED, HEALTHY, SILENT, Sign, sign_of
from portal.accounts.models import Team
from portal.accounts.policy import require
from portal.audit import queries as audit
from portal.audit.models import Event
from portal.kit.by import By
from portal.kit.errors import Missing

MONTH = timedelta(days=30)
MOST = 5000  # events that a rule is tried on
WOULD = "lock_rule.would_lock"


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


def holds_counted(by: By, rules: Sequence[LockRule], now: datetime) -> dict[int, tuple[int, int]]:
    """For each rule how often it held, and how often it would have in a dry run, in the last 30 days, where the viewer
    may see."""
    found = _seen(by, RuleHold.objects.filter(rule__in=rules, began_at__gt=now - MONTH)).values_list("rule")
    counts = found.annotate(held=Count("lock"), every=Count("pk")).order_by()
    return {rule: (held, every - held) for rule, held, every in counts}


def _seen(by: By, holds: QuerySet[RuleHold]) -> QuerySet[RuleHold]:
    """Those because of places that the viewer may see."""
    if permissions.bounds(by) is None:
        return holds
    return holds.filter(pk__in=Evidence.objects.filter(seen_by_names(by)).exclude(hold=None).values("hold"))


def holds_of(by: By, rule: LockRule) -> QuerySet[RuleHold]:
    """Newest first, each with what it acted upon; those at places that the viewer may see."""
    found = RuleHold.objects.filter(rule=rule).select_related("lock", "rule").order_by("-id")
    seen = Evidence.objects.filter(seen_by_names(by)).order_by("id")
    return _seen(by, found).prefetch_related(Prefetch("evidence", queryset=seen))


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


@dataclass(frozen=True)
class RuleNames:
    """Of where a rule holds, as far as the viewer may see it; `hidden`: there are more."""

    services: list[str]
    environments: list[str]
    hidden: bool = False


def names_of_rules(by: By, rules: Sequence[LockRule]) -> dict[int, RuleNames]:
    bounds = permissions.bounds(by)
    if bounds is None:
        return {each.pk: RuleNames(each.services, each.environments) for each in rules}
    known = Entity.objects.filter(bounds)
    services, environments = (
        set(known.filter(blueprint__identifier=kind, identifier__in=names).values_list("identifier", flat=True))
        for kind, names in (
            ("service", {name for each in rules for name in each.services}),
            ("environment", {name for each in rules for name in each.environments}),
        )
    )
    return {
        each.pk: RuleNames(
            [name for name in each.services if name in services],
            [name for name in each.environments if name in environments],
            hidden=not (services >= set(each.services) and environments >= set(each.environments)),
        )
        for each in rules
    }


def unknown_names(by: By, rule: LockRule) -> list[str]:
    """Names in the rule that nothing is called by, so far."""
    found = []
    for kind, names in (("service", rule.services), ("environment", rule.environments)):
        known = Entity.objects.filter(blueprint__identifier=kind, identifier__in=names)
        missing = set(names) - set(permissions.readable(by, known).values_list("identifier", flat=True))
        found += [f"{kind} “{name}”" for name in sorted(missing)]
    known_teams = set(Team.objects.filter(identifier__in=rule.teams).values_list("identifier", flat=True))
    return found + [f"team “{name}”" for name in sorted(set(rule.teams) - known_teams)]


def history_of_rule(by: By, rule: LockRule) -> QuerySet[Event]:
    """Newest first. What it would have locked names places: that is told by `holds_of`."""
    require(by, "lock.read")
    return audit.events(noun="lock_rule").filter(noun_id=str(rule.public_id)).exclude(name=WOULD).order_by("-id")


def rules_beat() -> str:
    """Changes with every event, and with what rules heard and set by the clock."""
    holds = RuleHold.objects.aggregate(last=Max("pk"), due=Max("release_at"), ended=Max("ended_at"))
    return f"{beat()}|{holds}|{Evidence.objects.aggregate(last=Max('pk'))}"


@dataclass(frozen=True)
class Told:
    """What health has said in the last 30 days, in order. `cut`: there was more, and this is the end of it."""

    signs: list[Sign]
    cut: bool = False


def health_told(now: datetime) -> Told:
    found = Event.objects.filter(noun__in=["probe", "watch"], name__in=[FLIPPED, CLOSED], at__gt=now - MONTH)
    events = list(found.order_by("-id")[: MOST + 1])
    signs = [sign for each in reversed(events[:MOST]) if (sign := sign_of(each))]
    return Told(signs, cut=len(events) > MOST)


def replayed(rule: LockRule, told: Told, *, now: datetime) -> list[Would]:
    """What the rule would have locked. Places that are gone by now are left out."""
    pairs = {(each.service, each.environment) for each in told.signs}
    entities = Entity.objects.in_bulk({key for pair in pairs for key in pair})
    places = {pair: place_of(entities[pair[0]], entities[pair[1]]) for pair in pairs if entities.keys() >= set(pair)}
    return would_have_locked(rule, told.signs, places, now=now)
