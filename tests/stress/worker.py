"""One process that does at random what people and CI do, and writes down what it was told.

Times are of CLOCK_MONOTONIC, which all processes of a machine share.
"""

import json
import os
import random
import signal
import time
from datetime import timedelta

from django.db import connections

from locks import scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    claim_heartbeat,
    lock_extend,
    lock_release,
    lock_take,
    override_approve,
    override_ask,
    ticket_join,
)
from locks.models import Lock
from locks.queries import decide
from locks.runs import Run
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import PortalError

LEASE = timedelta(seconds=1)
MARGIN = 0.1  # seconds
PAUSE = 1.6  # seconds, beyond the lease
# What is done how often, of a hundred.
CHANCES = {"deploy": 32, "wait": 16, "lock": 14, "unlock": 10, "extend": 14, "override": 14}


class Worker:
    def __init__(self, number, places, log, seed, over):
        self.number, self.places, self.log, self.over = number, places, log, over
        self.draw = random.Random(seed)
        self.by = By(
            Actor("credential", f"credential:{number}", f"CI {number}", scopes=frozenset({"gate", "lock"})), "api"
        )
        self.dana = By(Actor("user", f"user:{number}", f"Dana {number}", is_admin=True), "page")
        self.sam = By(Actor("user", f"user:{number}s", f"Sam {number}", is_admin=True), "page")
        self.runs = 0
        self.locks = []

    def work(self):
        while not self.over():
            deed = self.draw.choices(list(CHANCES), CHANCES.values())[0]
            try:
                getattr(self, deed)()
            except PortalError as error:
                self.note("refused", of=deed, code=error.code)
            time.sleep(self.draw.uniform(0, 0.02))

    def note(self, deed, **facts):
        self.log.write(json.dumps({"deed": deed, "worker": self.number, "at": time.monotonic()} | facts) + "\n")
        self.log.flush()

    def new_run(self):
        self.runs += 1
        return Run(f"stress:{self.number}-{os.getpid()}-{self.runs}:1")

    def deploy(self):
        self.begin(self.draw.choice(self.places), self.new_run())

    def begin(self, place, run, **more):
        sent = time.monotonic()
        begun = claim_begin(place, run, lease=LEASE, by=self.by, **more)
        if begun.claim and self.draw.random() < 0.15:
            # The answer got lost after the commit: the same run asks again, and must be given the same.
            self.note("dropped", claim=str(begun.claim.public_id))
            sent = time.monotonic()
            begun = claim_begin(place, run, lease=LEASE, by=self.by, **more)
        self.note("begin", run=run.key, sent=sent, granted=bool(begun.claim), outcome=begun.decision.outcome)
        if begun.claim:
            self.hold(begun.claim, sent)
        return begun

    def hold(self, claim, sent):
        """What a client does that keeps to its lease by its own clock."""
        name, fate = str(claim.public_id), self.draw.random()
        entered, safe = time.monotonic(), sent + LEASE.total_seconds() - MARGIN
        for _ in range(self.draw.randrange(3)):
            time.sleep(self.draw.uniform(0, 0.05))
            sent = time.monotonic()
            claim_heartbeat(claim, claim.fence, by=self.by)
            safe = sent + LEASE.total_seconds() - MARGIN
            self.note("heartbeat", claim=name)
        time.sleep(self.draw.uniform(0, 0.03))
        if fate < 0.12:
            self.note("held", claim=name, since=entered, until=min(time.monotonic(), safe))
            self.note("kill", claim=name)
            os.kill(os.getpid(), signal.SIGKILL)
        if fate < 0.24:
            self.note("held", claim=name, since=entered, until=min(time.monotonic(), safe))
            self.note("pause", claim=name)
            os.kill(os.getpid(), signal.SIGSTOP)  # whoever started us lets us go on, too late
            self.note("woke", claim=name)
        else:
            self.note("held", claim=name, since=entered, until=min(time.monotonic(), safe))
        for _ in range(2 if self.draw.random() < 0.15 else 1):  # the first answer got lost
            claim_finish(claim, claim.fence, "success", by=self.by)
        self.note("finish", claim=name)

    def wait(self):
        place, run, give_up = self.draw.choice(self.places), self.new_run(), time.monotonic() + 2
        while time.monotonic() < give_up and not self.over():
            line = ticket_join(place, run, lease=LEASE, by=self.by)
            self.note("wait", run=run.key, position=line.position)
            if line.ready and self.begin(place, run).claim:
                self.note("served", run=run.key)
                return
            time.sleep(self.draw.uniform(0.01, 0.1))

    def lock(self):
        place = self.draw.choice(self.places)
        kind, names = self.draw.choice(
            [
                ("pair", {"service": place.service, "environment": place.environment}),
                ("pair", {"service": place.service, "environment": place.environment}),
                ("pair", {"service": place.service, "environment": place.environment}),
                ("service", {"service": place.service}),
                ("environment", {"environment": place.environment}),
                ("tier", {"tier": place.tier}),
            ]
        )
        until = database_now() + timedelta(seconds=self.draw.uniform(0.3, 1))
        lock = lock_take(scopes.named(kind, **names), reason="stress", until=until, by=self.by)
        self.locks.append(lock)
        self.note("lock", lock=str(lock.public_id))

    def unlock(self):
        if self.locks:
            lock = self.locks.pop(self.draw.randrange(len(self.locks)))
            sent = time.monotonic()
            for _ in range(2 if self.draw.random() < 0.3 else 1):
                lock_release(lock, by=self.by)
            self.note("unlock", lock=str(lock.public_id), sent=sent)

    def extend(self):
        """One of its own that still lasts, or a fresh one."""
        now = database_now()
        mine = Lock.objects.active(now).filter(holder_key=self.by.actor.key).select_related("service", "environment")
        lock = mine.first()
        if lock is None:
            self.lock()
            lock = self.locks[-1]
        lock_extend(lock, database_now() + timedelta(seconds=self.draw.uniform(0.4, 1)), by=self.by)
        self.note("extend", lock=str(lock.public_id))

    def override(self):
        """A locked place, and a way through what is there now; several try to go through it, as often as it lets them."""
        place, commit = self.draw.choice(self.places), f"c{self.draw.randrange(10**6)}"
        bars = decide(place, by=self.by).locks
        if not bars:
            until = database_now() + timedelta(seconds=1)
            bars = [lock_take(scopes.pair(place), reason="stress", until=until, by=self.by)]
        asked = override_ask(
            place, [each.public_id for each in bars], commit=commit, reason="fire", max_uses=self.draw.choice([1, 2]), by=self.dana
        )  # fmt: skip
        override = override_approve(asked, by=self.sam)
        self.note("override", override=str(override.public_id))
        for _ in range(3):
            self.begin(place, self.new_run(), commit=commit, override=override)


def run(number, places, path, seed, over):
    """In a fresh child process: its own connection, its own part of the history."""
    connections["default"].connect()
    with open(path, "a") as log:
        Worker(number, places, log, seed, over).work()
