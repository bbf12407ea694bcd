"""`python -m bench.stale`: what it costs a report that ten thousand entities show what it changes."""

import argparse
import sys
import time

from bench.__main__ import CONNECTIONS, must_be, set_up
from bench.load import median, press, request
from bench.stack import stack

SHOWN, ALONE = "address-book-0", "shown-by-nobody"
SCREENS = 10_000


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.stale", description=__doc__)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seconds", type=float, default=2.0)
    chosen = words.parse_args()
    with stack() as running:
        token, _ = set_up(1000)
        fill()
        running.serve()
        ratios = []
        for number in range(chosen.rounds + 1):
            rates = {}
            for service in (ALONE, SHOWN):
                ask = reports(token, service, number)
                figures = press(running.port, ask, connections=1, seconds=chosen.seconds)
                must_be(figures, 201)
                rates[service] = figures.rate
            ratios.append(rates[SHOWN] / rates[ALONE])
            print(f"a second: {rates[ALONE]:,.0f} shown by nobody, {rates[SHOWN]:,.0f} shown by {SCREENS:,}")
        print(f"\nreports that make {SCREENS:,} stale, of those that make none: {median(ratios[1:]):.2f}")
        ask = listing(token)
        stale = press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds)
        began = time.perf_counter()
        sweep()
        took = time.perf_counter() - began
        fresh = press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds)
        print(
            f"sweep of all: {took:.1f} s; a list of 50 while stale, of the same afterwards: {stale.rate / fresh.rate:.2f}"
        )
    return 0


def fill() -> None:
    from catalog import queries
    from catalog.commands import blueprint_create, entities_write, entity_write
    from catalog.wishes import Wish
    from deployments.commands import deployment_report
    from portal.kit.by import system

    by = system("setup")
    entity_write(Wish("environment", "production", "merge", properties={"tier": "production"}), by=by)
    entity_write(Wish("service", ALONE, "merge"), by=by)
    for service in (SHOWN, ALONE):
        deployment_report({"service": service, "environment": "production", "version": "0"}, by=by)
    blueprint_create(
        {
            "identifier": "screen",
            "title": "Screen",
            "schema": {"properties": {}},
            "relations": {"place": {"target": "deploymentConfig"}},
            "mirrorProperties": {"version": {"path": "place.version"}},
            "calculationProperties": {"said": {"type": "string", "calculation": "'runs ' + .properties.version"}},
        },
        by=by,
    )
    config = f"{SHOWN}-production"
    assert queries.exists("deploymentConfig", config)
    for first in range(0, SCREENS, 500):
        wishes = [
            Wish("screen", f"s{number}", "create", relations={"place": (config,)}, given=frozenset({"relations"}))
            for number in range(first, first + 500)
        ]
        entities_write(wishes, by=by)
    sweep()


def sweep() -> None:
    from catalog import compute

    while compute.sweep():
        pass


def reports(token: str, service: str, round: int):
    from bench.writes import report

    places = [(service, "production")]
    ask = report(token, places)
    first = (round * 2 + (service == SHOWN)) * 1_000_000
    return lambda number: ask(first + number)


def listing(token: str):
    api = {"Authorization": f"Bearer {token}"}
    body = b'{"query": {"combinator": "and", "rules": []}, "limit": 50}'
    return lambda number: request("POST", "/v1/blueprints/screen/entities/search", api, body)


if __name__ == "__main__":
    sys.exit(main())
