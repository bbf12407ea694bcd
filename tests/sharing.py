"""A pytest plugin: with `--runs=3` the tests are collected once, and the process goes on as three that share them, each
with servers of its own. Each takes the next file that nobody has taken, the slow ones first, so that all end at about
the same time, whatever the files take."""

import os
import shutil
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from portal.embedded.processes import die_with_parent
from tests import servers

# Tests with browsers and processes take about so many times as long as others: 4 s of a processor each, not 0.15.
SLOW_FOLDERS, SLOW = {"browser", "embedded", "journeys", "stress"}, 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--runs", type=int, default=1, help="how many processes share the tests")


class Others:
    """The runs beside this one: their processes and what they said, by number. In one of them it is empty."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="portcullis-runs-"))
        self.processes: dict[int, int] = {}

    def begin(self, config: pytest.Config, number: int) -> bool:
        """Forks it, and says in the new one that it is."""
        sys.stdout.flush(), sys.stderr.flush()
        die = die_with_parent(signal.SIGTERM)
        if child := os.fork():
            self.processes[number] = child
            return False
        die()
        self.processes.clear()
        tell_in(self.folder / f"output {number}", config)
        return True

    def end(self) -> int:
        """Waits for them, tells what they said, and answers the exit code of one that failed."""
        status = 0
        for number, process in self.processes.items():
            status = os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]) or status
            print(
                f"Run {number}:", (self.folder / f"output {number}").read_text(errors="replace"), sep="\n", flush=True
            )
        shutil.rmtree(self.folder)
        return status


def tell_in(path: Path, config: pytest.Config) -> None:
    """What is printed from here on goes to this file. pytest keeps copies of where it went before."""
    capturing: Any = config.pluginmanager.getplugin("capturemanager")
    kept = [
        getattr(each, "targetfd_save", None)
        for each in (capturing._global_capturing.out, capturing._global_capturing.err)
    ]
    with path.open("wb") as file:
        for each in (1, 2, *kept):
            if each is not None:
                os.dup2(file.fileno(), each)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--runs") > 1 and not config.option.collectonly:
        config.stash[MIGRATIONS] = servers.begin_migrations()


MIGRATIONS = pytest.StashKey[Any]()
OTHERS = pytest.StashKey[Others]()
SESSION = pytest.StashKey[pytest.Session]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    config = session.config
    if MIGRATIONS not in config.stash or session.testsfailed:
        return None
    if config.stash[MIGRATIONS].wait():
        raise session.Failed("The database of the tests could not be made.")
    others = Others()
    own, *layouts = servers.copy_servers(config.getoption("--runs"))
    for number, layout in enumerate(layouts, 2):
        if others.begin(config, number):
            own = layout
            break
    else:
        config.stash[OTHERS], config.stash[SESSION] = others, session
    servers.go_on_with(own)
    run(session, others.folder)
    return True


def run(session: pytest.Session, folder: Path) -> None:
    left = set(session.items)
    turns = taken(batches(session.items), folder)
    item = next(turns, None)
    while item:
        following = next(turns, None)
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        left.discard(item)
        if session.shouldfail:
            raise session.Failed(session.shouldfail)
        if session.shouldstop:
            raise session.Interrupted(session.shouldstop)
        item = following
    session.config.hook.pytest_deselected(items=list(left))


def pytest_unconfigure(config: pytest.Config) -> None:
    if MIGRATIONS in config.stash:
        config.stash[MIGRATIONS].kill()  # where nothing came to run; otherwise it has ended
    if OTHERS in config.stash:
        session = config.stash[SESSION]
        session.exitstatus = config.stash[OTHERS].end() or session.exitstatus


def batches(items: list[Any]) -> list[tuple[str, list[Any]]]:
    """Named, and the same in every run. Tests with transactions of their own empty the tables, so they come last, as
    pytest-django has it; a file with both kinds is in two batches."""
    found: dict[tuple[bool, str], list[Any]] = {}
    for item in items:
        found.setdefault((empties(item), item.nodeid.partition("::")[0]), []).append(item)
    ordered = sorted(found, key=lambda key: (key[0], -weight(key[1], len(found[key])), key[1]))
    return [(f"{int(last)} {path}", found[last, path]) for last, path in ordered]


def empties(item: Any) -> bool:
    marked = item.get_closest_marker("django_db")
    return bool(
        {"transactional_db", "live_server"} & set(item.fixturenames) or marked and marked.kwargs.get("transaction")
    )


def weight(path: str, tests: int) -> int:
    return tests * (SLOW if SLOW_FOLDERS & set(Path(path).parts) else 1)


def taken(batches: list[tuple[str, list[Any]]], folder: Path) -> Iterator[Any]:
    """The tests of each batch that this run is the first to name."""
    for name, items in batches:
        try:
            os.close(os.open(folder / name.replace("/", "%"), os.O_CREAT | os.O_EXCL))
        except FileExistsError:
            continue
        yield from items
