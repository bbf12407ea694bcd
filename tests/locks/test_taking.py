from datetime import timedelta

import pytest

from catalog import queries as catalog
from locks import scopes
from locks.commands import lock_extend, lock_release, lock_take
from locks.models import Lock, ScopeKind
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Missing, Refused
from tests.conftest import SETUP, events


def test_a_lock_without_an_end_gets_the_default_of_its_tier(shop, page, bob):
    production = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    staging = lock_take(scopes.pair(shop.checkout_staging), reason="debugging", by=page(bob))
    assert production.expires_at - production.starts_at == timedelta(hours=4)
    assert staging.expires_at - staging.starts_at == timedelta(hours=1)


def test_a_second_taker_is_refused_with_the_holder_and_leaves_no_trace(shop, page, bob, charlie):
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    with pytest.raises(Conflict, match="already locked by Bob"):
        lock_take(scopes.pair(shop.checkout_production), reason="mine now", by=page(charlie))
    assert Lock.objects.count() == 1
    assert events("lock") == ["lock.taken"]


def test_taking_over_ends_the_first_lock_and_tells_whose_it_was(shop, page, bob, charlie):
    first = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    second = lock_take(scopes.pair(shop.checkout_production), reason="incident", steal=True, by=page(charlie))
    first.refresh_from_db()
    assert first.released_by == "Charlie" and first.release_reason == "Taken over by Charlie: incident"
    assert second.holder_name == "Charlie"
    assert events("lock") == ["lock.taken", "lock.released", "lock.taken"]


def test_locks_of_other_scopes_and_kinds_stand_beside_it(shop, page, alice):
    by = page(alice)
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=by)
    lock_take(scopes.pair(shop.checkout_production), reason="incident", kind="incident", by=by)
    lock_take(scopes.named("environment", environment="production"), reason="everything stops", by=by)
    assert Lock.objects.count() == 3


@pytest.mark.parametrize(
    ("kind", "names", "path"),
    [
        ("pair", {"environment": "production"}, "service"),
        ("environment", {}, "environment"),
        ("environment", {"environment": "production", "service": "checkout"}, "service"),
        ("everything", {"service": "checkout"}, "service"),
        ("tier", {"tier": "prod"}, "tier"),
        ("galaxy", {}, "scope"),
    ],
)
def test_a_name_missing_or_too_many_is_refused_never_widened(shop, kind, names, path):
    with pytest.raises(Invalid) as refusal:
        scopes.named(kind, **names)
    assert [fault["path"] for fault in refusal.value.details["errors"]] == [path]


def test_a_misspelt_service_is_missing_and_the_nearest_is_named(shop):
    with pytest.raises(Missing) as refusal:
        scopes.named("pair", service="chekout", environment="production")
    assert refusal.value.details["nearest"] == ["checkout"]


@pytest.mark.parametrize("reason", ["", "  ", "x"])
def test_a_lock_says_why(shop, page, bob, reason):
    with pytest.raises(Invalid, match="say why"):
        lock_take(scopes.pair(shop.checkout_production), reason=reason, by=page(bob))
    assert not Lock.objects.exists()


def test_production_is_not_locked_for_longer_than_three_days(shop, page, bob):
    late = database_now() + timedelta(days=4)
    with pytest.raises(Invalid, match="3 days at most"):
        lock_take(scopes.pair(shop.checkout_production), reason="holidays", until=late, by=page(bob))
    assert lock_take(scopes.pair(shop.checkout_staging), reason="holidays", until=late, by=page(bob))


def test_an_environment_without_a_tier_obeys_productions_limits(shop, page, bob):
    from tests.conftest import write

    write("environment", "sandbox")
    place = catalog.place("checkout", "sandbox")
    assert place.tier == "production"


def test_an_end_in_the_past_is_refused(shop, page, bob):
    with pytest.raises(Invalid, match="future"):
        lock_take(scopes.pair(shop.checkout_production), reason="oops", until=database_now(), by=page(bob))


def test_releasing_twice_is_one_release_and_one_event(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    first = lock_release(lock, reason="done", by=page(bob))
    second = lock_release(lock, reason="again", by=page(bob))
    assert (second.released_at, second.release_reason) == (first.released_at, "done")
    assert events("lock") == ["lock.taken", "lock.released"]


def test_releasing_one_lock_never_frees_another(shop, page, bob):
    wide = lock_take(scopes.named(ScopeKind.SERVICE, service="checkout"), reason="quarter close", by=page(bob))
    narrow = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    lock_release(narrow, by=page(bob))
    wide.refresh_from_db()
    assert wide.released_at is None


def test_a_stranger_may_not_release_and_nothing_changes(shop, page, bob, charlie):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    with pytest.raises(Refused, match=r"its holder, its owners \(payments\)"):
        lock_release(lock, reason="I need it", by=page(charlie))
    lock.refresh_from_db()
    assert lock.released_at is None
    assert events("lock") == ["lock.taken"]


def test_a_stranger_takes_a_release_over_only_with_a_reason(shop, page, bob, charlie):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    with pytest.raises(Invalid, match="say why"):
        lock_release(lock, reason="", steal=True, by=page(charlie))
    assert lock_release(lock, reason="incident 482", steal=True, by=page(charlie)).released_by == "Charlie"


def test_the_owning_team_and_administrators_may_release(shop, page, alice, bob, charlie):
    for user in (alice, bob):
        lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(charlie))
        assert lock_release(lock, by=page(user)).released_at


def test_an_ended_lock_is_not_extended(shop, page, bob):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    lock_release(lock, by=page(bob))
    with pytest.raises(Conflict, match="has ended"):
        lock_extend(lock, database_now() + timedelta(hours=1), by=page(bob))


def test_extending_moves_the_end_and_keeps_both_in_the_event(shop, page, bob):
    from portal.audit.models import Event

    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    until = database_now() + timedelta(hours=6)
    assert lock_extend(lock, until, by=page(bob)).expires_at == until
    event = Event.objects.get(name="lock.extended")
    assert event.before["expires_at"] != event.after["expires_at"]


def test_a_service_with_an_active_lock_is_not_deleted(shop, page, bob):
    from catalog.commands import entity_delete

    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    service = catalog.service_named("checkout")
    with pytest.raises(Conflict, match="release it first"):
        entity_delete(service, by=SETUP)
    lock_release(lock, by=page(bob))
    entity_delete(service, by=SETUP)
    lock.refresh_from_db()
    assert (lock.service_id, lock.service_identifier) == (None, "checkout")
