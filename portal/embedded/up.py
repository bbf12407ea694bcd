"""The whole portal in one terminal: `python -m portal.embedded.up [--empty]`, which is what `bin/up` runs."""

import argparse
import http.client
import json
import os
import secrets
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from portal.embedded import folders
from portal.embedded.errors import CannotStart
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Program, StopAsked, Supervisor, say
from portal.embedded.valkey import Valkey

ROOT = Path(__file__).resolve().parents[2]
HOST = "127.0.0.1"
APP_TOKEN = "PORTCULLIS_SLACK_APP_TOKEN"
# A recovery after a crash reads the log from the last checkpoint on; that may take minutes on a slow disk.
RECOVERY = 600.0


def main() -> int:
    arguments = parse(sys.argv[1:])
    os.umask(0o077)
    try:
        stack = Stack(Layout(data_folder()), port(), empty=arguments.empty)
    except CannotStart as error:
        say(str(error))
        return 1
    return stack.run()


def parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="bin/up",
        description="Start Portcullis: PostgreSQL, Valkey, web, worker and clock. Ctrl-C stops everything.",
        epilog="Environment: PORTCULLIS_PORT (8800), PORTCULLIS_DATA (var/), DATABASE_URL and REDIS_URL "
        "(servers of your own). See docs/running.md.",
    )
    parser.add_argument("--empty", action="store_true", help="start without demo data")
    return parser.parse_args(words)


def data_folder() -> Path:
    return Path(os.environ.get("PORTCULLIS_DATA") or ROOT / "var").resolve()


def port() -> int:
    value = os.environ.get("PORTCULLIS_PORT", "").strip() or "8800"
    if not value.isdigit() or not 1 <= int(value) <= 65535:
        raise CannotStart(f"PORTCULLIS_PORT is {value!r}; it must be a whole number from 1 to 65535.")
    return int(value)


def given(name: str) -> bool:
    return bool(os.environ.get(name) or os.environ.get(f"{name}_FILE"))


@dataclass
class Stack:
    layout: Layout
    port: int
    empty: bool = False

    def __post_init__(self) -> None:
        self.supervisor = Supervisor(self.layout.data, self.layout.logs, cwd=ROOT)
        self.env = {
            "DJANGO_SETTINGS_MODULE": "portal.settings",
            "PORTCULLIS_DATA": str(self.layout.data),
            "PORTCULLIS_PORT": str(self.port),
            "PYTHONUNBUFFERED": "1",
        }

    def run(self) -> int:
        self.supervisor.listen()
        lock = None
        try:
            folders.make_data(self.layout.data)
            lock = folders.take_lock(self.layout.lock, f"process {os.getpid()}, http://{HOST}:{self.port}")
            self.supervisor.sweep()
            self.start()
            self.supervisor.watch()
        except StopAsked:
            say("Stopping.")
            return 0
        except CannotStart as error:
            say(str(error))
            return 1
        finally:
            if lock:
                self.supervisor.stop()
                lock.close()
        return 0

    def start(self) -> None:
        check_free(self.port)
        write_secret_key(self.layout.secret_key)
        self.start_servers()
        self.place_target()
        self.start_provider()
        first = " (the demo company takes half a minute, once)" if self.is_first_time() and not self.empty else ""
        say(f"Setting up the database{first}.")
        self.manage("migrate", "--no-input")
        self.manage("setup", *(["--empty"] if self.empty else []))
        say("Starting the portal.")
        self.start_slack()
        self.start_target()
        for program in self.programs():
            self.supervisor.start(program)
        print(self.manage("welcome").rstrip(), flush=True)
        print("\nCtrl-C stops everything.", flush=True)

    def is_first_time(self) -> bool:
        return not self.layout.credentials.exists()

    def start_servers(self) -> None:
        if not given("DATABASE_URL"):
            postgres = Postgres(self.layout)
            if postgres.account.note:
                say(postgres.account.note)
            self.supervisor.start(postgres, within=RECOVERY)
        if not given("REDIS_URL"):
            self.supervisor.start(Valkey(self.layout), within=RECOVERY)

    def start_slack(self) -> None:
        """A Slack of our own for the demonstration, where there is no token for the real one."""
        if given("PORTCULLIS_SLACK_TOKEN"):
            return
        chosen = next((port for port in range(self.port + 1, self.port + 10) if is_free(port)), 0) or free_port()
        words = [sys.executable, "-m", "portal.embedded.mock_slack", "--port", str(chosen)]
        words += ["--portal", f"http://{HOST}:{self.port}/slack/events", "--people", str(self.layout.slack_people)]
        self.manage("slack_people", str(self.layout.slack_people))
        if not given("PORTCULLIS_SLACK_SIGNING_SECRET"):
            self.env["PORTCULLIS_SLACK_SIGNING_SECRET"] = secrets.token_hex(16)
        self.supervisor.start(Program("mock-slack", words, dict(self.env), ready=lambda: listens(chosen)))
        self.env |= {
            "PORTCULLIS_SLACK_API_URL": f"http://{HOST}:{chosen}/api/",
            "PORTCULLIS_SLACK_TOKEN": "xoxb-demo",
            "PORTCULLIS_SLACK_CHANNEL": os.environ.get("PORTCULLIS_SLACK_CHANNEL") or "deployments",
        }

    def place_target(self) -> None:
        """Chooses where the demo's services to break will answer, before the demo data is written that calls them there."""
        if self.empty and not self.layout.target.exists():
            return
        kept = target_port(self.layout.target)
        chosen = (
            kept or next((port for port in range(self.port + 10, self.port + 20) if is_free(port)), 0) or free_port()
        )
        url = f"http://{HOST}:{chosen}"
        named = os.environ.get("PORTCULLIS_OUTGOING_NETWORKS", "")
        self.env |= {
            "PORTCULLIS_DEMO_TARGET": url,
            "PORTCULLIS_OUTGOING_NETWORKS": ",".join(filter(None, [named, f"{HOST}/32"])),
            "PORTCULLIS_PROMETHEUS_URL": os.environ.get("PORTCULLIS_PROMETHEUS_URL") or url,
        }

    def start_target(self) -> None:
        """Where there is demo data that calls them, and nowhere else."""
        chosen = target_port(self.layout.target)
        if not chosen or not is_free(chosen):
            if chosen:
                say(f"Port {chosen} is in use, so the demo's services to break are not there this time.")
            for name in ("PORTCULLIS_DEMO_TARGET", "PORTCULLIS_OUTGOING_NETWORKS", "PORTCULLIS_PROMETHEUS_URL"):
                self.env.pop(name, None)
            return
        words = [sys.executable, "-m", "portal.embedded.target", "--file", str(self.layout.target)]
        self.supervisor.start(Program("target", words, self.env, ready=lambda: listens(chosen)))

    def start_provider(self) -> None:
        """Makes the environments of the demo; where the operator names another, that one does."""
        folder = self.layout.data / "environments"
        if given("PORTCULLIS_DEMO_PROVIDER") or self.empty and not folder.exists():
            return
        chosen = free_port()
        words = [sys.executable, "-m", "portal.embedded.provider", "--folder", str(folder), "--port", str(chosen)]
        self.supervisor.start(Program("provider", words, self.env, ready=lambda: listens(chosen)))
        self.env |= {"PORTCULLIS_DEMO_PROVIDER": f"http://{HOST}:{chosen}"}

    def programs(self) -> list[Program]:
        """In the order of starting; web last, so that what answers is whole."""
        celery = [sys.executable, "-m", "celery", "-A", "portal"]
        threads = ["--pool", "threads", "--concurrency", "4", "--without-gossip", "--without-mingle"]
        return [
            Program("worker", [*celery, "worker", *threads, "-Q", "portcullis", "--loglevel", "INFO"], self.env),
            Program(
                "environments",
                [*celery, "worker", *threads, "-Q", "environments", "-n", "environments@%h", "--loglevel", "INFO"],
                self.env,
            ),
            Program(
                "prober",
                [*celery, "worker", *threads, "-Q", "health", "-n", "prober@%h", "--loglevel", "WARNING"],
                self.env,
            ),
            *([Program("slack", [sys.executable, "manage.py", "slack"], self.env)] if given(APP_TOKEN) else []),
            Program("beat", [*celery, "beat", "--schedule", str(self.layout.beat_schedule)], self.env, grace=5.0),
            Program("web", web(self.port), self.env, ready=lambda: answers(self.port)),
        ]

    def manage(self, *words: str) -> str:
        return self.supervisor.run(words[0], [sys.executable, "manage.py", *words], self.env)


def web(port: int) -> list[str]:
    """The command of the web server. A process uses one processor at a time, however many threads it has."""
    processes = min(os.cpu_count() or 1, 4)
    granian = [sys.executable, "-m", "granian", "--interface", "wsgi", "portal.wsgi:application", "--no-ws"]
    granian += ["--host", HOST, "--port", str(port), "--workers", str(processes), "--blocking-threads", "4"]
    return [*granian, "--respawn-failed-workers", "--workers-kill-timeout", "5"]


def target_port(file: Path) -> int:
    """Kept with the demo data, whose addresses name it; 0 where there is none."""
    try:
        return int(json.loads(file.read_text())["port"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def check_free(number: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except PermissionError as error:
            raise CannotStart(f"Port {number} is for root only. Choose another with PORTCULLIS_PORT.") from error
        except OSError as error:
            raise CannotStart(
                f"Port {number} is in use by another program. Choose another one: PORTCULLIS_PORT={number + 1} bin/up"
            ) from error


def is_free(number: int) -> bool:
    try:
        check_free(number)
    except CannotStart:
        return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def listens(number: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex((HOST, number)) == 0


def answers(number: int) -> bool:
    wire = http.client.HTTPConnection(HOST, number, timeout=5)
    try:
        wire.request("GET", "/readyz", headers={"Host": public_name()})
        return wire.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        wire.close()


def public_name() -> str:
    """A name that Django's ALLOWED_HOSTS lets in."""
    first = os.environ.get("PORTCULLIS_HOSTS", "").split(",")[0].strip().lstrip(".")
    return first if first and first != "*" else HOST


def write_secret_key(path: Path) -> None:
    """Once: a new key signs everybody out. Renamed into place, so that it is whole or not there."""
    if given("PORTCULLIS_SECRET_KEY") or path.exists():
        return
    making = path.with_name("secret_key.making")
    making.touch(mode=0o600)
    making.write_text(secrets.token_urlsafe(50) + "\n")
    making.rename(path)


if __name__ == "__main__":
    sys.exit(main())
