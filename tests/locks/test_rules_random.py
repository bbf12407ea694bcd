"""On random histories of flips, verdicts, releases and jumps of the clock an oracle says when a rule's lock is on."""

import random
from datetime import timedelta

import pytest
from django.db.models import Count

from locks.commands import holds_release, lock_release, sign_take
from locks.models import Evidence, HeardProbe, Lock, LockRule, RuleHold
from locks.replays import would_have_locked
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.locks.health import HOUR, MINUTE, SECOND, flip, rule, verdict

HISTORIES, STEPS = 8, 24
PROBES = ("a", "b")
STATES = ("healthy", "healthy", "healthy", "failing", "down", "degraded", "unknown")
JUMPS = (SECOND, MINUTE, 5 * MINUTE, 10 * MINUTE - SECOND, 10 * MINUTE, 2 * HOUR - SECOND, 2 * HOUR)
HEALTHY_FOR, AT_MOST = 10 * MINUTE, 2 * HOUR


class Oracle:
    """One place, one rule. It keeps the whole history and reads it from the beginning each time it is asked."""

    def __init__(self, on):
        self.on, self.history = on, []

    def is_locked(self, now):
        self.locked, self.hand, self.said, self.unwell = None, None, {}, {}
        for at, what, *rest in [*self.history, (now, "look")]:
            if self.locked and at >= self.locked["end"]:
                self.locked = None
            getattr(self, what)(at, *rest)
        return self.locked is not None

    def look(self, at):
        pass

    def flip(self, at, probe, state):
        self.said[probe] = (state, at)
        self.unwell[probe] = None if state == "healthy" else self.unwell.get(probe) or at
        if (state in ("failing", "down") and "failing" in self.on) or (state == "down" and "down" in self.on):
            self.trouble(at, self.unwell[probe])

    def verdict(self, at, opened):
        if "verdict" in self.on:
            self.trouble(at, opened)

    def trouble(self, at, began):
        if self.locked:
            end = self.locked["end"]
            self.locked = {"end": at + AT_MOST if at + AT_MOST - end >= MINUTE else end, "last": at}
        elif self.hand is None or self.hand < began:
            self.locked = {"end": at + AT_MOST, "last": at}

    def release(self, at):
        if self.locked:
            self.locked, self.hand = None, at

    def sweep(self, at):
        well = self.said and all(state == "healthy" for state, _ in self.said.values())
        if self.locked and well:
            since = max(self.locked["last"], *(moment for _, moment in self.said.values()))
            if at >= since + HEALTHY_FOR:
                self.locked = None


@pytest.mark.parametrize("by_hand", [True, False])
def test_the_lock_is_on_exactly_when_the_oracle_says_so(shop, by_hand):
    """And without releases by hand a replay of what was told finds as many locks as there were."""
    started = database_now() + timedelta(days=1)
    for seed in range(HISTORIES // 2):
        dice = random.Random(f"{by_hand}{seed}")
        acting = {name: rule(name=name, on=on) for name, on in (("F", ["failing"]), ("V", ["verdict", "down"]))}
        places = (shop.checkout_production, shop.search_production)
        oracles = {(name, place): Oracle(acting[name].on) for name in acting for place in places}
        now, told = started, []
        for _ in range(STEPS):
            now += dice.choice(JUMPS)
            step(dice, places, oracles, now, told, by_hand)
            check(oracles, now)
        if not by_hand:
            for each in acting.values():
                pairs = {(place.service_id, place.environment_id): place for place in places}
                assert len(would_have_locked(each, told, pairs, now=now)) == RuleHold.objects.filter(rule=each).count()
        for model in (Evidence, RuleHold, HeardProbe, LockRule, Lock):
            model.objects.all().delete()


def step(dice, places, oracles, now, told, by_hand):
    holds_release(now=now)
    for each in oracles.values():
        each.history.append((now, "sweep"))
    place = dice.choice(places)
    here = [each for (_, where), each in oracles.items() if where == place]
    deed = dice.choices(["flip", "verdict", "release", "nothing"], weights=[8, 2, 2 if by_hand else 0, 1])[0]
    if deed == "flip":
        probe, state = dice.choice(PROBES), dice.choice(STATES)
        sign = flip(place, state, now, probe=f"{place.service}-{probe}")
        tell(dice, sign, told, now)
        for each in here:
            each.history.append((now, "flip", probe, state))
    elif deed == "verdict":
        opened = now - dice.choice((SECOND, 15 * MINUTE))
        tell(dice, verdict(place, "failed", now, opened=opened), told, now)
        for each in here:
            each.history.append((now, "verdict", opened))
    elif deed == "release":
        for lock in Lock.objects.active(now).filter(service=place.service_id):
            lock_release(lock, reason="we know", now=now, by=SETUP)
        for each in here:
            each.history.append((now, "release"))


def tell(dice, sign, told, now):
    """Now and then twice, and an earlier one again."""
    told.append(sign)
    sign_take(sign, now=now)
    if dice.random() < 0.3:
        sign_take(dice.choice(told), now=now)


def check(oracles, now):
    on = Lock.objects.active(now)
    found = {(each.automatic_by, each.service_identifier) for each in on}
    wanted = {(name, place.service) for (name, place), each in oracles.items() if each.is_locked(now)}
    assert found == wanted
    assert not on.values("automatic_by", "service").annotate(number=Count("pk")).filter(number__gt=1)
