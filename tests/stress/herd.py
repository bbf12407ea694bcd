"""Starts the processes, puts new ones in the place of the killed, lets the stopped go on when it is too late."""

import os
import signal
import time
import traceback

from django.db import connections

from tests.stress import worker

WORKERS = 16
LONGEST = 5  # times as long as wanted, on a machine that has no time


def let_loose(places, folder, seconds, seed=1, enough=lambda: True):
    """Leaves the history as files in `folder`. Goes on after `seconds` until it is `enough`. Raises when one of the
    processes failed by itself."""
    connections.close_all()  # a connection is not shared with children
    begun, over = time.monotonic(), folder / "over"
    herd, born, stopped, failed = set(), 0, {}, []
    while True:
        now = time.monotonic()
        if not over.exists() and now > begun + seconds and (now > begun + LONGEST * seconds or enough()):
            over.touch()
        while len(herd) < WORKERS and not over.exists():
            born += 1
            herd.add(_fork(born, places, folder, seed * 10_000 + born))
        if not herd:
            break
        for pid in list(herd):
            known, status = os.waitpid(pid, os.WNOHANG | os.WUNTRACED)
            if not known:
                continue
            if os.WIFSTOPPED(status):
                stopped[pid] = now + worker.PAUSE
                continue
            herd.discard(pid)
            stopped.pop(pid, None)
            if os.WIFEXITED(status) and os.WEXITSTATUS(status):
                failed.append(folder / f"{pid}.failed")
        for pid, until in list(stopped.items()):
            if now >= until:
                del stopped[pid]
                os.kill(pid, signal.SIGCONT)
        if now > begun + LONGEST * seconds + 60:
            for pid in herd:
                os.kill(pid, signal.SIGKILL)
            raise AssertionError(f"{len(herd)} processes hang: a deadlock")
        time.sleep(0.01 if not over.exists() and now < begun + seconds else 0.1)
    assert not failed, "\n".join(each.read_text() for each in failed)


def _fork(number, places, folder, seed):
    pid = os.fork()
    if pid:
        return pid
    try:
        worker.run(number, places, folder / f"{number}.jsonl", seed, (folder / "over").exists)
    except BaseException:
        (folder / f"{os.getpid()}.failed").write_text(traceback.format_exc())
        os._exit(1)
    os._exit(0)
