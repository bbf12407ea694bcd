import os
import signal
import socket
import subprocess
import sys
import time

import pytest

from portal.embedded import processes
from portal.embedded.errors import CannotStart
from portal.embedded.folders import take_lock
from portal.embedded.supervisor import Program
from portal.embedded.valkey import Valkey

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
DEAF = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"


def test_a_part_that_dies_is_started_again(supervisor, said):
    supervisor.start(Program("worker", SLEEP))
    first = supervisor.children[0].process.pid
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: (supervisor.look(), supervisor.children[0].process)[1] and said)
    assert supervisor.children[0].process.pid != first
    assert "worker stopped (by SIGKILL); starting it again in 0.5 s" in said[0]


def test_one_that_keeps_dying_is_tried_less_and_less_often(supervisor, said):
    supervisor.start(Program("worker", ["false"]))
    wait_for(lambda: (supervisor.look(), len(said) == 3)[1])
    assert ["0.5 s" in said[0], "1.0 s" in said[1], "2.0 s" in said[2]] == [True] * 3


def test_a_killed_valkey_comes_back_with_its_data(layout, supervisor):
    valkey = Valkey(layout)
    supervisor.start(valkey)
    assert talk(valkey, "SET kept yes") == "+OK"
    time.sleep(1.1)  # its log reaches the disk once a second
    os.kill(supervisor.children[0].process.pid, signal.SIGKILL)
    supervisor.children[0].process.wait()
    wait_for(lambda: (supervisor.look(), valkey.is_ready())[1])
    assert talk(valkey, "GET kept") == "$3\r\nyes"


def test_parts_stop_in_reverse_order(layout, supervisor):
    notes = layout.data / "notes"
    code = "import signal, sys, time\ndef bye(*_):\n open(sys.argv[2], 'a').write(sys.argv[1] + ' ')\n sys.exit()\n"
    code += "signal.signal(signal.SIGTERM, bye)\nprint('up', flush=True)\ntime.sleep(60)"
    for name in ("postgres", "worker", "web"):
        log = supervisor.log(name)
        words = [sys.executable, "-c", code, name, str(notes)]
        supervisor.start(Program(name, words, ready=lambda log=log: "up" in log.read_text()))
    supervisor.stop()
    assert notes.read_text() == "web worker postgres "


def test_grandchildren_go_too(layout, supervisor):
    code = f"import subprocess, sys; subprocess.Popen({SLEEP!r}); print('up', flush=True); import time; time.sleep(60)"

    log = supervisor.log("web")
    supervisor.start(Program("web", [sys.executable, "-c", code], ready=lambda: "up" in log.read_text()))
    assert len(processes.marked(layout.data)) == 2
    supervisor.stop()
    assert processes.marked(layout.data) == []


def test_a_part_that_does_not_listen_is_killed(layout, supervisor):
    log = supervisor.log("deaf")
    deaf = Program("deaf", [sys.executable, "-c", DEAF], ready=lambda: "deaf" in log.read_text(), grace=0.3)
    supervisor.start(deaf)
    supervisor.stop()
    assert processes.marked(layout.data) == []


def test_a_second_ctrl_c_does_not_wait(layout, supervisor):
    log = supervisor.log("deaf")
    supervisor.start(Program("deaf", [sys.executable, "-c", DEAF], ready=lambda: "deaf" in log.read_text(), grace=60))
    supervisor.asked = 2
    started = time.monotonic()
    supervisor.stop()
    assert time.monotonic() - started < 5


def test_a_part_that_cannot_start_shows_the_end_of_its_log(supervisor):
    with pytest.raises(CannotStart, match="web stopped while starting") as refusal:
        supervisor.start(Program("web", ["sh", "-c", "echo no such page >&2; exit 3"], ready=lambda: False))
    assert "exit 3" in str(refusal.value)
    assert "no such page" in str(refusal.value)


def test_a_command_that_fails_shows_what_it_said(supervisor):
    with pytest.raises(CannotStart, match="no such table"):
        supervisor.run("migrate", ["sh", "-c", "echo no such table; exit 1"], {})
    assert supervisor.run("setup", ["echo", "made"], {}) == "made\n"


LEAVING = """
import os, sys
from pathlib import Path
from portal.embedded import processes
data = Path(sys.argv[1])
words = ["sleep", "60"]
child = processes.spawn(words, log=data / "log", env=os.environ | {processes.MARK: str(data)})
print(child.pid, flush=True)
os.kill(os.getpid(), 9)
"""


def test_children_go_when_the_supervisor_is_killed(layout):
    ran = subprocess.run([sys.executable, "-c", LEAVING, str(layout.data)], stdout=subprocess.PIPE, text=True)
    pid = int(ran.stdout)
    wait_for(lambda: not processes.is_alive(pid))


def test_what_was_left_running_is_swept_at_the_next_start(layout, supervisor, said):
    left = subprocess.Popen(SLEEP, env=os.environ | {processes.MARK: str(layout.data)}, start_new_session=True)
    stranger = subprocess.Popen(SLEEP, env=os.environ | {processes.MARK: f"{layout.data}/other"})
    try:
        wait_for(lambda: processes.marked(layout.data) == [left.pid])
        supervisor.sweep()
        assert left.wait(5) == -signal.SIGTERM
        assert stranger.poll() is None
        assert "Stopping 1 processes" in said[0]
    finally:
        stranger.kill()
        stranger.wait()


def test_a_data_folder_has_one_instance(layout):
    first = take_lock(layout.lock, "process 1, http://127.0.0.1:8800")
    with pytest.raises(CannotStart, match=r"already runs on .*process 1, http://127.0.0.1:8800"):
        take_lock(layout.lock, "process 2")
    first.close()
    take_lock(layout.lock, "process 2").close()


def test_a_huge_log_is_put_aside(supervisor):
    supervisor.log_limit = 100
    supervisor.start(Program("web", ["sh", "-c", "yes | head -c 5000; exec sleep 60"]))
    wait_for(lambda: supervisor.log("web").stat().st_size == 5000)
    supervisor.look()
    assert supervisor.log("web").stat().st_size == 0
    assert supervisor.log("web").with_suffix(".log.1").stat().st_size == 5000


def talk(valkey: Valkey, words: str) -> str:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(str(valkey.layout.valkey_socket))
        wire.sendall(words.encode() + b"\r\n")
        return wire.recv(100).decode().strip()


def wait_for(done, within=15.0):
    deadline = time.monotonic() + within
    while not done():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)
