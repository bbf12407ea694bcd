"""`python -m bench.memory`: how much memory the web server takes while a catalog is loaded through the bulk route."""

import argparse
import sys
from pathlib import Path

from bench.__main__ import CONNECTIONS, must_be, set_up
from bench.load import Figures, press
from bench.stack import stack

STEPS = 10


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.memory", description=__doc__)
    words.add_argument("--entities", type=int, default=100_000)
    chosen = words.parse_args()
    with stack() as running:
        token, _ = set_up(1000)
        running.serve()
        from bench import writes

        ask = writes.bulk(token, 0)
        print(f"{'loaded':>10}{'MB now':>9}{'MB at most':>12}{'entities/s':>12}")
        tell(0, running.port, None)
        for step in range(STEPS):
            requests = chosen.entities // STEPS // writes.BULK
            first = step * requests
            sent = press(running.port, lambda n, first=first: ask(first + n), connections=CONNECTIONS, most=requests)
            must_be(sent, 200)
            tell((step + 1) * requests * writes.BULK, running.port, sent)
    return 0


def tell(loaded: int, port: int, sent: Figures | None) -> None:
    now, most = (sum(each) / 1024 for each in zip(*map(memory, servers(port)), strict=True))
    rate = len(sent.seconds) * 20 / sent.wall if sent else 0
    print(f"{loaded:>10,}{now:>9,.0f}{most:>12,.0f}{rate:>12,.0f}", flush=True)


def servers(port: int) -> list[Path]:
    """The processes of the web server."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if b"granian" in command and str(port).encode() in command:
            found.append(process)
    return found


def memory(process: Path) -> tuple[int, int]:
    """kB that it holds now, and that it held at most."""
    lines = dict(line.split(":", 1) for line in (process / "status").read_text().splitlines())
    return int(lines["VmRSS"].split()[0]), int(lines["VmHWM"].split()[0])


if __name__ == "__main__":
    sys.exit(main())
