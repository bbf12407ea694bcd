"""Bugs, planted on purpose, and the checks that must notice each. A check that cannot fail guards nothing."""

import time
from datetime import timedelta
from threading import Event as Signal
from threading import Thread

import pytest
from django.db import connection, transaction

from locks import decisions, scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    claim_heartbeat,
    claims,
    gate_ask,
    lock_expiries_tell,
    lock_extend,
    lock_release,
    lock_take,
    locks,
    override_approve,
    override_ask,
    overrides,
    ticket_join,
)
from locks.models import Claim, Lock, OverrideUse
from locks.queries import decide, deciding
from locks.runs import Run
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from tests.conftest import events
from tests.locks.history import ALICE, CI, SAM, History
from tests.locks.mutants import plant, plant_in_sql

A, B, C = Run("gh:1:1"), Run("gh:2:1"), Run("gh:3:1")
HOUR = timedelta(hours=1)


def code_of(deed):
    """What a refusal is called; empty when it went through."""
    try:
        deed()
    except PortalError as error:
        return error.code
    return ""


def begin(shop, run, **more):
    return claim_begin(shop.checkout_production, run, by=CI, **more).claim


def silence(row):
    type(row).objects.filter(pk=row.pk).update(lease_until=database_now() - timedelta(seconds=1))


# The checks. Each passes as long as nothing is planted.


def model(shop):
    assert next(History(3).play(60), None) is None


def release_is_by_id(shop):
    """S3."""
    first, second = (
        lock_take(scopes.pair(place), reason="mine", by=ALICE)
        for place in (shop.checkout_production, shop.search_production)
    )
    lock_release(first, by=ALICE)
    second.refresh_from_db()
    assert second.released_at is None


def extension_is_by_id(shop):
    """S3."""
    first, second = (
        lock_take(scopes.pair(place), reason="mine", by=ALICE)
        for place in (shop.checkout_production, shop.search_production)
    )
    later = first.expires_at + HOUR
    assert lock_extend(first, later, by=ALICE).pk == first.pk
    second.refresh_from_db()
    assert second.expires_at != later


def release_is_told_once(shop):
    """S10."""
    lock = lock_take(scopes.pair(shop.checkout_production), reason="mine", by=ALICE)
    lock_release(lock, by=ALICE), lock_release(lock, by=ALICE)
    assert events("lock") == ["lock.taken", "lock.released"]


def expiry_needs_no_worker(shop):
    """S5: at exactly its end, half-open, told or not."""
    lock = lock_take(scopes.pair(shop.checkout_production), reason="mine", by=ALICE)
    last = lock.expires_at - timedelta(microseconds=1)
    assert decide(shop.checkout_production, by=CI, now=last).denies
    assert not decide(shop.checkout_production, by=CI, now=lock.expires_at).denies
    assert lock_expiries_tell() == 0


def fence_counts(shop):
    """S2."""
    claim = begin(shop, A)
    assert code_of(lambda: claim_heartbeat(claim, claim.fence - 1, by=CI)) == "old_fence"
    assert code_of(lambda: claim_finish(claim, claim.fence - 1, "success", by=CI)) == "old_fence"


def fences_go_up(shop):
    """S2."""
    fences = []
    for run in (A, B, C):
        claim = begin(shop, run)
        claim_finish(claim, claim.fence, "success", by=CI)
        fences.append(claim.fence)
    assert fences == sorted(set(fences))


def silent_claims_block_nobody(shop):
    """L1."""
    silence(begin(shop, A))
    assert not decide(shop.checkout_production, by=CI).stops
    assert begin(shop, B)


def lost_is_lost(shop):
    """S2, L1: who was silent for his lease comes back to nothing, and frees nobody else's."""
    first = begin(shop, A)
    silence(first)
    assert code_of(lambda: claim_heartbeat(first, first.fence, by=CI)) == "lease_lost"
    second = begin(shop, B)
    assert second
    assert code_of(lambda: claim_finish(first, first.fence, "success", by=CI)) == "lease_lost"
    second.refresh_from_db()
    assert second.finished_at is None


def line_is_in_order(shop):
    """L2."""
    claim = begin(shop, A)
    for run in (B, C):
        ticket_join(shop.checkout_production, run, by=CI)
    claim_finish(claim, claim.fence, "success", by=CI)
    assert begin(shop, Run("gh:9:1")) is None
    assert begin(shop, C) is None
    assert begin(shop, B)


def silent_tickets_block_nobody(shop):
    """L2."""
    silence(ticket_join(shop.checkout_production, B, by=CI).ticket)
    assert not decide(shop.checkout_production, by=CI).stops
    assert begin(shop, C)


def approved(shop, *bars, **more):
    ids = [each.public_id for each in bars]
    asked = override_ask(shop.checkout_production, ids, commit="c", reason="a fire to put out", by=ALICE, **more)
    return override_approve(asked, by=SAM)


def override_is_bound(shop):
    """S8: its commit, its approval by another, its end, all that denies."""
    first = lock_take(scopes.pair(shop.checkout_production), reason="closed", by=ALICE)
    asked = override_ask(shop.checkout_production, [first.public_id], commit="c", reason="a fire", by=ALICE)
    assert code_of(lambda: begin(shop, A, commit="c", override=asked)) == "override_refused"
    assert code_of(lambda: override_approve(asked, by=ALICE)) == "same_person"
    override = override_approve(asked, by=SAM)
    assert code_of(lambda: begin(shop, A, commit="d", override=override)) == "override_refused"
    lock_take(scopes.named("everything"), reason="closed too", by=ALICE)
    assert begin(shop, A, commit="c", override=override) is None
    override.expires_at = database_now()
    assert code_of(lambda: begin(shop, A, commit="c", override=override)) == "override_refused"


def somebody_waits():
    with connection.cursor() as cursor:
        cursor.execute("select exists (select 1 from pg_locks where not granted)")
        return cursor.fetchone()[0]


def one_in_the_middle(first, second):
    """What each comes to when the second begins while the first is done and not yet committed."""
    done, go_on, found = Signal(), Signal(), {}

    def keep(name, deed):
        try:
            found[name] = deed()
        except Exception as error:
            found[name] = error

    def before():
        with transaction.atomic():
            keep(first, first)
            done.set()
            go_on.wait(30)
        connection.close()

    def after():
        keep(second, second)
        connection.close()

    threads = Thread(target=before), Thread(target=after)
    threads[0].start()
    done.wait(30)
    threads[1].start()
    end = time.monotonic() + 20
    while threads[1].is_alive() and not somebody_waits() and time.monotonic() < end:
        time.sleep(0.02)
    go_on.set()
    for thread in threads:
        thread.join(30)
    return found[first], found[second]


def override_is_counted_under_its_row(shop):
    """S8, for two at once."""
    lock = lock_take(scopes.pair(shop.checkout_production), reason="closed", by=ALICE)
    override = approved(shop, lock)

    def asks(run):
        return lambda: gate_ask(shop.checkout_production, run=run, commit="c", override=override, by=CI)

    one_in_the_middle(asks(A), asks(B))
    assert OverrideUse.objects.count() == 1


def a_lock_that_is_being_taken_is_waited_for(shop):
    """S6: the claim begins while a lock of everything is taken and not yet committed."""
    taken = one_in_the_middle(
        lambda: lock_take(scopes.named("everything"), reason="closed", by=ALICE), lambda: begin(shop, A)
    )
    assert isinstance(taken[0], Lock)
    assert taken[1] is None, "it began, although a lock came first"


def two_begin_and_one_has_it(shop):
    """S1, with the other told to wait and not thrown out by the constraint."""
    first, second = one_in_the_middle(lambda: begin(shop, A), lambda: begin(shop, B))
    assert isinstance(first, Claim)
    assert second is None


ALONE = {
    "release by its holder": (
        release_is_by_id,
        locks._end,
        "lock.save(update_fields=",
        "Lock.objects.filter(holder_key=lock.holder_key).update(released_at=now); lock.save(update_fields=",
    ),
    "an extension is of whatever its holder took last": (
        extension_is_by_id,
        locks._held,
        ".get(pk=lock.pk)",
        ".filter(holder_key=lock.holder_key).latest('pk')",
    ),
    "fences go down": (fences_go_up, claims._next_fence, "nextval('locks_fence')", "1000000 - nextval('locks_fence')"),
    "every release is told": (release_is_told_once, lock_release, "if not lock.is_active(now):", "if False:"),
    "the fence is not looked at": (fence_counts, claims._held, "if fence != held.fence:", "if False:"),
    "a heartbeat brings a lost claim back": (lost_is_lost, claims._held, "held.lease_until <= now", "False"),
    "finishing frees whoever is there": (
        lost_is_lost,
        claims._held,
        ".get(pk=claim.pk)",
        ".filter(service=claim.service_id).latest('pk'); fence = held.fence",
    ),
    "who begins jumps the line": (line_is_in_order, deciding.Sight.before, "else len(self.line)", "else 0"),
    "the line is not asked": (line_is_in_order, decisions.weigh, "if claim or ahead", "if claim"),
    "an override passes what it names in part": (model, decisions.weigh, "} <= set(", "} & set("),
    "an override passes any commit": (override_is_bound, deciding.check_override, "override.commit != commit", "False"),
    "an override needs no approval": (override_is_bound, overrides.Override.fault, "self.needs_approval and", "False and"),
    "one person is two": (override_is_bound, override_approve, "if by.actor.key == override.holder_key", "if False"),
    "a team's lock covers nothing": (model, decisions.covers_of, "in place.service_teams", "in ()"),
    "rollbacks pass everything": (model, decisions.denies, "Pass.ROLLBACK in bar.allows", "True"),
    "automation rides on its holder's name": (model, decisions.denies, "actor.in_person and actor.key ==", "actor.name and actor.name !="),
    "a warning denies": (model, decisions.denies, "bar.effect == Effect.BLOCK)", "True)"),
}  # fmt: skip
SQL = {
    "the line is served from its end": (line_is_in_order, "lease_until > at order by id", "lease_until > at order by id desc"),
    "the sweeper ends a lock": (expiry_needs_no_worker, "coalesce(expires_at, 'infinity') > at", "expiry_told_at is null"),
    "an end is one moment late": (expiry_needs_no_worker, "coalesce(expires_at, 'infinity') > at", "coalesce(expires_at, 'infinity') >= at"),
    "a freeze ends one moment late": (model, "w.ends_at > at", "w.ends_at >= at"),
    "a withdrawn freeze goes on": (model, "withdrawn_at is null and", "true and"),
    "a silent claim goes on": (silent_claims_block_nobody, "and finished_at is null and lease_until > at", "and finished_at is null"),
    "a silent ticket waits on": (silent_tickets_block_nobody, "and ended_at is null and lease_until > at", "and ended_at is null"),
}  # fmt: skip
AT_ONCE = {
    "an override is counted outside its row": (
        override_is_counted_under_its_row, overrides._held, "select_for_update(of=(\"self\",))", "all()",
    ),
    "waiting and reading in one": (
        a_lock_that_is_being_taken_is_waited_for,
        scopes.hold,
        "advisory_lock_within(wide[:-1], wide[-1])",
        # What is seen from now on was read when the waiting began.
        "connection.cursor().execute('set transaction isolation level repeatable read'); advisory_lock_within(wide[:-1], wide[-1])",
    ),
    "a taker waits for nobody": (a_lock_that_is_being_taken_is_waited_for, scopes.Scope.hold, "advisory_lock(HELD, self.cover)", "pass"),
    "claims wait for nobody": (two_begin_and_one_has_it, scopes.hold, "advisory_lock_within(wide[:-1], wide[-1])", "pass"),
}  # fmt: skip


@pytest.mark.parametrize(
    "check", sorted({each[0] for each in (*ALONE.values(), *SQL.values())}, key=lambda c: c.__name__)
)
def test_without_a_bug_the_check_passes(shop, check):
    check(shop)


@pytest.mark.parametrize("bug", ALONE)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    check, function, right, wrong = ALONE[bug]
    plant(monkeypatch, function, right, wrong)
    with pytest.raises((AssertionError, PortalError, Lock.DoesNotExist)):
        check(shop)


@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_is_noticed(shop, monkeypatch, bug):
    check, right, wrong = SQL[bug]
    plant_in_sql(monkeypatch, deciding, "SIGHT", right, wrong)
    with pytest.raises(AssertionError):
        check(shop)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("check", sorted({each[0] for each in AT_ONCE.values()}, key=lambda c: c.__name__))
def test_without_a_bug_the_check_passes_at_once(shop, check):
    check(shop)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bug", AT_ONCE)
def test_a_bug_planted_between_two_is_noticed(shop, monkeypatch, bug):
    check, function, right, wrong = AT_ONCE[bug]
    plant(monkeypatch, function, right, wrong)
    with pytest.raises(AssertionError):
        check(shop)
