"""A pytest plugin: several runs at once share the tests. Each takes the next file that nobody has taken, the slow ones
first, so that all end at about the same time, whatever the files take."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Tests with browsers and processes take about so many times as long as others: 4 s of a processor each, not 0.15.
SLOW_FOLDERS, SLOW = {"browser", "embedded", "journeys", "stress"}, 30


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--share", metavar="FOLDER", help="share the tests with other runs that name the same empty folder"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> bool | None:
    folder = session.config.getoption("--share")
    if not folder or session.testsfailed or session.config.option.collectonly:
        return None
    left = set(session.items)
    turns = taken(batches(session.items), Path(folder))
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
    return True


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
