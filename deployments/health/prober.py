"""The prober: asks what is due, all the time, and never waits for one before it asks another.

Calls run in threads that touch no database and that nobody waits for at the end of the process. One thread claims, and writes
what came back, many at once.
"""

import logging
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime, timedelta
from queue import Empty, SimpleQueue

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from deployments.health import references
from deployments.health.calls import ask
from deployments.health.commands import (
    heartbeat_listen,
    heartbeats_excuse,
    prober_tell,
    probes_claim,
    readings_take,
    silence_of,
)
from deployments.health.models import Kind, Probe
from deployments.health.results import Result
from deployments.health.states import Outcome, State
from portal.kit.clock import database_now
from portal.kit.database import is_lost

logger = logging.getLogger(__name__)

BREATH = 0.1  # seconds between two looks at what is due
MOST_CLAIMED, MOST_WRITTEN = 32, 200
SELF_CHECK = 1.0  # seconds: how much older than a result a look at the references may be
TOLD_EVERY = 10.0  # seconds
# A call ends in time. One that ends so many seconds later was stopped on its way, and so were we.
STOOD_STILL = 5.0


class Prober:
    def __init__(self, name: str = "", *, threads: int = 0, per_host: int = 0) -> None:
        self.name = (name or socket.gethostname())[:200]
        self.threads = threads or settings.HEALTH_THREADS
        self.per_host = per_host or settings.HEALTH_PER_HOST
        self.came: SimpleQueue[tuple[Probe, Result]] = SimpleQueue()
        self.busy = self.slow = 0
        # What would be the first news that something is bad waits until we have looked at ourselves.
        self.doubtful: list[tuple[float, Result]] = []
        self.unwritten: list[Result] = []
        self.look: Future[str] | None = None
        self.looked_at, self.look_begun, self.lost = 0.0, 0.0, ""
        self.told_at, self.lag = 0.0, 0.0
        self.begun = False
        self.one = threading.Lock()

    def run(self, seconds: float, *, patience: float = 0.0) -> bool:
        """Probes for so long. False, at once or after `patience`, where another thread does so already."""
        if not self.one.acquire(timeout=patience):
            return False
        try:
            self.begin()
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                self.turn()
            return True
        finally:
            self.one.release()

    def begin(self) -> None:
        if not self.begun:
            heartbeats_excuse(database_now(), within=timedelta(seconds=TOLD_EVERY + BREATH * 20))
            self.begun = True

    def turn(self) -> None:
        self.gather()
        self.look_around()
        self.write()
        claimed = self.claim()
        self.tell()
        if claimed < MOST_CLAIMED:
            time.sleep(BREATH)

    def claim(self) -> int:
        """None while we have no network: another prober may have."""
        room = min(self.threads - self.busy, MOST_CLAIMED)
        if room <= 0 or self.lost or len(self.unwritten) > MOST_WRITTEN:
            return 0
        # Those that hang shall not take all threads from those that answer.
        quick = self.slow >= self.threads // 2
        claimed = probes_claim(room, per_host=self.per_host, quick=quick)
        now = database_now() if claimed else None
        for probe in claimed:
            if now and probe.due_at:
                self.lag = max(self.lag, (now - probe.due_at).total_seconds())
            if now:
                self._begin(probe, now)
        return len(claimed)

    def _begin(self, probe: Probe, now: datetime) -> None:
        if probe.kind == Kind.HEARTBEAT:
            silence = silence_of(probe, now)
            if silence:
                self.unwritten.append(silence)
            else:
                heartbeat_listen(probe, now)
            return
        self.busy += 1
        self.slow += _hung(probe)
        threading.Thread(target=self._call, args=(probe, now), name="probe", daemon=True).start()

    def _call(self, probe: Probe, now: datetime) -> None:
        begun = time.monotonic()
        try:
            result = ask(probe, now)
        except Exception as error:
            logger.exception("Probe %s failed", probe.public_id)
            result = Result(
                probe.pk, now, Outcome.NO_DATA, reason=f"{type(error).__name__}: {error}", lease=probe.lease
            )
        if result.outcome != Outcome.OK and time.monotonic() - begun > probe.timeout + STOOD_STILL:
            result = Result(probe.pk, now, Outcome.NO_DATA, reason="The prober stood still.", lease=probe.lease)
        self.came.put((probe, result))

    def gather(self) -> None:
        while True:
            try:
                probe, result = self.came.get_nowait()
            except Empty:
                return
            self._take(probe, result)

    def _take(self, probe: Probe, result: Result) -> None:
        self.busy -= 1
        self.slow -= _hung(probe)
        is_news = result.is_bad and probe.state not in (State.FAILING, State.DOWN)
        if is_news and settings.HEALTH_REFERENCES:
            self.doubtful.append((time.monotonic(), result))
        else:
            self.unwritten.append(result)

    def look_around(self) -> None:
        """Looks at the references where there is doubt, and while there is no network; never waits for them."""
        if self.look and self.look.done():
            self._learn(self.look.result())
            self.look = None
        since = time.monotonic() - self.looked_at
        if self.look is None and ((self.doubtful and since > SELF_CHECK / 2) or (self.lost and since > SELF_CHECK)):
            self.look_begun = time.monotonic()
            self.look = Future()
            threading.Thread(target=_look, args=(self.look,), name="look", daemon=True).start()

    def _learn(self, lost: str) -> None:
        self.looked_at = time.monotonic()
        settled = [each for each in self.doubtful if each[0] <= self.look_begun + SELF_CHECK]
        self.doubtful = [each for each in self.doubtful if each[0] > self.look_begun + SELF_CHECK]
        reason = f"The prober reached none of its references. {lost}"
        for _, result in settled:
            self.unwritten.append(replace(result, outcome=Outcome.NO_DATA, reason=reason) if lost else result)
        if bool(lost) != bool(self.lost):
            self.lost, self.told_at = lost, 0.0
        self.lost = lost

    def write(self) -> None:
        batch, self.unwritten = self.unwritten[:MOST_WRITTEN], self.unwritten[MOST_WRITTEN:]
        if not batch:
            return
        try:
            readings_take(batch, now=database_now())
        except (DatabaseError, InterfaceError) as error:
            if is_lost(error):
                self.unwritten = batch + self.unwritten  # as soon as there is a database again
                raise
            self._write_each(batch)

    def _write_each(self, batch: Sequence[Result]) -> None:
        """One that cannot be kept shall not take the others with it."""
        for each in batch:
            try:
                readings_take([each], now=database_now())
            except (DatabaseError, InterfaceError):
                logger.exception("A reading of probe %s could not be kept", each.probe_id)

    def tell(self) -> None:
        if time.monotonic() - self.told_at >= TOLD_EVERY:
            lag = round(self.lag * 1000)
            prober_tell(self.name, up=not self.lost, reason=self.lost[:500], lag_ms=lag, now=database_now())
            self.told_at, self.lag = time.monotonic(), 0.0


def _look(answer: "Future[str]") -> None:
    try:
        answer.set_result(references.unreachable())
    except Exception:
        logger.exception("The references could not be looked at")
        answer.set_result("")  # what failed is believed


def _hung(probe: Probe) -> bool:
    """It did not answer last time."""
    return probe.ms is None and probe.checked_at is not None
