"""L3: eight processes want the same few scopes, in whatever order, and every one of them comes to its end."""

import json
import os
import random
import signal
import time
import traceback
from collections import Counter
from datetime import timedelta

import pytest
from django.db import DatabaseError, connection, connections

from catalog import queries as catalog
from locks import scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    claims_lapse,
    freeze_create,
    freeze_withdraw,
    lines_advance,
    lock_extend,
    lock_release,
    lock_take,
    override_ask,
    ticket_join,
)
from locks.models import Freeze, Lock
from locks.queries import decide
from locks.runs import Run
from locks.wishes import parse
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import PortalError
from portal.kit.locking import is_victim
from tests.conftest import write
from tests.locks.mutants import plant
from tests.stress.conftest import LONG

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]

WORKERS, SHORT_RUN, LONG_RUN = 8, 40, 1000
PAIR = {"service": "checkout", "environment": "production"}
SCOPES = [("pair", PAIR), ("environment", {"environment": "production"}), ("everything", {})]
WISH = {"title": "Audit", "reason": "books", "starts": "2030-01-01T00:00", "duration": "1h"}


class Worker:
    def __init__(self, number):
        self.number, self.draw, self.runs = number, random.Random(number), 0
        self.by = By(Actor("user", f"user:{number}", f"Dana {number}", is_admin=True), "page")
        self.done = Counter()

    def work(self, deeds):
        names = ["take", "take", "release", "extend", "freeze", "thaw", "deploy", "deploy", "wait", "override", "tick"]
        for _ in range(deeds):
            name = self.draw.choice(names)
            try:
                getattr(self, name)()
                self.done[name] += 1
            except PortalError:
                self.done["refused"] += 1
            except DatabaseError as error:
                if not is_victim(error):
                    raise
                self.done["busy"] += 1  # over HTTP: 503, come again

    def scope(self):
        kind, names = self.draw.choice(SCOPES)
        return scopes.named(kind, **names)

    def one(self, rows):
        return rows.select_related("service", "environment").order_by("?").first()

    def take(self):
        until = database_now() + timedelta(seconds=self.draw.uniform(0.05, 2))
        effect = self.draw.choice(["block", "warn"])
        lock_take(self.scope(), reason="mine now", until=until, effect=effect, steal=True, by=self.by)

    def release(self):
        if lock := self.one(Lock.objects.active(database_now())):
            lock_release(lock, by=self.by)

    def extend(self):
        if lock := self.one(Lock.objects.active(database_now())):
            lock_extend(lock, database_now() + timedelta(seconds=1), by=self.by)

    def freeze(self):
        freeze_create(self.scope(), parse(WISH), by=self.by)

    def thaw(self):
        if freeze := self.one(Freeze.objects.filter(withdrawn_at=None)):
            freeze_withdraw(freeze, by=self.by)

    def run(self):
        self.runs += 1
        return Run(f"orders:{self.number}-{self.runs}:1")

    def deploy(self):
        begun = claim_begin(catalog.place(**PAIR), self.run(), lease=timedelta(seconds=2), by=self.by)
        if begun.claim:
            claim_finish(begun.claim, begun.claim.fence, "success", by=self.by)

    def wait(self):
        ticket_join(catalog.place(**PAIR), self.run(), lease=timedelta(seconds=2), by=self.by)

    def override(self):
        place = catalog.place(**PAIR)
        bars = decide(place, by=self.by).locks
        override_ask(place, [each.public_id for each in bars], commit="c", reason="fire", by=self.by)

    def tick(self):
        claims_lapse(), lines_advance()


@pytest.fixture
def checkout(db):
    write("environment", "production", properties={"tier": "production"})
    write("service", "checkout")


def let_loose(folder, deeds, seconds):
    """What they did, all together, and how many deadlocks PostgreSQL had to break. Raises when one fails or hangs."""
    before = deadlocks()
    connections.close_all()  # a connection is not shared with children
    pids = {_fork(number, deeds, folder) for number in range(WORKERS)}
    end = time.monotonic() + seconds
    while pids and time.monotonic() < end:
        pids -= {pid for pid in pids if os.waitpid(pid, os.WNOHANG)[0]}
        time.sleep(0.02)
    for pid in pids:
        os.kill(pid, signal.SIGKILL), os.waitpid(pid, 0)
    failed = [path.read_text() for path in folder.glob("*.failed")]
    assert not pids and not failed, f"{len(pids)} hang\n" + "\n".join(failed)
    done = sum((Counter(json.loads(path.read_text())) for path in folder.glob("*.json")), Counter())
    return done, deadlocks() - before


def _fork(number, deeds, folder):
    pid = os.fork()
    if pid:
        return pid
    # Those of before a browser was started in this process are hidden from it, but not from a child: never two on one.
    for each in connections.all(initialized_only=True):
        each.connection = None
    try:
        worker = Worker(number)
        worker.work(deeds)
        (folder / f"{number}.json").write_text(json.dumps(worker.done))
        connection.close()
    except BaseException:
        (folder / f"{number}.failed").write_text(traceback.format_exc())
    os._exit(0)


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("select pg_stat_clear_snapshot()")
        cursor.execute("select deadlocks from pg_stat_database where datname = current_database()")
        return cursor.fetchone()[0]


def test_in_whatever_order_all_come_to_their_end(checkout, seconds, tmp_path, capsys):
    deeds, begun = LONG_RUN if seconds >= LONG else SHORT_RUN, time.monotonic()
    done, broken = let_loose(tmp_path, deeds, 500)
    with capsys.disabled():
        print(f"\n{time.monotonic() - begun:.0f} s: {dict(done)}, {broken} deadlocks")
    assert done.total() == WORKERS * deeds
    assert (broken, done["busy"]) == (0, 0)


def test_scopes_that_are_waited_for_in_any_order_are_noticed(checkout, tmp_path, monkeypatch):
    plant(monkeypatch, scopes.hold, "key=_width", "key=lambda held: __import__('random').random()")
    # PostgreSQL takes a second to see that two wait for each other, so a few deeds are enough.
    done, broken = let_loose(tmp_path, 6, 200)
    assert broken, done
