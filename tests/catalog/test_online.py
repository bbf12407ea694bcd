"""A property of twenty thousand entities gets another name while others read and write them."""

import random
import threading
import time

import pytest
from django.db import connection, transaction

from catalog import queries
from catalog.commands import blueprint_create, blueprint_rename, migrations_run
from catalog.models import Blueprint, Entity, Migration
from tests.conftest import SETUP, write

pytestmark = pytest.mark.django_db(transaction=True)

COUNT = 20_000
FEW = 3_000  # three batches
BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {"size": {"type": "string"}, "cost": {"type": "number"}}, "required": ["size"]},
}
# Whoever reads or writes rows takes these of the table. Anything stronger would keep others out.
HARMLESS = {"AccessShareLock", "RowShareLock", "RowExclusiveLock"}


@pytest.fixture
def boxes(shop):
    return blueprint_create(BOX, by=SETUP)


def fill(blueprint, count):
    with connection.cursor() as cursor:
        cursor.execute(
            "insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource,"
            " created_by, updated_by) select %s, 'b' || n, '', '', '{}', jsonb_build_object('size', 's' || n, 'cost', n),"
            " '{}', '', 'setup', 'setup' from generate_series(1, %s) as n",
            [blueprint.pk, count],
        )


class Beside(threading.Thread):
    """Does something over and over until it is told to stop; keeps how long each time took, and the first error."""

    def __init__(self, deed):
        super().__init__()
        self.deed, self.over, self.seconds, self.error = deed, threading.Event(), [], None

    def run(self):
        try:
            while not self.over.is_set():
                start = time.perf_counter()
                self.deed()
                self.seconds.append(time.perf_counter() - start)
        except Exception as error:
            self.error = error
        finally:
            connection.close()

    def stop(self):
        self.over.set()
        self.join(30)
        assert self.error is None, self.error
        assert self.seconds, "it never came to its turn"


def test_a_rename_of_twenty_thousand_values_keeps_nobody_out(boxes):
    fill(boxes, COUNT)
    chance, wrote, seen, modes = random.Random(7), {}, [], set()

    def writes():
        name = f"b{chance.randint(1, COUNT)}"
        wrote[name] = f"w{len(seen)}-{len(wrote)}"
        write("box", name, mode="patch", properties={"width": wrote[name]})

    def reads():
        entity = Entity.objects.select_related("blueprint").get(
            blueprint__identifier="box", identifier=f"b{chance.randint(1, COUNT)}"
        )
        seen.append(queries.properties_of([entity])[entity.pk])

    def watches():
        with connection.cursor() as cursor:
            cursor.execute(
                "select distinct mode from pg_locks where locktype = 'relation' and relation = 'catalog_entity'::regclass and granted"
            )
            modes.update(mode for (mode,) in cursor.fetchall())
        time.sleep(0.01)

    blueprint_rename(boxes, "property", "size", "width", path="newPropertyName", by=SETUP)
    beside = [Beside(deed) for deed in (writes, reads, watches)]
    for each in beside:
        each.start()
    while migrations_run(0.05):
        pass
    for each in beside:
        each.stop()

    migration = Migration.objects.get()
    assert migration.state == "COMPLETED" and Blueprint.objects.get(identifier="box").moving == {}
    rows = dict(Entity.objects.filter(blueprint=boxes).values_list("identifier", "properties"))
    assert len(rows) == COUNT and all(each.keys() == {"width", "cost"} for each in rows.values())
    assert {name: rows[name]["width"] for name in wrote} == wrote
    assert all(each["width"] == f"s{name[1:]}" for name, each in rows.items() if name not in wrote)
    assert all(each.keys() == {"width", "cost"} for each in seen)
    assert modes and modes <= HARMLESS
    # A batch holds a thousand rows for well under a second; the rest is a busy machine.
    assert max(beside[0].seconds) < 10


def test_a_batch_that_is_under_way_holds_its_own_rows_only(boxes):
    fill(boxes, FEW)
    blueprint_rename(boxes, "property", "size", "width", path="newPropertyName", by=SETUP)
    inside, leave = threading.Event(), threading.Event()

    def batch():
        try:
            with transaction.atomic():
                migrations_run(0.0001)
                inside.set()
                leave.wait(20)
        finally:
            connection.close()

    worker = threading.Thread(target=batch)
    worker.start()
    try:
        assert inside.wait(20)
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("set local lock_timeout = '2s'")
            write("box", f"b{FEW}", mode="patch", properties={"width": "mine"})
            write("box", "fresh", properties={"width": "new"})
        assert Entity.objects.filter(blueprint=boxes).count() == FEW + 1
        # Another worker finds nothing free, and does not wait.
        assert not migrations_run()
    finally:
        leave.set()
        worker.join(20)
    while migrations_run():
        pass
    assert Entity.objects.get(identifier=f"b{FEW}").properties["width"] == "mine"


def test_who_writes_by_the_old_schema_is_waited_for(boxes):
    """Nothing is stored by the old schema once the new one is judged: the change waits for a writer that is under way."""
    written, leave, order = threading.Event(), threading.Event(), []

    def writer():
        try:
            with transaction.atomic():
                write("box", "late", properties={"size": "s"})
                written.set()
                leave.wait(20)
                order.append("written")
        finally:
            connection.close()

    def changer():
        from catalog.commands import blueprint_update
        from portal.kit.errors import Invalid

        try:
            number = {
                "properties": {"size": {"type": "string"}, "cost": {"type": "number"}},
                "required": ["size", "cost"],
            }
            blueprint_update(queries.blueprint("box"), {"schema": number}, partial=True, by=SETUP)
        except Invalid as refusal:
            order.append(refusal.details["errors"][0]["entities"])
        finally:
            connection.close()

    threads = [threading.Thread(target=writer), threading.Thread(target=changer)]
    threads[0].start()
    assert written.wait(20)
    threads[1].start()
    time.sleep(0.3)
    leave.set()
    for each in threads:
        each.join(20)
    assert order == ["written", 1]  # the one without a cost was seen
    assert queries.blueprint("box").schema["required"] == ["size"]
