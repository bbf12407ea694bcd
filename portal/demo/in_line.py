"""What `bin/demo` plays: two CI runs and a lock meet at one place, by the real command line, on a portal that runs.

Run by its path, with nothing but the standard library. It tells what it has seen, leaves nothing locked behind, and ends
with 0 only when all of it has happened.
"""

import argparse
import contextlib
import json
import os
import queue
import shlex
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "ci" / "portcullis"
ENVIRONMENT = "production"
SERVICES = ("address-book", "help-centre", "profile", "loyalty")  # of the demo company: the first that is free
READING = 2.0  # seconds for the eyes
PATIENCE = 30.0  # seconds within which each thing has to happen
SHOWN = ("WAITING:", "YOUR TURN:", "BEGUN:", "DEPLOYED:")
NO_PORTAL = "{} Start one in another terminal:\n\n    bin/up\n\nWhen it says that it is up, come back to bin/demo."
NO_COMPANY = "The portal at {} has no demo company, and this plays with nothing else. Start it without --empty."
GOING = 'echo copying; for n in $(seq 300); do test -e "$0" && exit 0; sleep 0.1; done; exit 1'


class Cannot(Exception):
    """The play cannot go on: a sentence that says why."""


class Stopped(BaseException):
    """Ctrl-C, SIGTERM or a closed terminal."""


class Interrupts:
    """Raises Stopped, but not in the middle of what has to be known to be undone."""

    def __init__(self) -> None:
        self.number, self.held = 0, False
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, self.on)

    def on(self, number: int, frame: object) -> None:
        self.number = number
        if not self.held:
            raise Stopped

    @contextlib.contextmanager
    def held_back(self) -> Iterator[None]:
        self.held = True
        yield
        self.held = False
        if self.number:
            raise Stopped


class Portal:
    def __init__(self, settings: dict[str, str]) -> None:
        self.url, self.settings = settings["PORTCULLIS_URL"], settings

    def is_up(self) -> bool:
        with contextlib.suppress(OSError):
            return bool(urllib.request.urlopen(f"{self.url}/readyz", timeout=5).status == 200)
        return False

    def environ(self, *names: str, **more: str) -> dict[str, str]:
        """Of one actor: nothing of whoever watches but PATH and HOME."""
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {**kept, **{name: self.settings[name] for name in ("PORTCULLIS_URL", *names)}, **more}

    def command(self, *words: str, credentials: tuple[str, ...] = ("CI_TOKEN",)) -> subprocess.CompletedProcess[str]:
        """ci/portcullis in a session of its own: a Ctrl-C is for the play, which ends it in its own order."""
        return subprocess.run(
            [sys.executable, str(COMMAND), *words],
            env=self.environ(*credentials),
            cwd=ROOT,
            capture_output=True,
            text=True,
            start_new_session=True,
        )

    def claims(self, service: str) -> dict[str, dict[str, Any]]:
        """The place's claims by their run."""
        query = urllib.parse.urlencode({"state": "all", "service": service, "environment": ENVIRONMENT})
        headers = {"Authorization": f"Bearer {self.settings['CI_TOKEN']}"}
        request = urllib.request.Request(f"{self.url}/v1/claims?{query}", headers=headers)
        with urllib.request.urlopen(request, timeout=10) as answer:
            return {each["run"]: each for each in json.load(answer)["claims"]}


class Run:
    """A CI run: `portcullis deploy` as a process of its own, whose lines come to the play."""

    def __init__(self, name: str, words: list[str], environ: dict[str, str], heard: "queue.Queue[tuple[Run, str]]"):
        self.name, self.key = name, environ["PORTCULLIS_RUN"]
        self.said: list[str] = []
        self.process = subprocess.Popen(
            [sys.executable, str(COMMAND), *words],
            env=environ,
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        threading.Thread(target=self.listen, args=(heard,), daemon=True).start()

    def listen(self, heard: "queue.Queue[tuple[Run, str]]") -> None:
        for line in self.process.stdout or ():
            heard.put((self, line.rstrip()))

    def stop(self) -> None:
        """It leaves the line, or ends its deploy, by itself."""
        if self.process.poll() is None:
            self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


class Play:
    def __init__(self, portal: Portal, interrupts: Interrupts, folder: Path) -> None:
        self.portal, self.interrupts, self.go = portal, interrupts, folder / "go"
        self.heard: queue.Queue[tuple[Run, str]] = queue.Queue()
        self.runs: list[Run] = []
        self.lock = ""
        self.stamp = f"{datetime.now(UTC):%m%d-%H%M%S}"
        self.service = self.free_service()
        self.place = ("--service", self.service, "--environment", ENVIRONMENT)

    def free_service(self) -> str:
        answer = None
        for service in SERVICES:
            answer = self.portal.command("check", "--service", service, "--environment", ENVIRONMENT)
            if answer.returncode == 0:
                return service
            if answer.returncode == 22:
                raise Cannot(NO_COMPANY.format(self.portal.url))
        assert answer
        raise Cannot(f"{ENVIRONMENT} is not open just now, so there is no place to play at:\n\n{said(answer)}")

    def perform(self) -> None:
        began = time.monotonic()
        narrate(f"Two deploys and a lock, on {self.portal.url}. To watch it there: {self.portal.url}/locks/waiting\n")
        narrate(f"1. Somebody debugs {self.service} in {ENVIRONMENT}, and locks it for ten minutes.")
        self.take_lock()
        self.pause(READING)
        narrate("2. CI run A wants to deploy. It does not fail: it waits in line, and says who, why and until when.")
        first = self.deploy("A", "sh", "-c", GOING, str(self.go))
        self.until(first, "WAITING:", "you are 1st in line")
        self.pause(READING)
        narrate("3. CI run B comes with the next version, and stands behind it.")
        second = self.deploy("B", "echo", "copying")
        self.until(second, "WAITING:", "you are 2nd in line")
        self.pause(READING)
        narrate("4. The bug is found and the lock released. Nobody touches the runs.")
        self.release_lock()
        self.until(first, "BEGUN:")
        self.until(second, "WAITING:", "is deploying")
        self.pause(READING)
        narrate("5. A comes to its end, and B goes on by itself.")
        self.go.touch()
        for run in (first, second):
            self.until(run, "DEPLOYED:")
            self.ended_well(run)
        self.look_back(first, second)
        took = time.monotonic() - began
        narrate(f"\nBoth are deployed, one after the other, and nobody pressed a button. It took {took:.0f} s.")
        narrate(
            f"{self.service} in {ENVIRONMENT} is open and runs {self.version('B')}. All of it: {self.portal.url}/audit"
        )

    def version(self, name: str) -> str:
        return f"demo-{self.stamp}-{name}"

    def take_lock(self) -> None:
        words = ("lock", *self.place, "--reason", "looking for lost addresses", "--for", "10m")
        show(words)
        with self.interrupts.held_back():
            done = self.portal.command(*words, "--json", credentials=("CLIENT_ID", "CLIENT_SECRET"))
            if done.returncode:
                raise Cannot(f"The lock was not taken:\n\n{said(done)}")
            self.lock = json.loads(done.stdout)["lock"]["id"]

    def release_lock(self) -> None:
        words = ("unlock", self.lock, "--reason", "found it")
        show(words)
        self.undo_lock(*words)

    def undo_lock(self, *words: str) -> None:
        done = self.portal.command(*words, credentials=("CLIENT_ID", "CLIENT_SECRET"))
        if done.returncode:
            raise Cannot(f"The lock {self.lock} is still there; it ends by itself within ten minutes.\n\n{said(done)}")
        self.lock = ""

    def deploy(self, name: str, *child: str) -> Run:
        words = ["deploy", *self.place, "--version", self.version(name), "--timeout", "5m"]
        show([*words, "--", "./deploy.sh"])
        environ = self.portal.environ("CI_TOKEN", PORTCULLIS_RUN=f"demo:{self.stamp}-{name}:1")
        same = ["--commit", "4f2a9c1", "--previous-commit", "4f2a9c1"]  # it brings no commits
        with self.interrupts.held_back():
            self.runs.append(Run(name, [*words, *same, "--", *child], environ, self.heard))
        return self.runs[-1]

    def until(self, run: Run, *words: str) -> None:
        """Shows what the runs say until this one has said all these words in one line."""
        self.hear(lambda: any(all(word in line for word in words) for line in run.said), PATIENCE)
        if not any(all(word in line for word in words) for line in run.said):
            raise Cannot(f"Run {run.name} should have said “{' … '.join(words)}”. It said:\n\n" + "\n".join(run.said))

    def pause(self, seconds: float) -> None:
        """So that it can be read."""
        self.hear(lambda: False, seconds)

    def hear(self, enough: Callable[[], bool], seconds: float) -> None:
        ends = time.monotonic() + seconds
        while not enough() and (left := ends - time.monotonic()) > 0:
            with contextlib.suppress(queue.Empty):
                run, line = self.heard.get(timeout=left)
                run.said.append(line)
                if line.startswith(SHOWN):
                    show_said(run, line)

    def ended_well(self, run: Run) -> None:
        if code := run.process.wait(PATIENCE):
            raise Cannot(f"Run {run.name} ended with {code}. It said:\n\n" + "\n".join(run.said))

    def look_back(self, first: Run, second: Run) -> None:
        """What was told, held against the portal's record."""
        claims = self.portal.claims(self.service)
        early, late = claims[first.key], claims[second.key]
        if not (early["finished_at"] <= late["begun_at"] and early["fence"] < late["fence"]):
            raise Cannot("The two deploys overlapped, which must not happen: please report it.")
        live = self.portal.command("where", *self.place, "--json")
        if [each["version"] for each in json.loads(live.stdout)["deployment_configs"]] != [self.version("B")]:
            raise Cannot(f"Another version than B's is live now: somebody else deployed meanwhile.\n\n{said(live)}")
        gate = self.portal.command("check", *self.place)
        if gate.returncode:
            raise Cannot(f"The place is closed again: somebody else was at it meanwhile.\n\n{said(gate)}")

    def tidy(self) -> None:
        """Nothing stays behind: no lock, no run in the line, no deploy."""
        self.interrupts.held = True
        for run in reversed(self.runs):  # or the one that waits would have its turn
            run.stop()
        if self.lock:
            self.undo_lock("unlock", self.lock, "--reason", "the demonstration was stopped")


def said(done: "subprocess.CompletedProcess[str]") -> str:
    return (done.stdout + done.stderr).strip()


COLOURS = {"A": "34", "B": "35", "quiet": "2", "bold": "1"}


def coloured(text: str, colour: str) -> str:
    wanted = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    return f"\033[{COLOURS[colour]}m{text}\033[0m" if wanted else text


def narrate(sentence: str) -> None:
    print(coloured(sentence, "bold"), flush=True)


def show(words: "list[str] | tuple[str, ...]") -> None:
    print(coloured(f"   $ portcullis {shlex.join(words)}", "quiet"), flush=True)


def show_said(run: Run, line: str) -> None:
    print("   " + coloured(f"run {run.name}", run.name) + f"  {line}", flush=True)


def read_settings() -> dict[str, str]:
    """What the first `bin/up` wrote. The environment has no say: this is no play for a portal that people work with."""
    path = Path(os.environ.get("PORTCULLIS_DATA") or ROOT / "var") / "credentials.env"
    try:
        lines = path.read_text().splitlines()
    except OSError:
        raise Cannot(NO_PORTAL.format("No portal was started here yet.")) from None
    return {name: "".join(shlex.split(value)) for name, _, value in (line.partition("=") for line in lines)}


def main() -> int:
    argparse.ArgumentParser(
        prog="bin/demo",
        description="Two CI runs wait in line behind a lock and go on by themselves, on the portal that bin/up runs. "
        "Takes half a minute and leaves nothing locked.",
    ).parse_args()
    interrupts, play, code = Interrupts(), None, 0
    try:
        portal = Portal(read_settings())
        if not portal.is_up():
            raise Cannot(NO_PORTAL.format(f"No portal answers at {portal.url}."))
        with tempfile.TemporaryDirectory() as folder:
            try:
                play = Play(portal, interrupts, Path(folder))
                play.perform()
            finally:
                if play:
                    play.tidy()
    except Cannot as error:
        print(error, file=sys.stderr)
        code = 1
    except Stopped:
        print("\nStopped. Nothing is left locked, and nobody is left in line.", file=sys.stderr)
        code = 128 + interrupts.number
    return code


if __name__ == "__main__":
    sys.exit(main())
