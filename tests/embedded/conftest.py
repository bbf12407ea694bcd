"""The cast: `layout` is a fresh data folder; `supervisor` runs parts on it and stops them after the test."""

import os
import subprocess
from pathlib import Path

import pytest

from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Supervisor

# An ordinary user's run is itself the test that an ordinary user can.
collect_ignore = [] if os.geteuid() == 0 else ["test_as_root.py"]


@pytest.fixture
def layout(tmp_path):
    return Layout(tmp_path.resolve())


@pytest.fixture
def said():
    return []


@pytest.fixture
def supervisor(layout, said):
    supervisor = Supervisor(layout.data, layout.logs, tell=said.append)
    yield supervisor
    supervisor.stop()


@pytest.fixture
def environ():
    return bare()


def bare() -> dict[str, str]:
    """The shell of somebody who set nothing: the tests' own servers are not theirs."""
    hidden = ("DATABASE_URL", "REDIS_URL", "PORTCULLIS_", "PYTEST_", "DJANGO_")
    return {name: value for name, value in os.environ.items() if not name.startswith(hidden)}


def ask(postgres: Postgres, sql: str) -> str:
    """One query as the portal's own role."""
    words = [postgres.binaries / "psql", "--no-psqlrc", "-At", f"--host={postgres.layout.sockets}"]
    words += ["--username=portcullis", "portcullis", "-c", sql]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.strip()


def copy_of(folder: Path, into: Path) -> Path:
    subprocess.run(["cp", "-rL", str(folder), str(into)], check=True)
    return into / folder.name
