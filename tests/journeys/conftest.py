"""The real parts: a web server, a worker and a clock as processes of their own, and Slack at the socket."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from portal.embedded.mock_slack import MockSlack

ROOT = Path(__file__).parents[2]


def eventually(what, seconds=15.0):
    """Waits until `what()` is true and answers it; fails with the last value."""
    end = time.monotonic() + seconds
    while not (value := what()) and time.monotonic() < end:
        time.sleep(0.05)
    assert value, f"never came true within {seconds} s: {value!r}"
    return value


@pytest.fixture
def slack(settings):
    with MockSlack() as slack:
        settings.SLACK_API_URL = slack.url
        settings.SLACK_BOT_TOKEN = "xoxb-test"
        settings.SLACK_CHANNEL = "deployments"
        yield slack


@pytest.fixture
def environ(slack):
    """What the processes need to work on the test's own database, broker and Slack."""
    base = connection.settings_dict
    return os.environ | {
        "DATABASE_URL": f"postgresql://{base['USER']}@/{base['NAME']}?host={quote(base['HOST'], safe='')}",
        "PORTCULLIS_SLACK_TOKEN": "xoxb-test",
        "PORTCULLIS_SLACK_API_URL": slack.url,
        "PORTCULLIS_SLACK_CHANNEL": "deployments",
    }


class Process:
    def __init__(self, words, environ, log):
        self.words, self.environ, self.log = words, environ, log
        self.start()

    def start(self):
        self.child = subprocess.Popen(
            [sys.executable, "-m", *self.words],
            cwd=ROOT,
            env=self.environ,
            stdout=self.log.open("ab"),
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )

    def kill(self):
        """As the kernel would: nothing is said goodbye to."""
        os.killpg(self.child.pid, signal.SIGKILL)
        self.child.wait(10)

    def stop(self):
        if self.child.poll() is None:
            os.killpg(self.child.pid, signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.kill()


@pytest.fixture
def start(environ, tmp_path):
    """`start("worker")`, `start("beat")`: the very commands that bin/up uses."""
    running = []
    commands = {
        "worker": ["celery", "-A", "portal", "worker", "--pool", "threads", "--concurrency", "2", "-Q", "portcullis"],
        "prober": [
            "celery",
            "-A",
            "portal",
            "worker",
            "--pool",
            "threads",
            "--concurrency",
            "2",
            "-Q",
            "health",
            "-n",
            "prober@%h",
        ],
        "beat": ["celery", "-A", "portal", "beat", "--schedule", str(tmp_path / "beat")],
    }

    def begin(name):
        process = Process(commands[name], environ, tmp_path / f"{name}.log")
        running.append(process)
        return process

    yield begin
    for process in reversed(running):
        process.stop()


@pytest.fixture
def command_line(live_server):
    """Runs ci/portcullis as a CI job would: `command_line(token, "check", ...)` gives (exit code, what it printed)."""

    def run(token, *words):
        environ = {
            "PATH": os.environ["PATH"],
            "PORTCULLIS_URL": live_server.url,
            "PORTCULLIS_TOKEN": token,
        }
        done = subprocess.run(
            [sys.executable, str(ROOT / "ci" / "portcullis"), *words],
            env=environ,
            capture_output=True,
            text=True,
            timeout=60,
            cwd=ROOT,
        )
        return done.returncode, done.stdout + done.stderr

    return run
