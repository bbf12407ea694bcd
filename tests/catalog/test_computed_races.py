"""Writers and workers at the same moment, and workers that die."""

import sys
import threading
from contextlib import contextmanager

import pytest
from django.db import connection, transaction

from catalog import compute
from catalog.models import Entity, Stale
from tests.catalog.test_computed import blueprint, calculation, mirror, read, stored, swept, to, update
from tests.conftest import write
from tests.deployments.test_reports import report

pytestmark = pytest.mark.django_db(transaction=True)
TEXT = {"type": "string"}


@pytest.fixture
def pair(transactional_db):
    blueprint("town", {"name": TEXT})
    blueprint(
        "shop",
        {"sign": TEXT},
        relations={"town": to("town")},
        mirrorProperties={"town": mirror("town.name")},
        calculationProperties={"line": calculation(".properties.town")},
    )
    write("town", "t", properties={"name": "old"})
    write("shop", "s", relations={"town": ("t",)})
    swept()


@contextmanager
def meanwhile(work):
    """`work(go_on)` in a connection of its own: it has come to `go_on()` when the block begins, and is over after it."""
    reached, released, failed = threading.Event(), threading.Event(), []

    def go_on():
        reached.set()
        assert released.wait(20)

    def run():
        try:
            work(go_on)
        except Exception as error:
            failed.append(error)
        finally:
            reached.set()
            connection.close()

    other = threading.Thread(target=run)
    other.start()
    assert reached.wait(20)
    try:
        yield
    finally:
        released.set()
        other.join(20)
    assert failed == []


def sweep_once():
    compute.sweep(seconds=1)


def rename(name):
    write("town", "t", mode="merge", properties={"name": name})


def test_a_worker_that_dies_half_way_leaves_the_mark(pair):
    rename("new")

    def dying(go_on):
        class Dead(Exception):
            pass

        try:
            with transaction.atomic():
                sweep_once()
                go_on()
                raise Dead
        except Dead:
            pass

    with meanwhile(dying):
        assert read("shop", "s")["line"] == "new" and Stale.objects.exists()
    assert stored("shop", "s")["line"] == "old" and read("shop", "s")["line"] == "new"
    swept()
    assert stored("shop", "s") == {"town": "new", "line": "new"}


def test_a_worker_that_had_read_before_a_write_does_not_store_what_was(pair):
    rename("new")

    def slow(go_on):
        with transaction.atomic():
            sweep_once()  # has computed “new”, and has not committed
            go_on()

    with meanwhile(slow):
        rename("newer")
    assert read("shop", "s")["line"] == "newer"
    swept()
    assert stored("shop", "s") == {"town": "newer", "line": "newer"}


def test_a_write_that_read_before_another_leaves_a_mark_of_itself(pair):
    def slow(go_on):
        with transaction.atomic():
            write("shop", "s2", relations={"town": ("t",)})  # has read “old”, and nobody sees its arrow yet
            go_on()

    with meanwhile(slow):
        rename("new")
        swept()
    assert read("shop", "s2")["line"] == "new"
    swept()
    assert stored("shop", "s2") == {"town": "new", "line": "new"}


def test_a_writer_that_began_before_a_blueprint_was_saved_is_heard(pair):
    """The town is shown by nobody when its writer begins, and by all shops when he ends."""
    update("shop", mirrorProperties={}, calculationProperties={})
    swept()

    def slow(go_on):
        with transaction.atomic():
            rename("new")
            go_on()

    saved = threading.Thread(
        target=lambda: [update("shop", mirrorProperties={"town": mirror("town.name")}), connection.close()]
    )
    with meanwhile(slow):
        saved.start()
        saved.join(0.5)
        assert saved.is_alive()  # it waits for the writer
    saved.join(20)
    swept()
    assert stored("shop", "s") == read("shop", "s") == {"town": "new"}


def test_two_workers_share_the_marks_and_both_come_to_the_end(pair):
    for number in range(60):
        write("shop", f"s{number}", relations={"town": ("t",)})
    swept()
    rename("new")
    workers = [threading.Thread(target=lambda: [sweep_once(), connection.close()]) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join(30)
    swept()
    assert {each.computed["line"] for each in Entity.objects.filter(blueprint__identifier="shop")} == {"new"}


def test_what_is_filled_in_by_a_worker_is_computed_from(pair):
    update("shop", calculationProperties={"line": calculation(".properties.sign")})
    swept()
    sign = TEXT | {"default": "open"}
    update("shop", schema={"properties": {"sign": sign}, "required": ["sign"]})
    assert read("shop", "s")["line"] == "open"
    swept()
    assert stored("shop", "s")["line"] == "open"


def test_a_report_that_began_before_a_blueprint_was_saved_is_heard(transactional_db):
    """Reports wait for no blueprint; so the worker waits for them."""
    write("environment", "production", properties={"tier": "production"})
    write("service", "checkout")
    report("1.0")
    blueprint("screen", relations={"of": to("deploymentConfig")})
    write("screen", "s", relations={"of": ("checkout-production",)})
    swept()

    def slow(go_on):
        with transaction.atomic():
            report("1.1")
            go_on()

    with meanwhile(slow):
        update("screen", mirrorProperties={"version": mirror("of.version")})
        sweep_once()
        assert Stale.objects.exists()
    swept()
    assert stored("screen", "s") == {"version": "1.1"}


def test_what_is_written_all_the_time_makes_its_showers_due_once_until_they_are_computed(pair, monkeypatch):
    monkeypatch.setattr(sys.modules["catalog.compute.sweep"], "FEWEST", 2)
    for number in range(9):
        write("shop", f"s{number}", relations={"town": ("t",)})
    swept()
    for number in range(30):
        write("town", "t", mode="merge", properties={"name": f"name {number}"})
        compute.sweep(seconds=0.0001)  # one step
    assert Stale.objects.filter(kind=Stale.Kind.DUE).count() <= 10
    swept()
    assert {stored("shop", f"s{number}")["town"] for number in range(9)} == {"name 29"}


def test_a_list_without_end_is_computed_some_at_a_time(pair, monkeypatch):
    monkeypatch.setattr(sys.modules["catalog.compute.shown"], "AT_ONCE", 2)
    for number in range(5):
        write("shop", f"s{number}", relations={"town": ("t",)})
    write("town", "t", mode="merge", properties={"name": "new"})
    shops = list(Entity.objects.filter(blueprint__identifier="shop").select_related("blueprint"))
    assert [each["line"] for each in compute.shown(shops).values()] == ["new"] * 6
