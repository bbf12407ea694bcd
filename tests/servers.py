"""PostgreSQL and Valkey for the tests, in a folder of their own, unless DATABASE_URL and REDIS_URL name others.

A pytest plugin, because the settings read the addresses before any conftest.py is loaded.
Servers go with pytest, however it ends: the kernel tells them.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Supervisor
from portal.embedded.valkey import Valkey

NO_SKIP = "PORTCULLIS_NO_SKIP"
MIGRATE = """
import django
django.setup()
from django.test.utils import setup_databases
setup_databases(verbosity=0, interactive=False)
"""
supervisor: Supervisor | None = None
is_migrated = False  # the tests' database is there already


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests() -> Iterator[None]:
    """A wrapper comes before pytest-django, which loads the settings in this very hook."""
    forget_the_developer()
    compile_once()
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


def compile_once() -> None:
    """The tests start hundreds of processes; where a shell forbids to keep what was compiled, that is most of their work."""
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False


def start_servers(layout: Layout | None = None) -> None:
    """In a new folder, or on what is in the one of `layout`."""
    global supervisor
    if layout is None:
        layout = Layout(Path(tempfile.mkdtemp(prefix="portcullis-tests-")).resolve())
    os.environ["PORTCULLIS_DATA"] = str(layout.data)
    supervisor = Supervisor(layout.data, layout.logs)
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


def begin_migrations() -> "subprocess.Popen[bytes]":
    """Makes the tests' database in a process beside this one."""
    return subprocess.Popen(
        [sys.executable, "-c", MIGRATE], env=os.environ | {"DJANGO_SETTINGS_MODULE": "portal.settings"}
    )


def copy_servers(count: int) -> list[Layout]:
    """Stops ours, and makes as many folders with a copy of its databases as there are to be runs; the first is our own."""
    assert supervisor
    supervisor.stop()
    del os.environ["DATABASE_URL"], os.environ["REDIS_URL"]
    layouts = [Layout(supervisor.data)]
    for _ in range(count - 1):
        layouts.append(Layout(Path(tempfile.mkdtemp(prefix="portcullis-tests-")).resolve()))
        subprocess.run(["cp", "-a", layouts[0].postgres, layouts[-1].postgres], check=True)
    return layouts


def go_on_with(layout: Layout) -> None:
    """In a process whose settings were read already, before it has asked any server."""
    global is_migrated
    start_servers(layout)
    is_migrated = True
    from django.conf import settings
    from django.core.cache import caches
    from django.db import connections

    from portal.celery import app

    settings.DATA_DIR, settings.EMBEDDED = layout.data, layout
    settings.DATABASES["default"]["HOST"] = connections.settings["default"]["HOST"] = str(layout.sockets)
    settings.REDIS_URL = settings.CELERY_BROKER_URL = app.conf.broker_url = layout.redis_url
    settings.CACHES["default"]["LOCATION"] = layout.redis_url.replace("redis+socket://", "unix://", 1)
    with suppress(AttributeError):  # nobody has asked for it yet
        del caches["default"]


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
