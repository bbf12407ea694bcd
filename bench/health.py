"""`python -m bench.health`: 500 probes at intervals of ten seconds, of which 50 hang, 25 reset and 25 drip: how late the healthy
ones are asked, and what the prober takes of a processor.

The targets are a process of their own, each probe of a host of its own (127.0.0.0/8); so is the prober, as bin/up starts it but
without Celery around it.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

from bench.stack import ROOT, stack

BAD = {"hang": 0.1, "reset": 0.05, "drip": 0.05}
WARM = 12.0  # seconds, until the first round is over


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.health", description=__doc__)
    words.add_argument("--probes", type=int, default=500)
    words.add_argument("--seconds", type=float, default=60.0)
    words.add_argument("--interval", type=int, default=10)
    words.add_argument("--timeout", type=float, default=5.0)
    words.add_argument("--as-prober", type=Path, help=argparse.SUPPRESS)
    chosen = words.parse_args()
    if chosen.as_prober:
        be_prober(chosen.as_prober, chosen.seconds)
    os.environ["PORTCULLIS_OUTGOING_NETWORKS"] = "127.0.0.0/8"
    target = subprocess.Popen(
        [sys.executable, "-m", "tests.health.targets"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert target.stdout
    port = int(target.stdout.readline())
    try:
        with stack() as running, tempfile.TemporaryDirectory() as folder:
            set_up(port, chosen)
            said, seconds = Path(folder) / "lines", chosen.seconds + WARM
            tell(said, probe(running.env, seconds, said), seconds)
    finally:
        target.kill()
    return 0


def set_up(port: int, chosen: argparse.Namespace) -> None:
    from bench.__main__ import set_up as fill

    fill(10)
    from django.utils import timezone

    from catalog.models import Blueprint, Entity
    from deployments.health.models import Probe

    kinds = {name: Blueprint.objects.get(identifier=name) for name in ("service", "environment")}
    environment = Entity.objects.create(blueprint=kinds["environment"], identifier="production")
    words = [word for word, share in BAD.items() for _ in range(int(chosen.probes * share))]
    now = timezone.now()
    for number in range(chosen.probes):
        word = words[number] if number < len(words) else "ok"
        host = f"127.0.{number // 250 + 1}.{number % 250 + 1}"
        service = Entity.objects.create(blueprint=kinds["service"], identifier=f"service-{number}")
        Probe.objects.create(
            name=word,
            kind="http",
            service=service,
            service_identifier=service.identifier,
            environment=environment,
            environment_identifier="production",
            spec={"url": f"http://{host}:{port}/{word}"},
            host=host,
            interval=chosen.interval,
            timeout=chosen.timeout,
            due_at=now + timedelta(seconds=5 + chosen.interval * number / chosen.probes),
        )


def probe(env: dict[str, str], seconds: float, said: Path) -> float:
    """Seconds of a processor that the prober took."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    words = [sys.executable, "-m", "bench.health", "--as-prober", str(said), "--seconds", str(seconds)]
    subprocess.run(words, cwd=ROOT, env=os.environ | env, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def be_prober(said: Path, seconds: float) -> None:
    """A line for each call that begins: what it calls, and how late, in seconds."""
    import django

    django.setup()
    from deployments.health.models import Probe
    from deployments.health.prober import Prober

    class Timed(Prober):
        def _begin(self, probe: Probe, now: datetime) -> None:
            if probe.due_at and time.monotonic() > warm:
                lines.append(f"{probe.name} {(now - probe.due_at).total_seconds()}")
            super()._begin(probe, now)

    warm, lines = time.monotonic() + WARM, list[str]()
    Timed("bench").run(seconds)
    said.write_text("\n".join(lines))
    os._exit(0)  # those that hang still do


def tell(said: Path, took: float, seconds: float) -> None:
    from deployments.health.models import Probe

    words = [line.split() for line in said.read_text().splitlines()]
    late = sorted(float(lag) for name, lag in words if name == "ok")
    states = Counter(Probe.objects.values_list("name", "state"))
    print(f"{len(words)} calls in {seconds - WARM:.0f} s, {len(late)} of healthy ones")
    print(
        f"those are late by: p50 {at_share(late, 0.5):.2f} s, p99 {at_share(late, 0.99):.2f} s, most {late[-1]:.2f} s"
    )
    print(f"the prober took {took / seconds:.2f} of a processor")
    print(f"states: {', '.join(f'{count} {name} {state}' for (name, state), count in sorted(states.items()))}")
    if late[-1] >= 2:
        raise SystemExit("less than 2 s is what is wanted")


def at_share(ordered: list[float], share: float) -> float:
    return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


if __name__ == "__main__":
    raise SystemExit(main())
