"""From being asked for to being gone."""

import pytest

from catalog import queries as catalog
from catalog.commands import entity_delete
from catalog.models import Entity
from deployments.environments.commands import (
    environment_recreate,
    environment_request,
    environment_sleep,
    environment_teardown,
    environment_wake,
)
from portal.kit.errors import Conflict
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, worked

pytestmark = pytest.mark.django_db


def test_one_that_is_asked_for_is_made_sleeps_wakes_and_is_gone(outside, preview, bob, page):
    environment = environment_request(preview, name="demo-1", by=page(bob))
    assert (environment.state, environment.owner, environment.team) == ("requested", bob, "payments")
    environment = worked(environment)
    assert environment.state == "ready" and environment.address.startswith("http://127.0.0.1:")
    assert outside.has(environment)
    assert catalog.environment_named("demo-1").properties["tier"] == "development"
    environment_sleep(environment, by=page(bob))
    assert worked(environment).state == "asleep"
    environment_wake(environment, by=page(bob))
    assert worked(environment).state == "ready"
    environment_teardown(environment, reason="done with it", by=page(bob))
    environment = worked(environment)
    assert (environment.state, environment.cause) == ("torn_down", "asked")
    assert not outside.has(environment)
    assert not Entity.objects.filter(identifier="demo-1").exists()
    assert events("environment.") == [
        f"environment.{name}"
        for name in "requested provisioned sleep_asked slept wake_asked woken teardown_started torn_down".split()
    ]


def test_the_entity_of_one_that_lives_is_not_deleted(preview, bob, page):
    environment = environment_request(preview, name="demo-1", by=page(bob))
    with pytest.raises(Conflict) as refused:
        entity_delete(environment.entity, by=SETUP)
    assert refused.value.code == "living_environment"
    assert Entity.objects.filter(identifier="demo-1").exists()


def test_one_that_is_gone_is_made_anew_by_whoever_asks(outside, preview, bob, charlie, page):
    old = environment_request(preview, name="demo-1", by=page(bob))
    with pytest.raises(Conflict):
        environment_recreate(old, by=page(bob))
    environment_teardown(old, by=page(bob))
    new = environment_recreate(worked(old), by=page(charlie))
    assert (new.name, new.owner, new.team, new.recreated_from) == ("demo-1", charlie, "", old)
    assert fresh(old).state == "torn_down" and worked(new).state == "ready"
