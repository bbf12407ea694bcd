"""Children that do not outlive us, and the finding of those that did."""

import contextlib
import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

PR_SET_PDEATHSIG = 1
# Children carry the data folder in this variable, so that a later start can find what an earlier one left.
MARK = "PORTCULLIS_STACK"

_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_parent(stop: signal.Signals) -> Callable[[], None]:
    """For `preexec_fn`: the kernel sends `stop` when the parent is gone, however it went. Only Linux can."""
    parent = os.getpid()

    def ask() -> None:
        if _libc is None:
            return
        _libc.prctl(PR_SET_PDEATHSIG, int(stop))
        if os.getppid() != parent:
            os._exit(1)

    return ask


def spawn(
    command: list[str],
    *,
    log: Path,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    stop: signal.Signals = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start in a session of its own: a terminal's Ctrl-C reaches us alone, and we stop the children in order."""
    with log.open("ab") as output:
        return subprocess.Popen(
            command,
            env=env,
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=die_with_parent(stop),
        )


def finish(process: subprocess.Popen[bytes], *, stop: signal.Signals, patience: Callable[[], float]) -> None:
    """Ask the process to stop, then kill its whole group. `patience` may shrink while we wait."""
    started = time.monotonic()
    if process.poll() is None:
        process.send_signal(stop)
    while process.poll() is None and time.monotonic() - started < patience():
        time.sleep(0.05)
    kill_group(process.pid)
    process.wait()


def kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def is_alive(pid: int) -> bool:
    """A zombie has ended; it only waits to be noticed."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def working_in(folder: Path) -> list[int]:
    """Processes whose working folder is `folder`: PostgreSQL and Valkey move into their data."""
    return [pid for pid in _others() if _read(Path(f"/proc/{pid}/cwd").readlink) == folder]


def marked(data: Path) -> list[int]:
    wanted = f"{MARK}={data}".encode()
    return [pid for pid in _others() if wanted in (_read(Path(f"/proc/{pid}/environ").read_bytes) or b"").split(b"\0")]


def end(pids: list[int], *, stop: signal.Signals = signal.SIGTERM, patience: float = 5.0) -> None:
    """Stop processes that are not our children; kill those that do not listen."""
    for pid in pids:
        _send(pid, stop)
    deadline = time.monotonic() + patience
    while any(map(is_alive, pids)) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in pids:
        _send(pid, signal.SIGKILL)
    while any(map(is_alive, pids)):
        time.sleep(0.05)


def _send(pid: int, what: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def _others() -> Iterator[int]:
    """Without /proc (macOS) nothing is found, and PostgreSQL's own lock file has to do."""
    proc = Path("/proc")
    if not (proc / "self").exists():
        return
    for entry in os.listdir(proc):
        if entry.isdigit() and int(entry) != os.getpid() and is_alive(int(entry)):
            yield int(entry)


def _read(read: Callable[[], T]) -> T | None:
    try:
        return read()
    except OSError:
        return None
