"""Runs one command and ends all of it: when its time is up, when it has ended, and when whoever holds the leash is gone.

`python -I leash.py SECONDS COMMAND...`: the first line of standard input goes to the command; when standard input
ends, the portal's worker is dead. One JSON object comes out: code, late, out, err. Standard library only: it is run apart.
"""

import contextlib
import ctypes
import json
import os
import selectors
import signal
import subprocess
import sys
import time

MOST = 64 * 1024  # bytes of each stream, the last ones
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

libc = ctypes.CDLL(None) if sys.platform == "linux" else None


def die_with_us() -> None:
    if libc:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))


def children() -> list[int]:
    try:
        with open(f"/proc/self/task/{os.getpid()}/children") as file:
            return [int(each) for each in file.read().split()]
    except OSError:
        return []


def end_all(group: int) -> None:
    """The group, and what has left it: as a subreaper we are the parent of all that lost theirs."""
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
        for each in children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.01)


def first_line() -> bytes:
    line = b""
    while not line.endswith(b"\n"):
        more = os.read(0, 65536)
        if not more:
            sys.exit(1)
        line += more
    return line


def main() -> None:
    seconds, command = float(sys.argv[1]), sys.argv[2:]
    given = first_line()
    if libc:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    try:
        child = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
            preexec_fn=die_with_us,
        )
    except OSError as error:
        print(json.dumps({"code": 127, "late": False, "out": "", "err": f"{command[0]}: {error.strerror}"}))
        return
    assert child.stdin and child.stdout and child.stderr
    kept = {"out": b"", "err": b""}
    late, alive = hold(child, given, kept, time.monotonic() + seconds)
    code = child.returncode if child.returncode is not None else -int(signal.SIGKILL)
    end_all(child.pid)
    if alive:
        told = {name: text.decode(errors="replace") for name, text in kept.items()}
        print(json.dumps({"code": code, "late": late, **told}))


def hold(child: "subprocess.Popen[bytes]", given: bytes, kept: "dict[str, bytes]", end: float) -> "tuple[bool, bool]":
    """Whether its time was up, and whether anybody holds the leash still."""
    assert child.stdin and child.stdout and child.stderr
    watch = selectors.DefaultSelector()
    watch.register(0, selectors.EVENT_READ, "leash")
    watch.register(child.stdout, selectors.EVENT_READ, "out")
    watch.register(child.stderr, selectors.EVENT_READ, "err")
    os.set_blocking(child.stdin.fileno(), False)
    watch.register(child.stdin, selectors.EVENT_WRITE, "in")
    while True:
        if child.poll() is not None:
            drain(watch, kept)
            return False, True
        if time.monotonic() >= end:
            drain(watch, kept)
            return True, True
        for key, _ in watch.select(min(0.05, max(end - time.monotonic(), 0))):
            if key.data == "in":
                given = feed(watch, child, given)
                continue
            more = os.read(key.fd, 65536)
            if key.data == "leash":
                if not more:
                    return False, False
            elif more:
                kept[key.data] = (kept[key.data] + more)[-MOST:]
            else:
                watch.unregister(key.fileobj)


def feed(watch: selectors.DefaultSelector, child: "subprocess.Popen[bytes]", given: bytes) -> bytes:
    assert child.stdin
    try:
        given = given[os.write(child.stdin.fileno(), given) :]
    except BrokenPipeError:
        given = b""
    except BlockingIOError:
        return given
    if not given:
        watch.unregister(child.stdin)
        with contextlib.suppress(OSError):
            child.stdin.close()
    return given


def drain(watch: selectors.DefaultSelector, kept: "dict[str, bytes]") -> None:
    """What stands in the pipes; whoever still holds them open is not waited for."""
    for key in list(watch.get_map().values()):
        if key.data in kept:
            os.set_blocking(key.fd, False)
            with contextlib.suppress(OSError):
                while more := os.read(key.fd, 65536):
                    kept[key.data] = (kept[key.data] + more)[-MOST:]


if __name__ == "__main__":
    main()
