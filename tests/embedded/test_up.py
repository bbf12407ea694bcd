import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from portal.embedded import processes
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.up import Stack, free_port, listens
from portal.embedded.valkey import Valkey
from tests.embedded.conftest import copy_of

HERE = Path(__file__).parent


class House:
    """A little portal in a folder of its own, and the terminal it is started from."""

    def __init__(self, folder: Path, environ: dict[str, str]):
        self.folder = copy_of(HERE / "house", folder)
        copy_of(Path(processes.__file__).parent, self.folder / "portal")
        self.layout = Layout(self.folder / "var")
        self.port = free_port()
        self.environ = environ | {"PORTCULLIS_PORT": str(self.port), "PORTCULLIS_SLACK_TOKEN": "xoxb-real"}
        self.starts: list[subprocess.Popen[str]] = []

    def up(self, *words: str, **environ: str) -> "subprocess.Popen[str]":
        start = subprocess.Popen(
            [sys.executable, "-m", "portal.embedded.up", *words],
            cwd=self.folder,
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.starts.append(start)
        return start

    def close(self) -> None:
        for start in self.starts:
            if start.poll() is None:
                start.terminate()
            start.wait(30)

    def running(self) -> list[int]:
        data = self.layout
        return processes.marked(data.data) + processes.working_in(data.postgres) + processes.working_in(data.valkey)


@pytest.fixture
def house(tmp_path, environ):
    house = House(tmp_path.resolve(), environ)
    yield house
    house.close()


def read_until(start, word):
    lines = []
    for line in start.stdout:
        lines.append(line)
        if word in line:
            break
    return "".join(lines)


def test_it_starts_says_welcome_and_leaves_nothing_running(house):
    house.layout.data.mkdir(parents=True)
    kept = free_port()
    house.layout.target.write_text(json.dumps({"port": kept, "places": {"checkout/production": {}}}))
    first = house.up()
    said = read_until(first, "Ctrl-C stops everything.")
    assert listens(kept)  # the demo's services to break, where the demo data calls them
    assert "Welcome, start 1\nSlack xoxb-real None\n" in said
    ticks = house.layout.logs / "worker.log"
    wait_for(lambda: "tick" in ticks.read_text())
    first.send_signal(signal.SIGINT)
    assert (first.wait(30), house.running()) == (0, [])

    key = house.layout.secret_key.read_text()
    again = house.up("--empty")
    assert "Welcome, start 2 --empty" in read_until(again, "Ctrl-C")
    assert house.layout.secret_key.read_text() == key
    assert house.layout.secret_key.stat().st_mode & 0o777 == 0o600
    again.terminate()
    assert (again.wait(30), house.running()) == (0, [])


def test_a_second_one_on_the_same_data_is_refused_and_the_first_goes_on(house):
    first = house.up()
    read_until(first, "Ctrl-C")
    second = house.up()
    said = second.communicate(timeout=20)[0]
    assert f"already runs on the data folder {house.layout.data} (process {first.pid}," in said
    assert second.returncode == 1
    assert first.poll() is None
    third = house.up(PORTCULLIS_DATA=str(house.folder / "elsewhere"))
    assert f"Port {house.port} is in use" in third.communicate(timeout=20)[0]


def test_it_copes_with_having_been_killed(house):
    first = house.up()
    read_until(first, "Ctrl-C")
    first.kill()
    first.wait()
    again = house.up()
    assert "Welcome, start 2" in read_until(again, "Ctrl-C")
    # Each part once: granian has a worker of its own, PostgreSQL its helpers.
    postmasters = [pid for pid in processes.working_in(house.layout.postgres) if parent(pid) == again.pid]
    assert len(postmasters) == len(processes.working_in(house.layout.valkey)) == 1


@pytest.mark.parametrize("verb", ["migrate", "setup"])
def test_a_failing_set_up_is_shown_and_everything_stopped(house, verb):
    start = house.up(REFUSE=verb)
    said = start.communicate(timeout=30)[0]
    assert f"`{verb}` failed (exit 1):\n{verb} says no" in said
    assert (start.returncode, house.running()) == (1, [])


def test_ctrl_c_while_starting_stops_too(house):
    start = house.up()
    read_until(start, "Setting up")
    start.send_signal(signal.SIGINT)
    assert (start.wait(30), house.running()) == (0, [])


def test_servers_of_ones_own_are_used_instead(house, supervisor, layout):
    supervisor.start(Postgres(layout, durable=False))
    supervisor.start(Valkey(layout, durable=False))
    start = house.up(DATABASE_URL=layout.database_url, REDIS_URL=layout.redis_url)
    assert "Welcome, start 1" in read_until(start, "Ctrl-C")
    assert not house.layout.postgres.exists()
    assert not house.layout.valkey.exists()


@pytest.mark.parametrize("value", ["http", "0", "70000"])
def test_a_port_that_is_none_is_refused(house, value):
    start = house.up(PORTCULLIS_PORT=value)
    assert f"PORTCULLIS_PORT is '{value}'" in start.communicate(timeout=20)[0]
    assert start.returncode == 1


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def wait_for(done, within=15.0):
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)


def test_socket_mode_has_a_program_where_its_token_is(layout, monkeypatch):
    stack = Stack(layout, 9999)
    assert "slack" not in [each.name for each in stack.programs()]
    monkeypatch.setenv("PORTCULLIS_SLACK_APP_TOKEN", "xapp-1")
    assert [each.name for each in stack.programs()].count("slack") == 1
