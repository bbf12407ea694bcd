"""What health says of a place, and what the rules that lock by themselves make of it."""

from dataclasses import replace
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import NoReverseMatch, reverse

from catalog import permissions
from catalog import queries as catalog
from catalog.models import Entity
from catalog.queries import Place
from locks import limits, queries, rules, witnesses
from locks.commands.locks import lock_extend, lock_release, lock_take
from locks.models import Evidence, HeardProbe, Lock, LockRule, RuleHold, ScopeKind
from locks.scopes import HELD, Scope, scope_of
from locks.signs import HEALTHY, Sign, stream_of
from portal.audit.models import Delivery
from portal.audit.record import record
from portal.kit.by import Actor, By
from portal.kit.clock import database_now, in_words, iso
from portal.kit.locking import advisory_lock, retried

SUBSCRIBER = "locks.rules"
TIME_OVER = "its longest time was over"


def by_rule(rule_key: str, name: str) -> By:
    """A rule that acts by itself."""
    return By(Actor("system", rule_key, f"Rule “{name}”", is_admin=True), "clock")


def sign_take(sign: Sign, *, now: datetime | None = None) -> int:
    """Does what the rules say of it; by how many it was acted upon. Told twice it is acted upon once."""
    now = now or database_now()
    if not sign.is_verdict:
        _hear(sign)
    place = catalog.place_by_keys(sign.service, sign.environment)
    if place is None:
        return 0
    acting = [each for each in LockRule.objects.filter(enabled=True).order_by("pk") if rules.fires(each, sign)]
    acted = sum(_act(each.pk, place, sign, now) for each in acting if rules.reaches(each, place))
    holds_time(place.service_id, place.environment_id, now=now)
    return acted


def probe_forget(probe: str, *, now: datetime | None = None) -> None:
    """A probe that was deleted says nothing any more."""
    for heard in HeardProbe.objects.filter(probe=probe[:64]):
        heard.delete()
        holds_time(heard.service_id, heard.environment_id, now=now or database_now())


def probe_pause(probe: str, paused: bool, *, now: datetime | None = None) -> None:
    """One that is paused counts neither way."""
    for heard in HeardProbe.objects.filter(probe=probe[:64]).exclude(paused=paused):
        HeardProbe.objects.filter(pk=heard.pk).update(paused=paused)
        holds_time(heard.service_id, heard.environment_id, now=now or database_now())


@retried
@transaction.atomic
def _hear(sign: Sign) -> None:
    """Keeps the last that was said of the probe."""
    advisory_lock("heard probe", sign.probe)
    heard = HeardProbe.objects.filter(probe=sign.probe).first() or HeardProbe(probe=sign.probe, event=0)
    known = Entity.objects.filter(pk__in=[sign.service, sign.environment]).count()
    if heard.event >= sign.order or known < 2:
        return
    heard.service_id, heard.environment_id = sign.service, sign.environment
    heard.state, heard.since, heard.event = sign.state, sign.since, sign.order
    heard.unwell_since = None if sign.state == HEALTHY else heard.unwell_since or sign.since
    heard.save()


@retried
@transaction.atomic
def _act(rule_key: int, place: Place, sign: Sign, now: datetime) -> bool:
    """One rule, alone at its scope. Whoever is second finds the evidence there."""
    rule = LockRule.objects.filter(pk=rule_key, enabled=True).first()
    if rule is None:
        return False
    scope = _scope(rule, place)
    scope.hold()
    if Evidence.objects.filter(rule=rule, key=sign.key).exists():
        return False
    hold = _standing(rule, scope, now)
    outcome = Evidence.Outcome.JOINED if hold else Evidence.Outcome.HELD
    if hold:
        _renew(hold, rule, now)
    elif _let_go_since(rule, scope, _began(sign)):
        outcome = Evidence.Outcome.LET_BE
    else:
        hold = _begin(rule, scope, place, sign, now)
    Evidence.objects.create(
        rule=rule,
        hold=hold,
        key=sign.key,
        subject=(sign.deployment or sign.probe)[:64],
        at=sign.at,
        service=scope.service or Entity.objects.get(pk=place.service_id),
        service_identifier=place.service,
        environment=scope.environment or Entity.objects.get(pk=place.environment_id),
        environment_identifier=place.environment,
        reason=sign.told[:2000],
        values=sign.values,
        outcome=outcome,
    )
    return outcome != Evidence.Outcome.LET_BE


def _scope(rule: LockRule, place: Place) -> Scope:
    found = Entity.objects.in_bulk([place.service_id, place.environment_id])
    kind = ScopeKind(rule.scope)
    return Scope(
        kind,
        found[place.service_id] if kind != ScopeKind.ENVIRONMENT else None,
        found[place.environment_id] if kind != ScopeKind.SERVICE else None,
    )


def _standing(rule: LockRule, scope: Scope, now: datetime) -> RuleHold | None:
    """The hold that is on; one that has run out is closed first."""
    found = RuleHold.objects.filter(rule=rule, cover=scope.cover, ended_at=None, lock__isnull=rule.dry_run)
    hold = found.select_related("lock").first()
    if hold and not hold.is_on(now):
        _close(hold, hold.end or now, TIME_OVER)
        return None
    return hold


def _close(hold: RuleHold, at: datetime, because: str) -> None:
    hold.ended_at, hold.ended_because, hold.release_at = at, because, None
    hold.save(update_fields=["ended_at", "ended_because", "release_at"])


def _began(sign: Sign) -> datetime:
    """What ended before this has nothing to do with the trouble that is told of."""
    if sign.is_verdict:
        return sign.since
    heard = HeardProbe.objects.filter(probe=sign.probe).first()
    return min(heard.unwell_since, sign.since) if heard and heard.unwell_since else sign.since


def _let_go_since(rule: LockRule, scope: Scope, began: datetime) -> bool:
    """Whether somebody has released the rule's lock since the trouble began: he knows of it."""
    return RuleHold.objects.filter(rule=rule, cover=scope.cover, by_hand=True, ended_at__gte=began).exists()


def _begin(rule: LockRule, scope: Scope, place: Place, sign: Sign, now: datetime) -> RuleHold:
    until = now + min(rule.at_most, limits.of(scope.strictest_tier).greatest)
    reason = rules.reason_of(rule, *_tellable(scope, place, sign))
    lock: Lock | None = None
    if not rule.dry_run:
        lock = lock_take(
            scope,
            reason=reason,
            until=until,
            kind=Lock.Kind.CANARY,
            effect=rule.effect,
            allows=rule.allows,
            link=_link(sign),
            automatic_by=rule.name,
            now=now,
            by=by_rule(rule.key, rule.name),
        )
    hold = RuleHold.objects.create(
        rule=rule,
        lock=lock,
        cover=scope.cover,
        covers=_words(scope),
        reason=reason,
        healthy_for=rule.healthy_for,
        began_at=now,
        until=until,
    )
    if rule.dry_run:
        told = {"reason": reason, "until": iso(until), "service": place.service, "environment": place.environment}
        noun = replace(rule.noun(), service=place.service, environment=place.environment)
        record("lock_rule.would_lock", noun, by=by_rule(rule.key, rule.name), payload=told | scope_told(place))
    return hold


def _tellable(scope: Scope, place: Place, sign: Sign) -> tuple[Place, Sign]:
    """Whoever sees what is locked reads why: what else was not well has no name there if it is kept from some."""
    hidden: dict[str, Any] = {}
    if scope.service is None and permissions.kept_from_some(place.service_id):
        hidden["service"] = "a service"
    if scope.environment is None and permissions.kept_from_some(place.environment_id):
        hidden["environment"] = "an environment"
    if not hidden:
        return place, sign
    untold = "who may see it reads of it on the page of this lock"
    return replace(place, **hidden), replace(sign, probe_name="", reason=untold, version="", commit="")


def _link(sign: Sign) -> str:
    """The page of what happened: upper apps know the addresses of deployments and probes."""
    name = "deployments:deployment" if sign.is_verdict else "health:probe"
    try:
        return str(settings.BASE_URL) + reverse(name, args=[sign.deployment or sign.probe])
    except NoReverseMatch:
        return ""


def scope_told(place: Place) -> dict[str, int]:
    return {"service_id": place.service_id, "environment_id": place.environment_id}


def _words(scope: Scope) -> str:
    return Lock(**scope.columns()).covers


def _renew(hold: RuleHold, rule: LockRule, now: datetime) -> None:
    """It fails again: the longest time counts from now on. What somebody has made longer stays so, and what comes with
    the first failure moves nothing."""
    if hold.lock is None:
        if hold.until + rules.SAME <= now + rule.at_most:
            hold.until = now + rule.at_most
            hold.save(update_fields=["until"])
        return
    tier = scope_of(hold.lock).strictest_tier
    until = now + min(rule.at_most, limits.of(tier).greatest)
    if hold.lock.expires_at and hold.lock.expires_at + rules.SAME <= until:
        hold.lock = lock_extend(hold.lock, until, now=now, by=by_rule(hold.lock.holder_key, hold.lock.automatic_by))
        hold.until = until
        hold.save(update_fields=["until"])


def holds_time(service: int, environment: int, *, now: datetime) -> None:
    """Sets the clock of release of all holds that are on because of this place."""
    because = Evidence.objects.filter(service=service, environment=environment, hold__ended_at=None)
    for pk in sorted(set(because.exclude(hold=None).values_list("hold", flat=True))):
        hold_time(pk, now=now)


@retried
@transaction.atomic
def hold_time(pk: int, *, now: datetime) -> None:
    """When it lets go by itself: once all its places have been well for so long, since the last that went wrong."""
    hold = _alone(pk)
    if hold is None or not hold.is_on(now):
        return
    release_at = _due(hold)
    if release_at == hold.release_at:
        return
    hold.release_at = release_at
    hold.save(update_fields=["release_at"])
    if hold.lock:
        name = "lock.release_planned" if release_at else "lock.release_called_off"
        by = by_rule(hold.lock.holder_key, hold.lock.automatic_by)
        record(name, hold.lock.noun(), by=by, after=hold.lock.facts(), payload={"release_at": iso(release_at)})


def _alone(pk: int) -> RuleHold | None:
    """The row as it is, once nobody else is at its scope."""
    hold = RuleHold.objects.filter(pk=pk, ended_at=None).first()
    if hold is None:
        return None
    advisory_lock(HELD, hold.cover)
    return (
        RuleHold.objects.filter(pk=pk, ended_at=None)
        .select_related("lock", "lock__service", "lock__environment")
        .first()
    )


def _due(hold: RuleHold) -> datetime | None:
    last = hold.evidence.aggregate(last=Max("at"))["last"]
    well = [queries.well_since(*pair) for pair in _places(hold)]
    if last is None or not well or None in well:
        return None
    latest: datetime = max([last, *(each for each in well if each)])
    return latest + hold.healthy_for


def _places(hold: RuleHold) -> list[tuple[int, int]]:
    """What went wrong where; keys of service and environment."""
    found = hold.evidence.exclude(service=None).exclude(environment=None)
    return sorted(set(found.values_list("service", "environment")))


def holds_release(*, now: datetime | None = None) -> int:
    """Lets go of all that have been well for long enough; how many."""
    now = now or database_now()
    due = (
        RuleHold.objects.filter(release_at__lte=now, ended_at=None).order_by("release_at").values_list("pk", flat=True)
    )
    return sum(hold_release(pk, now=now) for pk in list(due[:1000]))


@retried
@transaction.atomic
def hold_release(pk: int, *, now: datetime) -> bool:
    """Whoever is second finds it done. Nothing is let go while something was said that nobody has heard yet, or while
    health has fallen silent."""
    hold = _alone(pk)
    if hold is None or hold.release_at is None or hold.release_at > now:
        return False
    unheard = Delivery.objects.filter(subscriber=SUBSCRIBER, state__in=Delivery.UNFINISHED)
    if unheard.filter(stream__in=[stream_of(*pair) for pair in _places(hold)]).exists():
        return False
    if not hold.is_on(now):
        _close(hold, hold.end or now, TIME_OVER)
        return False
    if not all(witnesses.all_say_well(*place, now) for place in _places(hold)):
        return False
    because = f"healthy for {_lasted(hold)}"
    if hold.lock is None:
        _close(hold, now, because)
        return True
    lock_release(hold.lock, reason=because, now=now, by=by_rule(hold.lock.holder_key, hold.lock.automatic_by))
    return True


def _lasted(hold: RuleHold) -> str:
    seconds = int(hold.healthy_for.total_seconds())
    if seconds < 60:
        return f"{seconds} s"
    return f"{seconds // 60} minutes" if seconds % 60 == 0 and 120 <= seconds < 3600 else in_words(hold.healthy_for)
