import random
from datetime import timedelta

import pytest

from locks import scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    gate_ask,
    lock_expiries_tell,
    lock_release,
    lock_take,
    pair_advance,
    ticket_join,
)
from locks.models import KeptDecision, Lock
from locks.queries import decide, decide_many
from locks.runs import Run
from portal.accounts.commands import credential_create, user_create
from portal.accounts.queries import actor_of_credential
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from tests.conftest import SETUP, events, write

PROGRAM = By(Actor("credential", "credential:0", "CI", scopes=frozenset({"gate", "lock"})), "api")
SECOND = timedelta(seconds=1)


def test_an_unlocked_place_is_open_and_nothing_is_written(shop):
    decision = gate_ask(shop.checkout_production, by=PROGRAM)
    assert (decision.outcome, decision.message) == ("allow", "checkout in production is open.")
    assert not KeptDecision.objects.exists()


def test_a_denial_names_who_why_and_until_when_and_is_kept(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    decision = gate_ask(shop.checkout_production, run=Run("build 7"), commit="4f2a9c1", by=PROGRAM)
    assert decision.denies
    assert decision.message.startswith("checkout in production is locked by Bob until ")
    assert decision.message.endswith(": debugging")
    denial = KeptDecision.objects.get()
    assert (denial.run, denial.commit, denial.lock_ids) == ("build 7", "4f2a9c1", [lock.public_id])


@pytest.mark.parametrize(
    ("scope", "names"),
    [
        ("pair", {"service": "checkout", "environment": "production"}),
        ("service", {"service": "checkout"}),
        ("environment", {"environment": "prod"}),
        ("tier", {"tier": "production"}),
        ("team", {"team": "payments"}),
        ("everything", {}),
    ],
)
def test_every_scope_covers_what_it_says_and_no_more(shop, page, alice, scope, names):
    lock_take(scopes.named(scope, **names), reason="closed", by=page(alice))
    here = {
        "checkout in production": shop.checkout_production,
        "checkout in staging": shop.checkout_staging,
        "search in production": shop.search_production,
    }
    covered = {name for name, place in here.items() if decide(place, by=PROGRAM).denies}
    expected = {
        "pair": {"checkout in production"},
        "service": {"checkout in production", "checkout in staging"},
        "environment": {"checkout in production", "search in production"},
        "tier": {"checkout in production", "search in production"},
        "team": {"checkout in production", "checkout in staging"},
        "everything": set(here),
    }[scope]
    assert covered == expected


def test_a_lock_ends_at_exactly_its_end_with_every_worker_stopped(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    before, end = lock.expires_at - timedelta(microseconds=1), lock.expires_at
    assert decide(shop.checkout_production, by=PROGRAM, now=before).denies
    assert not decide(shop.checkout_production, by=PROGRAM, now=end).denies
    assert events("lock") == ["lock.taken"]


def test_a_lock_holds_when_the_servers_clock_jumps_back(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    yesterday = lock.starts_at - timedelta(days=1)
    assert decide(shop.checkout_production, by=PROGRAM, now=yesterday).denies


def test_people_pass_what_blocks_automation_only(shop, page, alice, bob):
    lock_take(scopes.pair(shop.checkout_production), reason="by hand today", effect="block_automation", by=page(alice))
    assert decide(shop.checkout_production, by=PROGRAM).outcome == "deny"
    assert decide(shop.checkout_production, by=page(bob)).outcome == "warn"


def test_a_programs_account_is_no_person_at_the_gate_nor_in_the_line(shop, page, alice):
    robot = user_create("robot@example.org", "Robot", password=None, service=True, by=SETUP)
    credential, _ = credential_create("Robot's", kind="ci", scopes=["gate"], user=robot, by=SETUP)
    by = By(actor_of_credential(credential), "api")
    place = shop.checkout_production
    begun = claim_begin(place, Run("gh:1:1"), by=SETUP)
    ticket = ticket_join(place, Run("gh:2:1"), by=by).ticket
    lock_take(scopes.pair(place), reason="by hand today", effect="block_automation", by=page(alice))
    assert gate_ask(place, by=by).outcome == "deny"
    claim_finish(begun.claim, begun.claim.fence, "success", by=SETUP)
    pair_advance(place.service_id, place.environment_id)
    ticket.refresh_from_db()
    assert (ticket.holder_kind, ticket.ready_at) == ("credential", None)


def test_a_warning_is_told_and_does_not_deny(shop, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="load test", effect="warn", by=page(alice))
    decision = decide(shop.checkout_production, by=PROGRAM)
    assert (decision.outcome, len(decision.locks), decision.denying) == ("warn", 1, ())


def test_the_most_severe_and_most_particular_is_named_first(shop, page, alice):
    by = page(alice)
    lock_take(scopes.named("everything"), reason="release freeze", by=by)
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=by)
    lock_take(scopes.named("environment", environment="production"), reason="fire", kind="incident", by=by)
    reasons = [lock.reason for lock in decide(shop.checkout_production, by=PROGRAM).locks]
    assert reasons == ["fire", "debugging", "release freeze"]


def test_it_opens_when_the_last_of_all_ends_and_never_by_itself_when_one_is_open_ended(shop, page, alice):
    by, now = page(alice), database_now()
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", until=now + timedelta(hours=1), by=by)
    late = lock_take(scopes.named("everything"), reason="release freeze", until=now + timedelta(hours=2), by=by)
    assert decide(shop.checkout_production, by=PROGRAM).next_open_at == late.expires_at
    lock_take(scopes.named("service", service="checkout"), reason="until further notice", until=None, by=by)
    assert decide(shop.checkout_production, by=PROGRAM).next_open_at is None


def test_expiry_is_told_once_however_many_clocks_tick(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    Lock.objects.filter(pk=lock.pk).update(
        starts_at=lock.starts_at - timedelta(days=1), expires_at=lock.starts_at - SECOND
    )
    assert [lock_expiries_tell(), lock_expiries_tell()] == [1, 0]
    assert events("lock") == ["lock.taken", "lock.expired"]


def test_random_locks_agree_with_a_plain_model_one_by_one_and_in_bulk(shop, page, alice):
    """Adding a lock never opens a place, releasing one never closes one; the batch and the single answer agree."""
    chance, by = random.Random(4), page(alice)
    write("environment", "sandbox", properties={"tier": "development"})
    write("service", "ads", team=("growth", "payments"))
    from catalog import queries as catalog

    names = [(s, e) for s in ("checkout", "search", "ads") for e in ("production", "staging", "sandbox")]
    places = {pair: catalog.place(*pair) for pair in names}
    choices = [
        ("pair", {"service": "checkout", "environment": "production"}),
        ("pair", {"service": "ads", "environment": "sandbox"}),
        ("service", {"service": "search"}),
        ("environment", {"environment": "staging"}),
        ("tier", {"tier": "production"}),
        ("tier", {"tier": "development"}),
        ("team", {"team": "payments"}),
        ("everything", {}),
    ]
    held = {}
    for _ in range(60):
        kind, wanted = chance.choice(choices)
        key = (kind, *wanted.values())
        if key in held:
            lock_release(held.pop(key)[0], by=by)
        else:
            held[key] = (lock_take(scopes.named(kind, **wanted), reason="random", by=by), kind, wanted)
        together = decide_many(places.values())
        for place in places.values():
            expected = any(_covers(kind, wanted, place) for _, kind, wanted in held.values())
            assert decide(place, by=PROGRAM).denies is expected
            assert together[place.service_id, place.environment_id].denies is expected


def _covers(kind, wanted, place):
    return {
        "pair": (place.service, place.environment) == (wanted.get("service"), wanted.get("environment")),
        "service": place.service == wanted.get("service"),
        "environment": place.environment == wanted.get("environment"),
        "tier": place.tier == wanted.get("tier"),
        "team": wanted.get("team") in place.service_teams,
        "everything": True,
    }[kind]
