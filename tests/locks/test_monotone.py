"""S7: adding a lock never opens, removing one never closes, widening a scope never unblocks; whoever asks, for whatever."""

import pytest

from locks import decisions, scopes
from locks.commands import lock_release, lock_take
from locks.queries import decide
from portal.kit.errors import PortalError
from tests.locks.history import ALICE, CI, HOUR, History
from tests.locks.mutants import plant

PAIR = {"service": "checkout", "environment": "production"}
# Each covers what the one before it covers, and more.
WIDER = [
    [("pair", PAIR), ("service", {"service": "checkout"}), ("team", {"team": "payments"}), ("everything", {})],
    [("pair", PAIR), ("environment", {"environment": "production"}), ("tier", {"tier": "production"}), ("everything", {})],
]  # fmt: skip


def denied(history):
    """What is denied in half an hour: (place, caller, intent)."""
    at = history.start + HOUR / 2
    return {
        (place.service, place.environment, by.actor.name, intent)
        for place in history.places
        for by in (ALICE, CI)
        for intent in ("deploy", "rollback")
        if decide(place, by=by, intent=intent, now=at).denies
    }


def surprises(history, deeds):
    """Sentences, one for each deed that opened or closed what it must not."""
    before = denied(history)
    for name in deeds:
        try:
            deed = getattr(history, name)()
        except PortalError:
            continue  # one of the same scope and kind is held already
        after = denied(history)
        if deed == "added" and before - after:
            yield f"adding opened {before - after}"
        if deed == "removed" and after - before:
            yield f"removing closed {after - before}"
        before = after


def unblocked_by_widening(history):
    for chain in WIDER:
        before = set()
        for kind, names in chain:
            lock = lock_take(scopes.named(kind, **names), reason="widened", by=ALICE)
            after = denied(history)
            lock_release(lock, by=ALICE)
            if not after or before - after:
                yield f"{kind} does not cover {before - after or 'anything'}"
            before = after


def growing_and_shrinking(history):
    return surprises(history, ["take", "freeze", "take", "extend"] * 3 + ["release", "thaw"] * 5)


@pytest.mark.parametrize("seed", [1, 2])
def test_adding_never_opens_and_removing_never_closes(shop, seed):
    assert list(growing_and_shrinking(History(seed))) == []


def test_widening_never_unblocks(shop):
    assert list(unblocked_by_widening(History(1))) == []


ALL = "denying = tuple(bar for bar in seen if denies(bar, actor, intent))"
SEED = 3  # of a history in which warnings stand beside what denies
BUGS = {
    "a warning hides what denies": (growing_and_shrinking, decisions.weigh, ALL, f"{ALL} if all(bar.effect != 'warn' for bar in seen) else ()"),
    "two locks cancel each other": (growing_and_shrinking, decisions.weigh, ALL, f"{ALL} if len(seen) % 2 else ()"),
    "only the least severe counts": (growing_and_shrinking, decisions.weigh, "bar for bar in seen if", "bar for bar in seen[-1:] if"),
    "a tier's lock covers nothing": (unblocked_by_widening, decisions.covers_of, "cover(ScopeKind.TIER, tier=place.tier),", ""),
    "a service's lock covers nothing": (unblocked_by_widening, decisions.covers_of, "cover(ScopeKind.SERVICE, place.service_id),", ""),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    check, function, right, wrong = BUGS[bug]
    plant(monkeypatch, function, right, wrong)
    assert next(check(History(SEED)), None)
