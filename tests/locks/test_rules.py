"""Rules that lock by themselves: what they lock, once; when it is released, by whom, and what a dry run says."""

from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.urls import reverse

from locks import queries, rules
from locks.commands import (
    holds_release,
    lock_extend,
    lock_release,
    lock_rule_delete,
    lock_rule_update,
    lock_take,
    probe_forget,
    sign_take,
)
from locks.models import Evidence, HeardProbe, Lock, RuleHold
from locks.queries import decide
from locks.scopes import pair
from portal.audit.models import Event
from portal.kit.by import Actor, By
from portal.kit.errors import Conflict
from tests.conftest import SETUP, events
from tests.locks.health import HOUR, MINUTE, SECOND, flip, rule, verdict

CI = By(Actor("credential", "credential:1", "CI", scopes=frozenset({"gate"})), "api")


def active(now):
    return list(Lock.objects.active(now))


def test_a_failed_verdict_locks_the_place_and_says_by_which_rule_and_why(place, now):
    rule(reason="{service} {version} is not well: {reason}")
    assert sign_take(verdict(place, "failed", now), now=now) == 1
    (lock,) = active(now)
    assert (lock.kind, lock.automatic_by, lock.holder_name) == ("canary", "Canary", "Rule “Canary”")
    assert lock.reason == "checkout 1.4.2 is not well: 3 of 3 calls failed"
    assert lock.expires_at == now + 2 * HOUR and lock.remind_at is None and lock.link == ""
    assert decide(place, by=CI, now=now).denies
    assert "locked by Rule “Canary”" in decide(place, by=CI, now=now).message
    told = Event.objects.get(name="lock.taken")
    assert told.after["automatic_by"] == "Canary" and told.actor_name == "Rule “Canary”"


@pytest.mark.parametrize(
    ("on", "said", "locks"),
    [
        ("verdict", ("failed", "passed", "inconclusive"), [True, False, False]),
        ("failing", ("failing", "down", "degraded", "unknown", "prober_down"), [True, True, False, False, False]),
        ("down", ("failing", "down", "maintenance"), [False, True, False]),
    ],
)
def test_a_rule_acts_upon_what_it_says_and_nothing_else(place, now, on, said, locks):
    acting = rule(on=[on])
    for state, locked in zip(said, locks, strict=True):
        make = verdict if on == "verdict" else flip
        assert rules.fires(acting, make(place, state, now)) is locked, state


def test_what_is_muted_for_maintenance_locks_nothing(place, now):
    rule()
    assert sign_take(flip(place, "down", now, muted=True), now=now) == 0
    assert not Lock.objects.exists() and events("lock.") == []


@pytest.mark.parametrize(
    ("where", "reached"),
    [
        ({}, True),
        ({"tiers": ["production"]}, True),
        ({"tiers": ["staging", "test"]}, False),
        ({"services": ["checkout"]}, True),
        ({"services": ["search"]}, False),
        ({"environments": ["production"], "services": ["checkout", "gone"]}, True),
        ({"environments": ["staging"]}, False),
        ({"teams": ["payments"]}, True),
        ({"teams": ["search"]}, False),
    ],
)
def test_a_rule_holds_where_it_says_and_a_name_that_is_gone_never_widens_it(place, now, where, reached):
    assert rules.reaches(rule(**where), place) is reached


def test_the_same_told_twice_is_one_lock_one_event_one_piece_of_evidence(place, now):
    rule()
    failed = verdict(place, "failed", now, values={"failures": 3})
    assert [sign_take(failed, now=now), sign_take(failed, now=now + SECOND)] == [1, 0]
    assert events("lock.") == ["lock.taken"]
    assert [each.values for each in Evidence.objects.all()] == [{"failures": 3}]


def test_more_trouble_joins_the_lock_and_makes_it_last_longer(place, now):
    rule()
    sign_take(flip(place, "failing", now), now=now)
    sign_take(flip(place, "down", now + HOUR), now=now + HOUR)
    (lock,) = active(now + HOUR)
    assert lock.expires_at == now + 3 * HOUR
    assert list(Evidence.objects.values_list("outcome", flat=True)) == ["held", "joined"]
    assert events("lock.") == ["lock.taken", "lock.extended"]


def test_a_lock_leads_to_the_page_of_what_it_was_taken_for(shop, now):
    rule()
    one = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"
    sign_take(verdict(shop.checkout_production, "failed", now, deployment=one), now=now)
    sign_take(flip(shop.search_production, "down", now, probe=one), now=now)
    links = [urlsplit(lock.link).path for lock in Lock.objects.order_by("id")]
    assert links == [f"/deployments/d/{one}", reverse("health:probe", args=[one])]


def test_two_rules_hold_one_place_with_a_lock_each(place, now):
    rule()
    rule(name="Down", on=["failing"], healthy_for="1m")
    sign_take(flip(place, "failing", now), now=now)
    assert sorted(lock.automatic_by for lock in active(now)) == ["Canary", "Down"]
    sign_take(flip(place, "healthy", now + MINUTE), now=now + MINUTE)
    assert holds_release(now=now + 2 * MINUTE) == 1
    assert [lock.automatic_by for lock in active(now + 2 * MINUTE)] == ["Canary"]


def test_it_stands_beside_what_a_person_holds(place, now, page, bob):
    mine = lock_take(pair(place), reason="looking", kind="canary", now=now, by=page(bob))
    rule()
    sign_take(flip(place, "failing", now), now=now)
    assert {lock.pk for lock in active(now)} > {mine.pk}
    with pytest.raises(Conflict, match="already locked by Bob"):
        lock_take(pair(place), reason="me too", kind="canary", now=now, by=SETUP)


def test_it_is_released_once_the_place_has_been_healthy_for_ten_minutes(place, now):
    rule()
    sign_take(flip(place, "failing", now), now=now)
    sign_take(flip(place, "healthy", now + 5 * MINUTE), now=now + 5 * MINUTE)
    assert RuleHold.objects.get().release_at == now + 15 * MINUTE
    assert holds_release(now=now + 15 * MINUTE - SECOND) == 0
    assert holds_release(now=now + 15 * MINUTE) == 1
    assert holds_release(now=now + 15 * MINUTE) == 0
    lock = Lock.objects.get()
    assert (lock.released_by, lock.release_reason) == ("Rule “Canary”", "healthy for 10 minutes")
    assert events("lock.") == ["lock.taken", "lock.release_planned", "lock.released"]
    assert not decide(place, by=CI, now=now + 15 * MINUTE).denies


@pytest.mark.parametrize("state", ["failing", "degraded", "unknown", "prober_down"])
def test_what_is_not_healthy_stops_the_clock_of_release(place, now, state):
    rule()
    sign_take(flip(place, "failing", now), now=now)
    sign_take(flip(place, "healthy", now + MINUTE), now=now + MINUTE)
    sign_take(flip(place, state, now + 9 * MINUTE), now=now + 9 * MINUTE)
    assert RuleHold.objects.get().release_at is None
    assert holds_release(now=now + 12 * MINUTE) == 0 and active(now + 12 * MINUTE)
    assert "lock.release_called_off" in events("lock.")


def test_all_probes_of_the_place_have_to_be_healthy_but_those_that_are_paused(place, now):
    rule()
    sign_take(flip(place, "failing", now, probe="a"), now=now)
    sign_take(flip(place, "down", now, probe="b"), now=now)
    sign_take(flip(place, "paused", now, probe="c"), now=now)
    sign_take(flip(place, "healthy", now + MINUTE, probe="a"), now=now + MINUTE)
    assert RuleHold.objects.get().release_at is None
    sign_take(flip(place, "healthy", now + 2 * MINUTE, probe="b"), now=now + 2 * MINUTE)
    assert RuleHold.objects.get().release_at == now + 12 * MINUTE


def test_a_probe_that_is_deleted_holds_nothing_up(place, now):
    rule()
    sign_take(flip(place, "healthy", now, probe="a"), now=now)
    sign_take(flip(place, "down", now, probe="b"), now=now)
    probe_forget("b", now=now + MINUTE)
    assert RuleHold.objects.get().release_at == now + 10 * MINUTE


def test_a_verdict_on_a_place_whose_probes_are_healthy_starts_the_clock_at_once(place, now):
    rule()
    sign_take(flip(place, "healthy", now - HOUR), now=now - HOUR)
    sign_take(verdict(place, "failed", now), now=now)
    assert RuleHold.objects.get().release_at == now + 10 * MINUTE


def test_with_nobody_to_say_that_it_is_well_it_lasts_two_hours_and_ends_with_every_worker_stopped(place, now):
    rule()
    sign_take(verdict(place, "failed", now), now=now)
    assert RuleHold.objects.get().release_at is None
    assert active(now + 2 * HOUR - SECOND) and not active(now + 2 * HOUR)


def test_no_lock_is_longer_than_its_tier_allows(place, now):
    rule(at_most="10d")
    sign_take(verdict(place, "failed", now), now=now)
    assert Lock.objects.get().expires_at == now + timedelta(days=3)


def test_a_new_failure_after_the_end_locks_again(place, now):
    rule()
    sign_take(verdict(place, "failed", now), now=now)
    sign_take(verdict(place, "failed", now + 3 * HOUR), now=now + 3 * HOUR)
    assert len(active(now + 3 * HOUR)) == 1 and Lock.objects.count() == 2
    assert list(RuleHold.objects.order_by("id").values_list("ended_because", flat=True)) == [
        "its longest time was over",
        "",
    ]


def test_what_a_person_has_released_is_not_locked_again_for_the_same_trouble(place, now, page, bob):
    rule()
    failing = flip(place, "failing", now)
    sign_take(failing, now=now)
    lock_release(Lock.objects.get(), reason="we know", now=now + MINUTE, by=page(bob))
    hold = RuleHold.objects.get()
    assert hold.by_hand and hold.ended_because == "Bob: we know"
    for again in (failing, flip(place, "down", now + 2 * MINUTE), verdict(place, "failed", now + 3 * MINUTE)):
        assert sign_take(again, now=now + 3 * MINUTE) == 0
    assert not active(now + 3 * MINUTE) and Lock.objects.count() == 1
    assert list(Evidence.objects.order_by("id").values_list("outcome", flat=True)) == ["held", "let_be", "let_be"]


def test_another_trouble_after_a_person_released_it_locks_again(place, now, page, bob):
    rule()
    sign_take(flip(place, "failing", now), now=now)
    lock_release(Lock.objects.get(), reason="we know", now=now + MINUTE, by=page(bob))
    sign_take(flip(place, "healthy", now + 2 * MINUTE), now=now + 2 * MINUTE)
    assert sign_take(flip(place, "failing", now + 3 * MINUTE), now=now + 3 * MINUTE) == 1
    lock_release(active(now + 3 * MINUTE)[0], reason="again", now=now + 4 * MINUTE, by=page(bob))
    later = now + 6 * MINUTE
    assert sign_take(verdict(place, "failed", later, opened=now + 5 * MINUTE), now=later) == 1


def test_what_a_person_made_longer_is_not_made_shorter(place, now, page, bob):
    rule()
    sign_take(flip(place, "failing", now), now=now)
    lock_extend(Lock.objects.get(), now + 6 * HOUR, now=now, by=page(bob))
    sign_take(flip(place, "down", now + MINUTE), now=now + MINUTE)
    assert Lock.objects.get().expires_at == now + 6 * HOUR
    lock_extend(Lock.objects.get(), None, now=now, by=page(bob))
    sign_take(flip(place, "failing", now + 2 * MINUTE, probe="b"), now=now + 2 * MINUTE)
    assert Lock.objects.get().expires_at is None


def test_a_rollback_goes_through_if_the_rule_says_so(shop, now):
    rule()
    rule(name="Strict", services=["search"], lets_rollbacks=False)
    for each in (shop.checkout_production, shop.search_production):
        sign_take(verdict(each, "failed", now), now=now)
    assert decide(shop.checkout_production, by=CI, now=now).denies
    assert not decide(shop.checkout_production, by=CI, intent="rollback", now=now).denies
    assert decide(shop.search_production, by=CI, intent="rollback", now=now).denies


def test_a_rule_may_hold_more_than_the_place_and_counts_all_that_went_wrong_in_it(shop, now):
    rule(scope="environment", effect="block_automation")
    sign_take(flip(shop.checkout_production, "failing", now), now=now)
    sign_take(flip(shop.search_production, "failing", now, probe="p2"), now=now)
    (lock,) = active(now)
    assert (lock.scope_kind, lock.environment_identifier, lock.effect) == (
        "environment",
        "production",
        "block_automation",
    )
    sign_take(flip(shop.checkout_production, "healthy", now + MINUTE), now=now + MINUTE)
    assert RuleHold.objects.get().release_at is None, "search is not well yet"
    sign_take(flip(shop.search_production, "healthy", now + 2 * MINUTE, probe="p2"), now=now + 2 * MINUTE)
    assert RuleHold.objects.get().release_at == now + 12 * MINUTE


def test_a_dry_run_locks_nothing_and_says_what_it_would_have_locked(place, now):
    trial = rule(dry_run=True)
    for hour in range(3):
        at = now + hour * 3 * HOUR
        sign_take(flip(place, "failing", at), now=at)
        sign_take(flip(place, "down", at + MINUTE), now=at + MINUTE)
        sign_take(flip(place, "healthy", at + HOUR), now=at + HOUR)
        assert holds_release(now=at + HOUR + 10 * MINUTE) == 1
    assert not Lock.objects.exists() and not decide(place, by=CI, now=now + MINUTE).denies
    assert events("lock") == ["lock_rule.created", *["lock_rule.would_lock"] * 3]
    told = Event.objects.filter(name="lock_rule.would_lock").first()
    assert (told.title, told.service, told.environment) == ("Canary", "checkout", "production")
    assert queries.holds_counted(SETUP, [trial], now + 10 * HOUR) == {trial.pk: (0, 3)}
    assert RuleHold.objects.first().ended_because == "healthy for 10 minutes"


def test_the_end_of_a_dry_run_ends_what_it_would_have_locked(place, now):
    trial = rule(dry_run=True)
    sign_take(flip(place, "failing", now), now=now)
    lock_rule_update(trial, rules.parse({"dry_run": False}, base=trial), by=SETUP)
    assert RuleHold.objects.get().ended_because == "the rule was changed"
    assert sign_take(flip(place, "down", now + MINUTE), now=now + MINUTE) == 1
    assert len(active(now + MINUTE)) == 1


def test_the_locks_of_a_deleted_rule_stay_until_they_end(place, now):
    gone = rule()
    sign_take(flip(place, "failing", now), now=now)
    lock_rule_delete(gone, by=SETUP)
    assert len(active(now)) == 1
    assert sign_take(flip(place, "down", now), now=now) == 0


def test_a_disabled_rule_does_nothing(place, now):
    rule(enabled=False)
    assert sign_take(flip(place, "down", now), now=now) == 0
    assert not RuleHold.objects.exists()


def test_what_is_late_or_twice_about_a_probe_changes_nothing(place, now):
    rule()
    late = flip(place, "failing", now - MINUTE)
    sign_take(flip(place, "healthy", now), now=now)
    sign_take(late, now=now)
    assert queries.well_since(place.service_id, place.environment_id) == now


def test_a_place_that_is_gone_is_no_error(place, now):
    rule()
    assert sign_take(replace(flip(place, "down", now), service=0), now=now) == 0
    assert not HeardProbe.objects.exists()


def test_a_lock_of_a_deleted_rule_is_not_released_while_its_place_fails_again(place, now):
    gone = rule()
    sign_take(flip(place, "failing", now), now=now)
    sign_take(flip(place, "healthy", now + MINUTE), now=now + MINUTE)
    lock_rule_delete(gone, by=SETUP)
    sign_take(flip(place, "down", now + 2 * MINUTE), now=now + 2 * MINUTE)
    assert holds_release(now=now + 11 * MINUTE) == 0 and active(now + 11 * MINUTE)
    sign_take(flip(place, "healthy", now + 12 * MINUTE), now=now + 12 * MINUTE)
    assert holds_release(now=now + 22 * MINUTE) == 1
