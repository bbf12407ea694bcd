"""A timer expires once for each entity, property and value: never early, whatever dies, however many look."""

import os
import traceback
from datetime import timedelta
from importlib import import_module
from uuid import UUID

import pytest
from django.db import connection, connections, transaction

from catalog import queries as catalog
from catalog.commands import (
    blueprint_create,
    blueprint_rename,
    blueprint_update,
    changes_undo,
    entities_write,
    entity_delete,
    migrations_run,
    timers,
    timers_expire,
)
from catalog.models import Entity, Migration, Timer
from catalog.wishes import Wish
from portal.audit.models import Delivery, Event
from portal.kit.by import system
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, V1, events, write
from tests.killing import killed_at

TTL = {"type": "string", "format": "timer", "title": "TTL"}
BOX = {"identifier": "box", "title": "Box", "schema": {"properties": {"ttl": TTL, "note": {"type": "string"}}}}
PAST, EARLIER, FAR = "2024-05-01T12:00:00Z", "2024-04-01T12:00:00Z", "2100-01-01T00:00:00.000Z"


@pytest.fixture
def box(db):
    return blueprint_create(BOX, by=SETUP)


def put(identifier="a", mode="merge", **properties):
    return write("box", identifier, mode=mode, properties=properties)


def expired():
    """(entity, property, value) of each expiry, in order."""
    rows = Event.objects.filter(name="timer.expired").order_by("id")
    return [(each.entity, each.payload["property"], each.payload["value"]) for each in rows]


def running():
    return list(Timer.objects.filter(expired_at=None).order_by("id").values_list("property", "value"))


def test_a_value_in_the_past_expires_once_at_the_next_pass(box):
    put(ttl=PAST)
    for _ in range(3):
        assert not timers_expire()
    assert expired() == [("a", "ttl", PAST)]
    [event] = Event.objects.filter(name="timer.expired")
    assert (event.noun, event.blueprint, event.actor_name, event.before) == ("entity", "box", "clock", None)
    assert event.after["properties"] == {"ttl": PAST}


def test_none_expires_before_its_time_and_each_does_after_it(box):
    soon = iso(database_now() + timedelta(milliseconds=150))
    put(ttl=soon)
    put("b", ttl=FAR)
    timers_expire()
    assert expired() == [] and len(running()) == 2
    with connection.cursor() as cursor:
        cursor.execute("select pg_sleep_until(%s::timestamptz)", [soon])
    timers_expire()
    assert expired() == [("a", "ttl", soon)] and running() == [("ttl", FAR)]


def test_a_changed_value_runs_anew_and_the_same_again_does_not(box):
    put(ttl=FAR)
    put(ttl=PAST)
    timers_expire()
    put(ttl=PAST)  # as it is
    put(note="x")
    put(ttl="2024-05-01T12:00:00.000Z")  # the same instant
    timers_expire()
    assert expired() == [("a", "ttl", PAST)] and running() == []
    put(ttl=EARLIER)
    put(ttl=PAST)  # there and back before anybody looked
    timers_expire()
    assert len(expired()) == 1
    put(ttl=EARLIER)
    timers_expire()
    assert expired()[1:] == [("a", "ttl", EARLIER)]


def test_what_is_cleared_or_deleted_no_longer_runs(box):
    put(ttl=FAR)
    put(ttl=None)
    put("b", ttl=PAST)
    entity_delete(catalog.entity(SETUP, "box", "b"), by=SETUP)
    timers_expire()
    assert expired() == [] and not Timer.objects.exists()


def test_a_refused_write_leaves_the_timer_as_it_was(box):
    put(ttl=FAR)
    with pytest.raises(Exception, match="ttl"):
        put(ttl="tomorrow")
    assert running() == [("ttl", FAR)]


@pytest.mark.parametrize(
    "value", ["9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00+12:00", "2030-01-31", "2030-01-31 10:00"]
)
def test_any_instant_that_is_taken_is_read_again(box, value):
    put(ttl=value)
    timers_expire()
    assert [each.value for each in Timer.objects.all()] == [value]
    assert len(expired()) == value.startswith("0001")


def test_bulk_writes_and_their_undo_keep_the_timers(box):
    entities_write([Wish("box", f"b{n}", "merge", properties={"ttl": FAR}) for n in range(4)], by=SETUP)
    assert running() == [("ttl", FAR)] * 4
    by = system("setup")
    entities_write([Wish("box", f"b{n}", "merge", properties={"ttl": PAST}) for n in range(4)], by=by)
    timers_expire()
    assert len(expired()) == 4 and running() == []
    changes_undo(by.trace, by=SETUP)
    assert running() == [("ttl", FAR)] * 4


def test_what_had_expired_and_is_put_back_after_its_deletion_does_not_expire_again(box):
    put(ttl=PAST)
    timers_expire()
    put("b", ttl=PAST)
    by = system("setup")
    for name in "ab":
        entity_delete(catalog.entity(SETUP, "box", name), by=by)
    assert not Timer.objects.exists()
    changes_undo(by.trace, by=SETUP)
    timers_expire()
    assert [name for name, _, _ in expired()] == ["a", "b"]


def test_expiries_are_not_undone(box):
    put(ttl=PAST)
    timers_expire()
    trace = Event.objects.get(name="timer.expired").trace
    assert isinstance(trace, UUID)
    with pytest.raises(Exception, match="nothing to undo"):
        changes_undo(trace, by=SETUP)
    assert put(note="y").properties["ttl"] == PAST


def test_timers_follow_a_renamed_property_and_end_with_a_removed_one(box):
    put(ttl=FAR)
    put("b", ttl=PAST)
    blueprint_rename(box, "property", "ttl", "ends", path="x", by=SETUP)
    assert {name for name, _ in running()} == {"ends"}
    timers_expire()
    assert expired() == [("b", "ends", PAST)]
    blueprint_update(box, {"schema": {"properties": {"note": {"type": "string"}}}}, partial=True, by=SETUP)
    assert not Timer.objects.exists()


def test_values_that_are_there_run_when_their_property_becomes_a_timer(box, monkeypatch):
    plain = {"properties": {"ttl": {"type": "string"}, "note": {"type": "string"}}}
    blueprint_update(box, {"schema": plain}, partial=True, by=SETUP)
    for name in ("a", "b", "c"):
        put(name, ttl=PAST if name == "a" else FAR)
    assert not Timer.objects.exists()
    monkeypatch.setattr("catalog.moves.batch.__kwdefaults__", {"limit": 2})
    blueprint_update(box, {"schema": BOX["schema"]}, partial=True, by=SETUP)
    assert running() == [("ttl", PAST), ("ttl", FAR)]
    assert not migrations_run()
    assert Migration.objects.get().state == "COMPLETED" and len(running()) == 3


def test_a_default_that_is_filled_in_runs(box):
    put(note="x")
    schema = BOX["schema"]["properties"] | {"until": TTL | {"default": FAR}}
    blueprint_update(box, {"schema": {"properties": schema, "required": ["until"]}}, partial=True, by=SETUP)
    assert running() == [("until", FAR)]


def test_who_has_no_timers_asks_nothing_of_them(shop):
    with connection.execute_wrapper(_refuse_timers):
        write("service", "cart")
        write("service", "cart", mode="merge", properties={"lifecycle": "production"})
        entity_delete(catalog.service_named("cart"), by=SETUP)
    assert events("entity.")[-3:] == ["entity.created", "entity.updated", "entity.deleted"]


def _refuse_timers(execute, sql, params, many, context):
    assert "catalog_timer" not in sql
    return execute(sql, params, many, context)


def test_the_changelog_and_the_log_tell_of_it(box, terraform: V1):
    blueprint_update(
        box,
        {"changelogDestination": {"type": "WEBHOOK", "url": "https://hooks.example/timers"}},
        partial=True,
        by=SETUP,
    )
    put(ttl=PAST)
    timers_expire()
    [delivery] = Delivery.objects.filter(event__name="timer.expired", subscriber="changelog")
    assert delivery.state == "pending"
    [told] = terraform.get("audit-log", action="TIMER_EXPIRED").json["audits"]
    assert told["context"]["entity"] == "a" and told["context"]["property"] == "ttl" and told["diff"]["before"] is None
    assert told["additionalData"]["property"] == "ttl" and told["additionalData"]["value"] == PAST
    assert "TIMER_EXPIRED" not in [
        each["action"] for each in terraform.get("audit-log", action="UPDATE").json["audits"]
    ]


@pytest.mark.django_db(transaction=True)
def test_many_that_expire_at_one_instant_expire_once_each_though_a_worker_is_killed(monkeypatch):
    box = blueprint_create(BOX, by=SETUP)
    with transaction.atomic():
        Entity.objects.bulk_create(
            [Entity(blueprint=box, identifier=f"b{n}", properties={"ttl": PAST}) for n in range(900)]
        )
        found = list(Entity.objects.select_related("blueprint"))
        timers.timers_keep((each, {}) for each in found)
    monkeypatch.setattr(timers, "AT_ONCE", 50)
    killed_at("update catalog_timer", times=3, work=timers_expire)
    assert len(expired()) == 100
    workers = [_worker() for _ in range(2)]
    assert [os.waitpid(each, 0)[1] for each in workers] == [0, 0]
    names = [name for name, _, _ in expired()]
    assert len(names) == len(set(names)) == 900 and running() == []


def _worker():
    """A process of its own that expires what is due."""
    connections.close_all()
    child = os.fork()
    if child:
        return child
    # Those of before a browser was started in this process are hidden from it, but not from its children.
    for each in connections.all(initialized_only=True):
        each.connection = None
    status = 1
    try:
        timers_expire(30)
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(status)


def test_an_upgrade_starts_the_timers_that_there_are_and_tells_of_none_that_had_run_out(box):
    put(ttl=FAR)
    put("b", ttl=PAST)
    Timer.objects.all().delete()
    with connection.cursor() as cursor:
        cursor.execute(import_module("catalog.migrations.0013_timers").RUNNING)
    timers_expire()
    assert running() == [("ttl", FAR)] and Timer.objects.count() == 2 and expired() == []
