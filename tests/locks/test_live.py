"""`locked` on a deploymentConfig, through the compatible door."""

from datetime import timedelta

import pytest

from locks import scopes
from locks.commands import lock_take
from locks.models import Lock
from portal.kit.clock import database_now
from tests.conftest import events, write

CONFIG = "blueprints/deploymentConfig/entities/checkout-production"


@pytest.fixture
def config(shop):
    return write(
        "deploymentConfig", "checkout-production", relations={"service": ("checkout",), "environment": ("production",)}
    )


def locked(ci):
    properties = ci.get(CONFIG).json["entity"]["properties"]
    return properties["locked"], properties.get("lockedReason"), properties.get("lockedBy")


def test_locked_is_never_null_and_follows_every_lock(config, terraform, page, alice):
    assert locked(terraform) == (False, None, None)
    lock_take(scopes.named("tier", tier="production"), reason="holidays", by=page(alice))
    assert locked(terraform) == (True, "holidays", "Alice")


def test_true_takes_the_pairs_lock_and_false_releases_it(config, terraform):
    terraform.send("patch", CONFIG, {"properties": {"locked": True, "lockedReason": "via the API"}})
    assert locked(terraform) == (True, "via the API", "Terraform")
    terraform.send("patch", CONFIG, {"properties": {"locked": False}})
    assert locked(terraform) == (False, None, None)
    assert events("lock") == ["lock.taken", "lock.released"]


def test_a_round_trip_changes_nothing(config, terraform):
    terraform.send("patch", CONFIG, {"properties": {"locked": True}})
    before = (list(Lock.objects.values()), events())
    read = terraform.get(CONFIG).json["entity"]
    assert (
        terraform.send(
            "put", CONFIG, {k: read[k] for k in ("identifier", "properties", "relations", "title") if k in read}
        ).status
        == 200
    )
    assert (list(Lock.objects.values()), events()) == before


@pytest.mark.parametrize("value", [None, "absent"])
def test_null_and_absent_do_nothing(config, terraform, value):
    properties = {} if value == "absent" else {"locked": None}
    terraform.send("patch", CONFIG, {"properties": properties})
    assert not Lock.objects.exists()


def test_false_while_something_else_denies_is_a_conflict_that_names_it(config, terraform, page, alice):
    terraform.send("patch", CONFIG, {"properties": {"locked": True}})
    lock_take(scopes.named("everything"), reason="holidays", until=database_now() + timedelta(hours=1), by=page(alice))
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": False, "version": "never written"}})
    assert (answer.status, answer.json["error"]) == (409, "still_locked")
    assert "holidays" in answer.json["message"]
    assert Lock.objects.filter(released_at=None).count() == 2
    assert "version" not in terraform.get(CONFIG).json["entity"]["properties"]


def test_a_program_without_the_scope_lock_may_not(config, db):
    from portal.accounts.commands import credential_create
    from tests.conftest import SETUP, V1

    _, token = credential_create("Writer", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    answer = V1(token).send("patch", CONFIG, {"properties": {"locked": True}})
    assert answer.status == 403 and "“lock”" in answer.json["message"]
    assert not Lock.objects.exists()


def test_what_is_no_boolean_is_refused(config, terraform):
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": "yes"}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "properties.locked")


def test_a_config_without_a_place_is_closed(shop, terraform):
    write("deploymentConfig", "stray")
    assert terraform.get("blueprints/deploymentConfig/entities/stray").json["entity"]["properties"]["locked"] is True


def test_another_reason_or_end_while_it_is_locked_is_a_conflict_not_silence(config, terraform, page, alice):
    lock_take(scopes.named("everything"), reason="holidays", by=page(alice))
    for wished in ({"lockedReason": "mine"}, {"lockedUntil": "2199-01-01T00:00:00Z"}):
        answer = terraform.send("patch", CONFIG, {"properties": {"locked": True} | wished})
        assert (answer.status, answer.json["error"]) == (409, "already_locked")
        assert "holidays" in answer.json["message"]
    assert terraform.send("patch", CONFIG, {"properties": {"locked": True}}).status == 200
    assert Lock.objects.count() == 1


@pytest.mark.parametrize("path", ["service/entities/checkout", "environment/entities/production"])
def test_a_flag_on_a_service_or_an_environment_is_refused_because_it_would_lock_nothing(shop, terraform, path):
    answer = terraform.send("patch", f"blueprints/{path}", {"properties": {"locked": True}})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "properties.locked")
    assert "POST /v1/locks" in answer.json["message"]
    assert "locked" not in terraform.get(f"blueprints/{path}").json["entity"]["properties"]


def test_faults_are_named_as_the_client_knows_them(config, terraform):
    answer = terraform.send("patch", CONFIG, {"properties": {"locked": True, "lockedReason": "x"}})
    assert answer.json["details"]["errors"][0]["path"] == "properties.lockedReason"


def test_who_is_named_has_the_end_that_is_named(config, terraform, page, alice, bob):
    now = database_now()
    lock_take(
        scopes.named("pair", service="checkout", environment="production"),
        reason="debugging",
        until=now + timedelta(hours=1),
        by=page(bob),
    )
    lock_take(scopes.named("everything"), reason="holidays", until=now + timedelta(hours=9), by=page(alice))
    properties = terraform.get(CONFIG).json["entity"]["properties"]
    assert (properties["lockedBy"], properties["lockedUntil"][:16]) == (
        "Bob",
        (now + timedelta(hours=1)).isoformat()[:16],
    )
