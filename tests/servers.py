"""PostgreSQL and Valkey for the tests, in a folder of their own, unless DATABASE_URL and REDIS_URL name others.

A pytest plugin, because the settings read the addresses before any conftest.py is loaded.
Servers go with pytest, however it ends: the kernel tells them.
"""

import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Supervisor
from portal.embedded.valkey import Valkey

NO_SKIP = "PORTCULLIS_NO_SKIP"
# Tests with browsers and processes take about so many times as long as others.
SLOW_FOLDERS, SLOW = {"browser", "embedded", "journeys", "stress"}, 5
supervisor: Supervisor | None = None


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--part", metavar="N/OF", help="run one part of several that can run at once, such as 1/2")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Whole files, spread so that the parts take about as long."""
    if not config.getoption("--part"):
        return
    number, of = (int(word) for word in config.getoption("--part").split("/"))
    mine = files_of(number - 1, of, Counter(str(item.path) for item in items))
    config.hook.pytest_deselected(items=[item for item in items if str(item.path) not in mine])
    items[:] = [item for item in items if str(item.path) in mine]


def files_of(part: int, of: int, tests: Counter[str]) -> set[str]:
    weights = {path: count * (SLOW if SLOW_FOLDERS & set(Path(path).parts) else 1) for path, count in tests.items()}
    parts: list[set[str]] = [set() for _ in range(of)]
    loads = [0] * of
    for path in sorted(weights, key=lambda path: (-weights[path], path)):
        lightest = loads.index(min(loads))
        parts[lightest].add(path)
        loads[lightest] += weights[path]
    return parts[part]


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """A wrapper comes before pytest-django, which loads the settings in this very hook."""
    forget_the_developer()
    start_servers()
    return (yield)


def pytest_unconfigure() -> None:
    if supervisor:
        supervisor.stop()
        shutil.rmtree(supervisor.data, ignore_errors=True)


def forget_the_developer() -> None:
    """A token in the developer's shell must not send test messages to a real Slack."""
    for name in list(os.environ):
        if name.startswith("PORTCULLIS_") and name != NO_SKIP:
            del os.environ[name]


def start_servers() -> None:
    global supervisor
    data = Path(tempfile.mkdtemp(prefix="portcullis-tests-")).resolve()
    layout = Layout(data)
    os.environ["PORTCULLIS_DATA"] = str(data)
    supervisor = Supervisor(data, layout.logs)
    try:
        if not os.environ.get("DATABASE_URL"):
            supervisor.start(Postgres(layout, durable=False))
            os.environ["DATABASE_URL"] = layout.database_url
        if not os.environ.get("REDIS_URL"):
            supervisor.start(Valkey(layout, durable=False))
            os.environ["REDIS_URL"] = layout.redis_url
    except CannotStart as error:
        supervisor.stop()
        raise pytest.UsageError(str(error)) from error


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Iterator[None]:
    report = yield
    return forbid_skip(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Iterator[None]:
    report = yield
    return forbid_skip(report)


def forbid_skip(report):
    """With PORTCULLIS_NO_SKIP set a skipped test fails and shows why it wanted to be skipped; xfail is not a skip."""
    if os.environ.get(NO_SKIP) and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{reason}\nSkipping is forbidden here ({NO_SKIP} is set)."
    return report
