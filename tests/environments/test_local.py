"""Commands on the portal's own machine: only where they are wanted, and nothing of them outlives its time."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from deployments.environments.commands import environment_request, environment_teardown
from deployments.environments.models import Template
from deployments.environments.orphans import look
from deployments.environments.providers import local
from portal.kit.errors import Invalid
from tests.conftest import SETUP
from tests.environments.conftest import make, worked

pytestmark = pytest.mark.django_db

DO = """#!/bin/sh
cat > "$PWD/asked.json"
env | sort > "$PWD/variables"
case "$PORTCULLIS_PHASE $1" in
  "provision make") touch "$PWD/it"; echo making; echo '{"address": "http://it.example/", "resources": [{"kind": "file"}]}';;
  "teardown "*) rm -f "$PWD/it";;
  "verify "*) if [ -e "$PWD/it" ]; then echo '{"present": true}'; else echo '{"present": false}'; fi;;
  *) echo "no such thing" >&2; exit 3;;
esac
"""
STEP = {"name": "all", "argv": ["do", "make"], "timeout": 5}
SPEC = {"provision": [STEP], "teardown": [STEP], "verify": STEP, "env": ["SHELF"]}


@pytest.fixture
def folder(tmp_path, settings):
    settings.LOCAL_COMMANDS = str(tmp_path / "commands")
    folder = Path(settings.LOCAL_COMMANDS)
    folder.mkdir()
    write(folder / "do", DO)
    return folder


def write(file, text):
    file.write_text(text)
    file.chmod(0o700)


def test_a_life_of_commands_with_nothing_handed_on_but_what_is_named(folder, monkeypatch):
    monkeypatch.setenv("SHELF", "third")
    environment = environment_request(make(provider="local", spec=SPEC), name="demo", by=SETUP)
    environment = worked(environment)
    assert (environment.state, environment.address) == ("ready", "http://it.example/")
    assert environment.resources == [{"kind": "file"}] and (folder / "it").exists()
    asked = json.loads((folder / "asked.json").read_text())
    assert asked["label"] == {"portal-env": environment.label} and asked["key"].endswith("provision.1.1")
    names = {line.partition("=")[0] for line in (folder / "variables").read_text().splitlines()}
    assert {"SHELF", "PORTCULLIS_KEY", "PORTCULLIS_FENCE"} <= names
    assert not names & {"HOME", "PATH_INFO", "DATABASE_URL", "PORTCULLIS_DATA", "USER"}
    environment_teardown(environment, by=SETUP)
    assert worked(environment).state == "torn_down" and not (folder / "it").exists()


def test_a_command_that_fails_says_why(folder):
    spec = SPEC | {"provision": [STEP | {"argv": ["do", "other"]}]}
    environment = worked(environment_request(make(provider="local", spec=spec, tries=1), name="demo", by=SETUP))
    assert environment.state == "provision_failed" and "ended with 3: no such thing" in environment.last_error


HANGS = """#!/bin/sh
(setsid sh -c 'echo $$ > "$0/escaped"; sleep 300' "$PWD" &)
sleep 300 &
echo $! > "$PWD/beside"
yes | head -c 3000000
echo $$ > "$PWD/itself"
sleep 300
"""


def pids(folder):
    return [int((folder / each).read_text()) for each in ("itself", "beside", "escaped")]


def alive(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_when_its_time_is_up_all_that_it_started_is_killed(folder):
    write(folder / "hang", HANGS)
    told = local._run([str(folder / "hang")], {}, {"PATH": os.environ["PATH"]}, 1)
    assert told["late"] and len(told["out"]) <= 64 * 1024
    assert [each for each in pids(folder) if alive(each)] == []


WORKER = """
import subprocess, sys, time
held = subprocess.Popen([sys.executable, "-I", sys.argv[1], "100", sys.argv[2]], stdin=subprocess.PIPE)
held.stdin.write(b"{}\\n")
held.stdin.flush()
time.sleep(100)
"""


def test_when_the_worker_is_killed_all_that_it_started_is_killed(folder):
    write(folder / "hang", HANGS)
    worker = subprocess.Popen([sys.executable, "-c", WORKER, str(local.LEASH), str(folder / "hang")], cwd=folder)
    until(lambda: (folder / "itself").exists() and (folder / "itself").read_text().strip())
    assert len([each for each in pids(folder) if alive(each)]) == 3
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    until(lambda: not [each for each in pids(folder) if alive(each)])


def until(happens):
    end = time.monotonic() + 20
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize(
    "argv",
    [["../do"], ["/bin/sh"], ["missing"], ["plain"], ["link"], [], "do", [1], ["do", "a\x00b"], ["do"] * 51, ["sub"]],
)
def test_only_executable_files_of_the_folder_itself_are_commands(folder, argv):
    (folder / "plain").write_text("")
    (folder / "link").symlink_to("/bin/sh")
    (folder / "sub").mkdir()
    with pytest.raises(Invalid):
        make(provider="local", spec=SPEC | {"provision": [{"name": "x", "argv": argv}]})
    assert not Template.objects.exists()


@pytest.mark.parametrize("name", ["PORTCULLIS_SECRET_KEY", "DATABASE_URL", "PGPASSWORD", "LD_PRELOAD", "A=B", 7])
def test_what_the_portal_runs_on_is_not_handed_on(folder, name):
    with pytest.raises(Invalid):
        make(provider="local", spec=SPEC | {"env": [name]})
    assert not Template.objects.exists()


def test_without_a_folder_there_are_no_local_commands(folder, settings):
    kept = make(provider="local", spec=SPEC, tries=1)
    settings.LOCAL_COMMANDS = ""
    with pytest.raises(Invalid, match="PORTCULLIS_LOCAL_COMMANDS"):
        make(identifier="other", provider="local", spec=SPEC)
    environment = worked(environment_request(kept, name="demo", by=SETUP))
    assert environment.state == "provision_failed" and "are off" in environment.last_error


def test_a_command_can_say_what_there_is(folder):
    write(folder / "list", '#!/bin/sh\necho \'{"resources": [{"label": "somebody"}]}\'\n')
    template = make(provider="local", spec=SPEC | {"list": ["list"]})
    assert look() == 0 and template.sightings.get().label == "somebody"
