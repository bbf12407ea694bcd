"""`python -m bench.handover`: sixteen pipelines deploy to one place with the command line; how long it stands idle in between.

From the end of one's command to the start of the next one's: telling the end, asking again, taking the place, starting.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.__main__ import set_up
from bench.load import median
from bench.stack import ROOT, Stack, stack

WORDS = (
    "import sys, time; print(time.time(), flush=True); time.sleep(float(sys.argv[1])); print(time.time(), flush=True)"
)


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.handover", description=__doc__)
    words.add_argument("--contenders", type=int, default=16)
    words.add_argument("--seconds", type=float, default=0.5, help="how long each deploys")
    chosen = words.parse_args()
    with stack() as running, tempfile.TemporaryDirectory() as folder:
        token, _ = set_up(100)
        place()
        running.serve()
        spans = deploy(running, token, Path(folder), chosen.contenders, chosen.seconds)
    tell(sorted(spans), chosen.seconds)
    return 0


def place() -> None:
    from catalog.models import Blueprint, Entity

    for blueprint, name in (("service", "busy"), ("environment", "production")):
        Entity.objects.create(blueprint=Blueprint.objects.get(identifier=blueprint), identifier=name)


def deploy(running: Stack, token: str, folder: Path, contenders: int, seconds: float) -> list[tuple[float, float]]:
    """(start, end) of each one's command, in seconds."""
    environ = running.env | {"PORTCULLIS_URL": f"http://127.0.0.1:{running.port}", "PORTCULLIS_TOKEN": token}
    begun = []
    for number in range(contenders):
        words = ["deploy", "--service", "busy", "--environment", "production", "--version", str(number)]
        words += ["--timeout", "30m", "--", sys.executable, "-c", WORDS, str(seconds)]
        said = (folder / str(number)).open("w")
        begun.append(subprocess.Popen([sys.executable, ROOT / "ci" / "portcullis", *words], env=environ, stdout=said))
    ended = [each.wait() for each in begun]
    if any(ended):
        raise SystemExit(f"only 0 counts, and the exit codes were {ended}")
    return [span(folder / str(number)) for number in range(contenders)]


def span(said: Path) -> tuple[float, float]:
    start, end = (float(line) for line in said.read_text().splitlines() if line.replace(".", "").isdigit())
    return start, end


def tell(spans: list[tuple[float, float]], seconds: float) -> None:
    idle = [start - end for (_, end), (start, _) in zip(spans, spans[1:])]
    if min(idle) < 0:
        raise SystemExit("two deployed at once")
    print(
        f"{len(spans)} contenders: the place stood idle for {median(idle):.2f} s between two, at most {max(idle):.2f} s"
    )
    print(f"all through in {spans[-1][1] - spans[0][0]:.1f} s, {len(spans) * seconds:.1f} s of it deploying")


if __name__ == "__main__":
    raise SystemExit(main())
