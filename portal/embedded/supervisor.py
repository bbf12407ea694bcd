"""Starts the parts in order, starts again what dies, stops in reverse order and leaves nothing running."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from portal.embedded import processes
from portal.embedded.errors import CannotStart

LONGEST_WAIT = 30.0
SETTLED_AFTER = 60.0


class StopAsked(Exception):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Part(Protocol):
    name: str
    stop: signal.Signals
    hurry: signal.Signals
    grace: float

    def prepare(self) -> None: ...
    def command(self) -> list[str]: ...
    def environment(self) -> dict[str, str]: ...
    def is_ready(self) -> bool: ...
    def settle(self) -> None: ...


@dataclass
class Program:
    """A part that needs nothing but to run."""

    name: str
    words: list[str]
    env: dict[str, str] = field(default_factory=dict)
    ready: Callable[[], bool] = lambda: True
    stop: signal.Signals = signal.SIGTERM
    hurry: signal.Signals = signal.SIGKILL
    grace: float = 10.0

    def prepare(self) -> None:
        """There is nothing to make first."""

    def command(self) -> list[str]:
        return self.words

    def environment(self) -> dict[str, str]:
        return os.environ | self.env

    def is_ready(self) -> bool:
        return self.ready()

    def settle(self) -> None:
        """There is nothing to make afterwards."""


@dataclass
class Child:
    part: Part
    process: "subprocess.Popen[bytes] | None" = None
    started: float = 0.0
    failures: int = 0
    again_at: float = 0.0

    @property
    def has_ended(self) -> bool:
        return self.process is None or self.process.poll() is not None


def say(sentence: str) -> None:
    print(sentence, file=sys.stderr, flush=True)


class Supervisor:
    log_limit = 10 * 1024 * 1024

    def __init__(self, data: Path, logs: Path, cwd: Path | None = None, tell: Callable[[str], None] = say):
        self.data = data
        self.logs = logs
        self.cwd = cwd
        self.tell = tell
        self.children: list[Child] = []
        self.asked = 0

    def listen(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def sweep(self) -> None:
        """End what an earlier supervisor, killed without a chance to stop its parts, left behind."""
        found = processes.marked(self.data)
        if found:
            self.tell(f"Stopping {len(found)} processes that an earlier start left on {self.data}.")
            processes.end(found)

    def start(self, part: Part, within: float = 60.0) -> None:
        """Start and wait until it is ready. A part that cannot come up stops the start, with the end of its log."""
        child = Child(part)
        self.children.append(child)
        self._launch(child)
        deadline = time.monotonic() + within
        while not part.is_ready():
            if child.has_ended:
                raise CannotStart(f"{part.name} stopped while starting ({self._exit(child)}).\n{self.tail(part.name)}")
            if time.monotonic() > deadline:
                raise CannotStart(f"{part.name} was not ready in {within:.0f} seconds.\n{self.tail(part.name)}")
            self.pause(0.05)
        part.settle()

    def run(self, name: str, words: list[str], env: dict[str, str]) -> str:
        """Run one command to its end and return what it printed; a failure stops the start and shows it."""
        log = self.log(name)
        log.unlink(missing_ok=True)
        child = Child(Program(name, words, env))
        self.children.append(child)
        self._launch(child)
        while not child.has_ended:
            self.pause(0.05)
        self.children.remove(child)
        output = log.read_text(errors="replace")
        if child.process and child.process.returncode:
            raise CannotStart(f"`{name}` failed ({self._exit(child)}):\n{output.rstrip()}")
        # What it printed may hold a password; logs are shown around.
        log.unlink()
        return output

    def watch(self) -> None:
        """Until somebody asks to stop."""
        while True:
            self.look()
            self.pause(0.2)

    def look(self) -> None:
        now = time.monotonic()
        for child in self.children:
            if not child.has_ended:
                self._trim(child.part.name)
            elif child.process is not None:
                self._bury(child, now)
            elif now >= child.again_at:
                self._launch(child)

    def pause(self, seconds: float) -> None:
        time.sleep(seconds)
        if self.asked:
            raise StopAsked

    def stop(self) -> None:
        for child in reversed(self.children):
            self._stop(child)
        processes.end(processes.marked(self.data), patience=1.0)

    def _stop(self, child: Child) -> None:
        def patience() -> float:
            return 1.0 if self.asked > 1 else child.part.grace

        if child.process is not None:
            stop = child.part.hurry if self.asked > 1 else child.part.stop
            processes.finish(child.process, stop=stop, patience=patience)

    def log(self, name: str) -> Path:
        return self.logs / f"{name}.log"

    def tail(self, name: str, lines: int = 15) -> str:
        last = self.log(name).read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([*(f"  {line}" for line in last), f"The whole log: {self.log(name)}"])

    def _launch(self, child: Child) -> None:
        self.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = child.part
        try:
            part.prepare()
        except CannotStart as error:
            if not child.failures:
                raise
            self.tell(f"{part.name} cannot be started again yet: {error}")
            child.again_at = time.monotonic() + LONGEST_WAIT
            return
        env = part.environment() | {processes.MARK: str(self.data)}
        child.process = processes.spawn(part.command(), log=self.log(part.name), env=env, cwd=self.cwd, stop=part.stop)
        child.started = time.monotonic()

    def _bury(self, child: Child, now: float) -> None:
        assert child.process
        processes.kill_group(child.process.pid)
        child.failures = 1 if now - child.started > SETTLED_AFTER else child.failures + 1
        wait = min(LONGEST_WAIT, 0.25 * 2**child.failures)
        child.again_at = now + wait
        log = self.log(child.part.name)
        self.tell(f"{child.part.name} stopped ({self._exit(child)}); starting it again in {wait:.1f} s. Its log: {log}")
        child.process = None

    def _exit(self, child: Child) -> str:
        code = child.process.returncode if child.process else None
        if code is None or code >= 0:
            return f"exit {code}"
        return f"by {signal.Signals(-code).name}"

    def _trim(self, name: str) -> None:
        """The children append, so that their log can be emptied under them."""
        log = self.log(name)
        if log.stat().st_size > self.log_limit:
            shutil.copyfile(log, log.with_suffix(".log.1"))
            os.truncate(log, 0)

    def _on_signal(self, number: int, frame: object) -> None:
        self.asked += 1
        if self.asked == 2:
            self.tell("Stopping at once.")
