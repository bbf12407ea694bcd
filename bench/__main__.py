"""`python -m bench`: see bench/README.md."""

import argparse
import sys
import threading
from collections.abc import Callable

from bench.load import Figures, median, press
from bench.stack import Stack, stack

Next = Callable[[int], bytes]

CONNECTIONS = 8


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    words.add_argument("--sizes", default="10000,100000", help="entities in the catalog, one after the other")
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=2.0, help="how long each question is asked in each round")
    words.add_argument("--only", default="", help="words of the questions to ask, joined by commas")
    words.add_argument("--skip-writes", action="store_true")
    chosen = words.parse_args()
    tables: dict[int, dict[str, list[Figures]]] = {}
    for size in [int(each) for each in chosen.sizes.split(",")]:
        with stack() as running:
            token, session = set_up(size)
            running.serve()
            tables[size] = reads(running, token, session, chosen)
            tell(size, tables[size])
            if not chosen.skip_writes:
                writes(running, token, chosen)
                moves(running, token, chosen)
    tell_growth(tables)
    return 0


def set_up(size: int) -> tuple[str, str]:
    """The catalog of this size, a token and a signed-in person's session."""
    import django

    django.setup()
    from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
    from django.contrib.sessions.backends.db import SessionStore
    from django.db import connection

    from bench import catalog
    from portal.accounts.commands import credential_create, user_create
    from portal.kit.by import system

    connection.close()
    connection.settings_dict.update(_database())
    by = system("setup")
    _, token = credential_create("bench", kind="ci", scopes=["admin"], by=by)
    user = user_create("bench@example.org", "Bench", password=None, role="admin", by=by)
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.create()
    catalog.install()
    catalog.grow(catalog.Size(size))
    return token, str(session.session_key)


def _database() -> dict[str, object]:
    import os

    from portal.kit import env

    return env.database(os.environ["DATABASE_URL"])


def reads(running: Stack, token: str, session: str, chosen: argparse.Namespace) -> dict[str, list[Figures]]:
    from bench.reads import asks

    wanted = [each for each in chosen.only.split(",") if each]
    questions = {
        name: ask
        for name, ask in asks(token, session).items()
        if name == "trivial view" or not wanted or any(each in name for each in wanted)
    }
    return rounds(running, questions, chosen)


def rounds(running: Stack, questions: dict[str, Next], chosen: argparse.Namespace) -> dict[str, list[Figures]]:
    """Every question in turn, several times over: a slow spell of the machine falls on all of them."""
    figures: dict[str, list[Figures]] = {name: [] for name in questions}
    for ask in questions.values():
        press(running.port, ask, connections=CONNECTIONS, seconds=0.5)
    for _ in range(chosen.rounds):
        for name, ask in questions.items():
            figures[name].append(press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds))
    return figures


def tell(size: int, figures: dict[str, list[Figures]]) -> None:
    print(f"\n{size:,} entities, {CONNECTIONS} connections\n")
    print(f"{'question':<34}{'a second':>10}{'of trivial':>12}{'median ms':>11}{'p99 ms':>9}{'kB':>7}  answers")
    for name, rounds in figures.items():
        share = median([mine.rate / base.rate for mine, base in zip(rounds, figures["trivial view"])])
        one = sorted(rounds, key=lambda each: each.rate)[len(rounds) // 2]
        size_kb = one.bytes / max(len(one.seconds), 1) / 1000
        print(
            f"{name:<34}{one.rate:>10,.0f}{share:>12.3f}{one.quantile(0.5) * 1000:>11.1f}{one.quantile(0.99) * 1000:>9.1f}{size_kb:>7.1f}  {one.statuses}"
        )
    sys.stdout.flush()


def writes(running: Stack, token: str, chosen: argparse.Namespace) -> None:
    from bench import writes as asked
    from catalog.commands import blueprint_create
    from portal.kit.by import system

    rates: dict[str, list[tuple[float, float]]] = {"component": [], "computing": []}
    blueprint_create(asked.COMPUTING, by=system("setup"))
    for number in range(chosen.rounds):
        own = asked.own_rate(connections=CONNECTIONS, seconds=chosen.seconds)
        for kind, found in rates.items():
            ask = asked.bulk(token, number, kind)
            ours = press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds)
            must_be(ours, 200)
            found.append((ours.rate * asked.BULK, ours.rate * asked.BULK / own))
    print()
    for kind, found in rates.items():
        rate, ratio = (median([each[place] for each in found]) for place in (0, 1))
        print(f"bulk ingest of {kind}: {rate:,.0f} entities/s, {ratio:.2f} of PostgreSQL's own")
    sys.stdout.flush()


def moves(running: Stack, token: str, chosen: argparse.Namespace) -> None:
    """A property of all components gets another name while others write them."""
    from bench import moves as asked

    ask = asked.patches(token)
    quiet = press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds)
    answered = asked.rename(running.port, token, "description", "summary")
    took: list[float] = []
    worker = threading.Thread(target=asked.work, args=(took,))
    worker.start()
    busy = press(running.port, ask, connections=CONNECTIONS, seconds=chosen.seconds)
    worker.join()
    for each in (quiet, busy):
        must_be(each, 200)
    print(f"\nrename: answered in {answered * 1000:.0f} ms, all values moved {took[0]:.1f} s later")
    for name, each in (("before", quiet), ("meanwhile", busy)):
        print(
            f"writes {name}: {each.rate:,.0f}/s, p99 {each.quantile(0.99) * 1000:.1f} ms, longest {max(each.seconds) * 1000:.0f} ms"
        )
    sys.stdout.flush()


def must_be(figures: Figures, status: int) -> None:
    """A fast error is no figure."""
    if set(figures.statuses) != {status}:
        raise SystemExit(f"only {status} counts, and the answers were {figures.statuses}")


def tell_growth(tables: dict[int, dict[str, list[Figures]]]) -> None:
    """How much longer each question takes in the larger catalog, as a multiple of the trivial view's own change."""
    sizes = sorted(tables)
    for small, large in zip(sizes, sizes[1:]):
        print(f"\nfrom {small:,} to {large:,} entities, each takes this many times as long\n")
        for name in tables[small].keys() & tables[large].keys():
            before, after = _cost(tables[small], name), _cost(tables[large], name)
            print(f"{name:<34}{after / before:>8.2f}")


def _cost(figures: dict[str, list[Figures]], name: str) -> float:
    return median([base.rate / mine.rate for mine, base in zip(figures[name], figures["trivial view"])])


if __name__ == "__main__":
    sys.exit(main())
