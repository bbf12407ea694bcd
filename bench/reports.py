"""`python -m bench.reports`: deployment reports a second at 8 connections: the first of their places, which make them, and then
those to places that exist, in turn with a view that does nothing."""

import argparse
import sys

from bench.__main__ import CONNECTIONS, must_be, set_up
from bench.load import Figures, median, press
from bench.stack import stack


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.reports", description=__doc__)
    words.add_argument("--size", type=int, default=3000, help="entities in the catalog")
    words.add_argument("--rounds", type=int, default=9)
    words.add_argument("--seconds", type=float, default=5.0)
    chosen = words.parse_args()
    with stack() as running:
        token, session = set_up(chosen.size)
        from bench import writes
        from bench.reads import asks

        running.serve()
        trivial, where = asks(token, session)["trivial view"], writes.places()
        ask = writes.report(token, where)
        tell("first of its place", press(running.port, ask, connections=CONNECTIONS, most=len(where)))
        press(running.port, lambda number: ask(10**6 + number), connections=CONNECTIONS, most=2 * len(where))
        rates, shares = [], []
        for each in range(2, chosen.rounds + 2):
            base = press(running.port, trivial, connections=CONNECTIONS, seconds=chosen.seconds / 5)
            ours = press(
                running.port,
                lambda number, own=each: ask(own * 10**6 + number),
                connections=CONNECTIONS,
                seconds=chosen.seconds,
            )
            rates.append(ours.rate)
            shares.append(ours.rate / base.rate)
            tell(f"of the trivial view {shares[-1]:.3f}", ours)
        print(f"mean {sum(rates) / len(rates):.0f}/s, least {min(rates):.0f}, of the trivial view {median(shares):.3f}")
    return 0


def tell(what: str, reports: Figures) -> None:
    must_be(reports, 201)
    middle, slow = (reports.quantile(share) * 1000 for share in (0.5, 0.99))
    print(f"{what:<26} {reports.rate:6.1f}/s, median {middle:.1f} ms, p99 {slow:.1f} ms", flush=True)


if __name__ == "__main__":
    sys.exit(main())
