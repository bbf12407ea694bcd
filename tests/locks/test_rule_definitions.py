"""What a rule that locks by itself may say, who says it, and who is told."""

import pytest

from catalog import queries as catalog
from catalog.commands import entity_write, permissions_update
from catalog.wishes import Wish
from locks import queries, rules
from locks.commands import (
    lock_rule_delete,
    lock_rule_update,
    sign_take,
)
from locks.models import Evidence, LockRule
from portal.accounts.queries import actor_of_user
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events, write
from tests.locks.health import flip, rule
from tests.locks.test_rules import active


def test_a_service_that_is_renamed_stays_in_the_rule(place, now):
    kept = rule(services=["checkout", "search"])
    entity_write(Wish("service", "checkout", "patch", rename="till"), by=SETUP)
    kept.refresh_from_db()
    assert sorted(kept.services) == ["search", "till"]
    assert rules.reaches(kept, catalog.place("till", "production"))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"name": ""}, "name"),
        ({"name": "x" * 101}, "name"),
        ({"name": "a\0b"}, "name"),
        ({"name": "a\ud800"}, "name"),
        ({"name": 7}, "name"),
        ({"on": []}, "on"),
        ({"on": ["smoke"]}, "on"),
        ({"tiers": ["prod"]}, "tiers"),
        ({"services": "checkout"}, "services"),
        ({"services": ["x"] * 2 + [f"s{n}" for n in range(101)]}, "services"),
        ({"scope": "everything"}, "scope"),
        ({"effect": "explode"}, "effect"),
        ({"lets_rollbacks": "yes"}, "lets_rollbacks"),
        ({"healthy_for": "0m"}, "healthy_for"),
        ({"healthy_for": "99999d"}, "healthy_for"),
        ({"healthy_for": "2d"}, "healthy_for"),
        ({"at_most": "15d"}, "at_most"),
        ({"at_most": None}, "at_most"),
        ({"reason": "{service.__class__}"}, "reason"),
        ({"reason": " "}, "reason"),
        ({"dry_run": 1}, "dry_run"),
    ],
)
def test_a_rule_that_says_nonsense_is_refused_with_the_field_and_leaves_nothing(db, body, path):
    with pytest.raises(Invalid) as refusal:
        rule(**body)
    assert [fault["path"] for fault in refusal.value.details["errors"]] == [path]
    assert not LockRule.objects.exists()


def test_a_reason_is_filled_in_once_and_never_run(place, now):
    odd = rule(reason="{reason} {probe}")
    said = rules.reason_of(odd, place, flip(place, "down", now, reason="{service} %s {0}", probe_name="{reason}"))
    assert said == "{service} %s {0} {reason}"


def test_a_name_is_had_once_whatever_its_case(db):
    rule()
    with pytest.raises(Invalid, match="another rule has it"):
        rule(name="CANARY")
    assert LockRule.objects.count() == 1


def test_only_administrators_make_change_and_delete_rules(db, page, bob, alice):
    kept = rule()
    for deed in (
        lambda by: lock_rule_update(kept, rules.parse({"enabled": False}, base=kept), by=by),
        lambda by: lock_rule_delete(kept, by=by),
    ):
        with pytest.raises(Refused, match="administrators may"):
            deed(page(bob))
    kept.refresh_from_db()
    assert kept.enabled and events("lock_rule") == ["lock_rule.created"]
    lock_rule_delete(kept, by=By(actor_of_user(alice), "page"))


def test_who_changes_a_rule_that_another_has_changed_is_told(db):
    kept = rule()
    lock_rule_update(kept, rules.parse({"enabled": False}, base=kept), seen="1", by=SETUP)
    with pytest.raises(Conflict, match="Somebody has changed this rule"):
        lock_rule_update(kept, rules.parse({"enabled": True}, base=kept), seen="1", by=SETUP)
    kept.refresh_from_db()
    assert lock_rule_update(kept, rules.parse({}, base=kept), seen="2", by=SETUP).version == 2
    assert events("lock_rule") == ["lock_rule.created", "lock_rule.updated"]


def test_a_hidden_place_is_not_told_of_to_who_may_not_see_it(place, now, page, charlie, alice):
    told = rule()
    sign_take(flip(place, "failing", now), now=now)
    permissions_update(catalog.blueprint("service"), {"read": {"roles": [], "ownedByTeam": True}}, by=SETUP)
    assert queries.holds_of(page(alice), told).count() == 1
    assert queries.holds_of(page(charlie), told).count() == 0


@pytest.mark.parametrize(("scope", "kind"), [("environment", "service"), ("service", "environment")])
def test_a_wide_lock_names_nobody_whom_its_readers_may_not_see(place, now, scope, kind):
    rule(scope=scope, reason="{service} in {environment}: {probe} {version} {commit} {reason}")
    permissions_update(catalog.blueprint(kind), {"read": {"roles": [], "ownedByTeam": True}}, by=SETUP)
    sign_take(flip(place, "failing", now, reason="clandestine"), now=now)
    (lock,) = active(now)
    assert getattr(place, kind) not in lock.reason and getattr(place, scope) in lock.reason
    assert "clandestine" not in lock.reason and "http" not in lock.reason
    assert Evidence.objects.get().reason.endswith("clandestine")


def test_a_service_without_a_team_can_be_reached_by_no_team(shop, now):
    write("service", "lonely")
    assert not rules.reaches(rule(teams=["payments"]), catalog.place("lonely", "production"))
