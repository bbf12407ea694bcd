import atexit
import importlib.machinery
import importlib.util
import os
import py_compile
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from tests.ci.checkouts import RECORDED, REPORT, git
from tests.ci.fake_portal import Portal, granted

ROOT = Path(__file__).resolve().parents[2]
COMMAND = ROOT / "ci" / "portcullis"
TOKEN = "pcl_very-secret-token"
PLACE = ("--service", "cart", "--environment", "production")
DEPLOY = ("deploy", *PLACE, "--version", "1.4.2", "--commit", "4f2a9c1")


def command_line() -> ModuleType:
    """The file as a module; nothing is left beside it."""
    loader = importlib.machinery.SourceFileLoader("portcullis_command", str(COMMAND))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.dont_write_bytecode, kept = True, sys.dont_write_bytecode
    loader.exec_module(module)
    sys.dont_write_bytecode = kept
    return module


@cache
def compiled(command: Path, python: str = sys.executable) -> Path:
    """The same program, for this very Python compiled once: it is run hundreds of times, and half of each was to read it."""
    if python != sys.executable:
        return command
    folder = Path(tempfile.mkdtemp(prefix="portcullis-command-")) / "ci"
    atexit.register(shutil.rmtree, folder.parent, ignore_errors=True)
    ready = folder / command.name
    py_compile.compile(str(command), cfile=str(ready), doraise=True)
    ready.chmod(0o755)
    return ready


@pytest.fixture
def portal():
    with Portal() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def python(pytestconfig):
    return pytestconfig.getoption("--ci-python") or sys.executable


@pytest.fixture
def run(portal, python, tmp_path):
    """run("check", ..., env={...}, cwd=...): the command as a process of its own, in a bare environment."""

    def call(*words, env=None, cwd=tmp_path, timeout="3"):
        bare = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TMPDIR": str(tmp_path),
            "PORTCULLIS_URL": portal.url,
            "PORTCULLIS_TOKEN": TOKEN,
            "PORTCULLIS_TIMEOUT": timeout,
            "GIT_CEILING_DIRECTORIES": str(tmp_path.parent),
        }
        environment = {name: value for name, value in {**bare, **(env or {})}.items() if value is not None}
        done = subprocess.run(
            [python, "-S", compiled(COMMAND, python), *words],
            env=environment,
            cwd=cwd,
            timeout=20,
            capture_output=True,
            text=True,
            check=False,
        )
        assert TOKEN not in done.stdout + done.stderr
        assert "Traceback" not in done.stderr, done.stderr
        return done

    return call


@pytest.fixture
def granting(portal):
    """A portal that grants the place, for leases of six seconds at most."""

    def grant(lease=60):
        portal.answers["POST", "/v1/claims"] = granted(lease=lease)
        for deed in ("heartbeat", "finish"):
            portal.answers["POST", f"/v1/claims/0192-claim/{deed}"] = granted(200, lease=lease)
        portal.answers["GET", "/v1/deployments/current"] = 200, {"ok": True, "deployment_configs": []}
        portal.answers["POST", "/v1/deployments"] = 201, {"ok": True, "deployment": {"id": "d"}}

    return grant


@pytest.fixture
def begun(portal, python, tmp_path):
    """A deploy that goes on beside the test: begun("--lease", "6", "--", "sh", ...)."""
    started = []

    def begin(*words):
        environ = {
            "PATH": os.environ["PATH"],
            "PORTCULLIS_URL": portal.url,
            "PORTCULLIS_TOKEN": TOKEN,
            "PORTCULLIS_TIMEOUT": "3",
        }
        command = [python, "-S", compiled(COMMAND, python), *DEPLOY, *words]
        started.append(
            subprocess.Popen(command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        )
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate(timeout=20)


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    return folder


@pytest.fixture
def report(portal, run):
    """Runs the command and gives (what the portal was sent, its headers, the finished process)."""
    portal.answers["POST", "/v1/deployments"] = RECORDED

    def call(*words, **settings):
        done = run(*REPORT, *words, **settings)
        sent = [one for one in portal.asked if one["method"] == "POST"]
        return sent[-1]["body"] if sent else None, sent[-1]["headers"] if sent else None, done

    return call
