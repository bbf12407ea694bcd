"""`python -m bench.timers`: ten thousand timers that run out at one instant, and two workers."""

import argparse
import os
import subprocess
import sys
import time

from bench.__main__ import set_up
from bench.stack import ROOT, stack

AT_ONCE = 500
WORKER = """
import django; django.setup()
from catalog.commands import timers_expire
while timers_expire(30): pass
"""


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.timers", description=__doc__)
    words.add_argument("--timers", type=int, default=10_000)
    words.add_argument("--workers", type=int, default=2)
    words.add_argument("--others", type=int, default=100_000, help="timers that run on")
    chosen = words.parse_args()
    with stack() as running:
        set_up(1000)
        tell_plain()
        due = fill(chosen.timers, chosen.others)
        time.sleep(max(0.0, due - time.time()))
        begun = time.perf_counter()
        workers = [
            subprocess.Popen([sys.executable, "-c", WORKER], cwd=ROOT, env=os.environ | running.env)
            for _ in range(chosen.workers)
        ]
        if any(each.wait() for each in workers):
            raise SystemExit("a worker failed")
        tell(chosen.timers, time.perf_counter() - begun)
    return 0


def fill(timers: int, others: int) -> float:
    """All of `timers` at the one instant that is answered, `others` a century later; written as an integration writes."""
    from datetime import timedelta

    from catalog.commands import blueprint_create, entities_write
    from catalog.wishes import Wish
    from portal.kit.by import system
    from portal.kit.clock import database_now, iso

    by = system("setup")
    for name in ("box", "shelf"):
        blueprint_create(blueprint(name, timer=True), by=by)
    far = "2126-01-01T00:00:00.000Z"
    for first in range(0, others, AT_ONCE):
        entities_write(
            [Wish("shelf", f"s{n}", "create", properties={"ttl": far}) for n in range(first, first + AT_ONCE)], by=by
        )
    due = database_now() + timedelta(seconds=timers / 500)
    for first in range(0, timers, AT_ONCE):
        entities_write(
            [Wish("box", f"b{n}", "create", properties={"ttl": iso(due)}) for n in range(first, first + AT_ONCE)], by=by
        )
    return due.timestamp()


def blueprint(name: str, *, timer: bool) -> dict[str, object]:
    form = {"format": "timer"} if timer else {}
    return {"identifier": name, "title": name, "schema": {"properties": {"ttl": {"type": "string", **form}}}}


def tell_plain() -> None:
    """The same writes with a timer and without, in turn."""
    from catalog.commands import blueprint_create, entity_write
    from catalog.wishes import Wish
    from portal.kit.by import system

    by, rates = system("setup"), {}
    for name in ("timed", "plain"):
        blueprint_create(blueprint(name, timer=name == "timed"), by=by)
    for round in range(6):
        for name in ("timed", "plain"):
            begun = time.perf_counter()
            for number in range(200):
                entity_write(
                    Wish(name, f"{round}-{number}", "create", properties={"ttl": "2126-01-01T00:00:00Z"}), by=by
                )
            rates.setdefault(name, []).append(200 / (time.perf_counter() - begun))
    timed, plain = (sorted(rates[name][1:])[2] for name in ("timed", "plain"))
    print(
        f"single writes a second: {plain:,.0f} without a timer, {timed:,.0f} with one ({timed / plain:.2f})", flush=True
    )


def tell(timers: int, seconds: float) -> None:
    from django.db.models import Max

    from catalog.models import Timer
    from portal.audit.models import Event

    found = list(Event.objects.filter(name="timer.expired").values_list("blueprint", "entity"))
    if len(found) != timers or len(set(found)) != timers:
        raise SystemExit(f"{len(found)} expired, {len(set(found))} of them once; {timers} were due")
    span = Timer.objects.exclude(expired_at=None).aggregate(last=Max("expired_at"), due=Max("due_at"))
    took = (span["last"] - span["due"]).total_seconds()
    print(
        f"{timers:,} timers of one instant: each once, the last {took:.1f} s after it ({seconds:.1f} s with the start of the workers)"
    )


if __name__ == "__main__":
    sys.exit(main())
