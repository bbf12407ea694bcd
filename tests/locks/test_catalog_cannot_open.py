"""Whoever may only edit the catalog does not open a gate by it."""

import pytest

from catalog import queries as catalog
from catalog.commands import entity_delete, entity_write
from catalog.models import Entity
from catalog.wishes import Wish
from locks import scopes
from locks.commands import lock_release, lock_take
from locks.models import Lock
from locks.queries import decide
from portal.accounts.commands import credential_create, team_create, user_create
from portal.kit.errors import Conflict, Missing, Refused
from tests.conftest import SETUP, V1, write
from tests.locks.test_decide import PROGRAM


@pytest.fixture
def writer(db):
    _, token = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    return V1(token)


@pytest.fixture
def eve(db):
    eve = user_create("eve@example.org", "Eve", password=None, by=SETUP)
    team_create("growth", "Growth", members=[eve], by=SETUP)
    return eve


@pytest.mark.parametrize(
    ("lock", "path", "change"),
    [
        (("environment", {"environment": "production"}), "environment/entities/production", {"identifier": "old"}),
        (
            ("environment", {"environment": "production"}),
            "environment/entities/production",
            {"properties": {"aliases": []}},
        ),
        (("tier", {"tier": "production"}), "environment/entities/production", {"properties": {"tier": "development"}}),
        (("team", {"team": "payments"}), "service/entities/checkout", {"team": "growth"}),
        (("tier", {"tier": "production"}), "environment/entities/production", {"identifier": "old"}),
        (("tier", {"tier": "production"}), "environment/entities/production", {"properties": {"aliases": ["Live"]}}),
        (("team", {"team": "payments"}), "service/entities/checkout", {"identifier": "till"}),
        (("service", {"service": "checkout"}), "service/entities/checkout", {"identifier": "till"}),
    ],
)
def test_a_place_is_not_edited_out_of_a_lock(shop, page, alice, bob, writer, lock, path, change):
    lock_take(scopes.named(lock[0], **lock[1]), reason="closed", by=page(alice))
    before = list(Entity.objects.order_by("pk").values())
    answer = writer.send("patch", f"blueprints/{path}", change)
    assert (answer.status, answer.json["error"]) == (409, "locked_entity")
    assert list(Entity.objects.order_by("pk").values()) == before
    assert decide(catalog.place("checkout", "prod"), by=PROGRAM).denies


def test_who_may_release_the_lock_may_rename_and_the_lock_goes_along(shop, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="closed", by=page(alice))
    entity_write(Wish("service", "checkout", "patch", rename="till"), by=page(alice))
    assert decide(catalog.place("till", "production"), by=PROGRAM).message.startswith("till in production is locked")
    assert Lock.objects.get().service_identifier == "till"


def test_a_stranger_does_not_become_owner_of_what_nobody_owns(shop, page, eve):
    with pytest.raises(Refused):
        entity_write(
            Wish("environment", "production", "patch", team=("growth",), given=frozenset({"team"})), by=page(eve)
        )
    assert Entity.objects.get(identifier="production").team == []


def test_the_owners_of_a_service_own_its_configs(shop, page, bob, eve):
    ends = {"service": ("checkout",), "environment": ("production",)}
    write("deploymentConfig", "checkout-production", relations=ends)
    wish = Wish("deploymentConfig", "checkout-production", "patch", properties={"logsUrl": "https://logs.example"})
    with pytest.raises(Refused):
        entity_write(wish, by=page(eve))
    assert entity_write(wish, by=page(bob)).properties == {"logsUrl": "https://logs.example"}


def test_an_environment_has_no_twin_in_another_case(shop, terraform):
    answer = terraform.post("blueprints/environment/entities", {"identifier": "Production"})
    assert (answer.status, answer.json["error"]) == (409, "alias_taken")
    config = {"identifier": "c", "relations": {"service": "checkout", "environment": "LIVE"}}
    made = terraform.post("blueprints/deploymentConfig/entities?create_missing_related_entities=true", config)
    assert made.status == 409
    assert Entity.objects.filter(blueprint__identifier="environment").count() == 2


def test_a_tier_that_the_portal_does_not_know_is_as_strict_as_production(shop, terraform):
    tiers = {"type": "string", "enum": ["production", "staging", "test", "development", "qa"]}
    terraform.send("patch", "blueprints/environment", {"schema": {"properties": {"tier": tiers}}})
    write("environment", "qa", properties={"tier": "qa"})
    assert catalog.place("checkout", "qa").tier == "production"
    assert terraform.get("deployments/current").status == 200


def test_a_warning_does_not_keep_a_place_from_being_locked(shop, page, charlie, terraform):
    lock_take(scopes.pair(shop.checkout_production), reason="take care", effect="warn", until=None, by=page(charlie))
    answer = terraform.post("locks", {"service": "checkout", "environment": "production", "reason": "closed"})
    assert answer.status == 201
    assert decide(shop.checkout_production, by=PROGRAM).denies


def test_a_lock_of_what_has_just_gone_is_refused_and_not_taken(shop, page, bob):
    scope = scopes.pair(shop.checkout_production)
    entity_delete(catalog.service_named("checkout"), by=SETUP)
    with pytest.raises(Missing, match="just been deleted"):
        lock_take(scope, reason="closed", by=page(bob))
    assert not Lock.objects.exists()


def test_an_environment_under_a_lock_of_its_tier_is_not_deleted_by_a_writer(shop, page, alice, writer):
    lock = lock_take(scopes.named("tier", tier="production"), reason="closed", by=page(alice))
    assert writer.delete("blueprints/environment/entities/production").json["error"] == "locked_entity"
    lock_release(lock, by=page(alice))
    assert writer.delete("blueprints/environment/entities/production").status == 200


def test_deleting_twice_is_once(shop):
    service = catalog.service_named("search")
    entity_delete(service, by=SETUP)
    with pytest.raises(Missing):
        entity_delete(service, by=SETUP)


def test_a_round_trip_of_a_config_without_a_place_changes_nothing(shop, terraform):
    path = "blueprints/deploymentConfig/entities/stray"
    write("deploymentConfig", "stray")
    read = terraform.get(path).json["entity"]["properties"]
    assert terraform.send("patch", path, {"properties": read}).status == 200
    with pytest.raises(Conflict):
        entity_write(Wish("deploymentConfig", "stray", "patch", properties={"locked": False}), by=SETUP)


@pytest.mark.parametrize("change", [{"aliases": ["PROD", "live", "main"]}, {"tier": None}])
def test_what_takes_nothing_out_of_a_lock_is_allowed(shop, page, alice, writer, change):
    lock_take(scopes.named("tier", tier="production"), reason="closed", by=page(alice))
    lock_take(scopes.named("environment", environment="production"), reason="closed", by=page(alice))
    assert writer.send("patch", "blueprints/environment/entities/production", {"properties": change}).status == 200
    assert decide(catalog.place("checkout", "prod"), by=PROGRAM).denies


def test_who_hands_a_locked_service_over_is_judged_by_what_he_owned(shop, page, alice, bob, eve):
    lock_take(scopes.named("service", service="checkout"), reason="closed", by=page(alice))
    wish = Wish("service", "checkout", "patch", rename="till", team=("growth",), given=frozenset({"team"}))
    assert entity_write(wish, by=page(bob)).team == ["growth"]


def test_a_deletion_judges_the_entity_as_it_is_now(shop, page, alice, writer):
    stale = catalog.environment_named("staging")
    write("environment", "staging", mode="patch", properties={"tier": "production"})
    lock_take(scopes.named("tier", tier="production"), reason="closed", by=page(alice))
    user = user_create("o@example.org", "Olga", password=None, by=SETUP)
    team_create("ops", "Ops", members=[user], by=SETUP)
    write("environment", "staging", mode="patch", team=("ops",))
    with pytest.raises(Conflict, match="would take something out"):
        entity_delete(stale, by=page(user))
    assert Entity.objects.filter(identifier="staging").exists()


def test_a_lock_is_written_with_the_names_of_now(shop, page, alice):
    scope = scopes.pair(shop.checkout_production)
    entity_write(Wish("service", "checkout", "patch", rename="till"), by=page(alice))
    assert lock_take(scope, reason="closed", by=page(alice)).service_identifier == "till"
