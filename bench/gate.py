"""`python -m bench.gate`: the gate's allowing check, and a denial, beside a trivial view on the same server."""

import argparse
from datetime import timedelta

from bench.__main__ import must_be, rounds, set_up, tell
from bench.load import Figures, paced, request
from bench.stack import stack

SERVICES, ENVIRONMENTS = 5000, 6
ACTIVE, OLD = 250, 100_000  # locks, and as many freezes active; old ones half released, half run out


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.gate", description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=3.0)
    chosen = words.parse_args()
    with stack() as running:
        token, _ = set_up(100)
        fill()
        running.serve()
        figures = rounds(running, asks(token), chosen)
        tell(SERVICES * ENVIRONMENTS, figures)
        check(figures)
        slow = paced(running.port, asks(token)["gate, denying"], rate=50, seconds=10)
        must_be(slow, 423)
        print(
            f"\ndenials, 50 a second: median {slow.quantile(0.5) * 1000:.1f} ms, p99 {slow.quantile(0.99) * 1000:.1f} ms"
        )
    return 0


def asks(token: str):
    api = {"Authorization": f"Bearer {token}", "User-Agent": "bench"}
    open_ones = [f"/v1/gate?service=svc-{number}&environment=env-1" for number in range(1000, 2000)]
    allowing = [request("GET", path, api) for path in open_ones]
    aliased = [request("GET", path.replace("env-1", "ALSO-1"), api) for path in open_ones]
    denied = [request("GET", f"/v1/gate?service=svc-{number}&environment=env-0", api) for number in range(ACTIVE)]
    return {
        "trivial view": lambda n: request("GET", "/v1/trivial", api),
        "gate, allowing": lambda n: allowing[n % len(allowing)],
        "gate, allowing, by an alias": lambda n: aliased[n % len(aliased)],
        "gate, denying": lambda n: denied[n % len(denied)],
    }


def check(figures: dict[str, list[Figures]]) -> None:
    for name, found in figures.items():
        for each in found:
            must_be(each, 423 if "denying" in name else 200)


def fill() -> None:
    """Straight into the tables: what is measured is reading."""
    from django.db import connection

    from catalog.models import Alias, Blueprint, Entity
    from locks import scopes
    from locks.commands import freeze_create
    from locks.wishes import parse
    from portal.kit.by import system
    from portal.kit.clock import database_now

    by, now = system("setup"), database_now()
    service, environment = (Blueprint.objects.get(identifier=name) for name in ("service", "environment"))
    Entity.objects.bulk_create(
        [
            Entity(blueprint=service, identifier=f"svc-{number}", team=[f"team-{number % 40}"])
            for number in range(SERVICES)
        ]
        + [Entity(blueprint=environment, identifier=f"env-{number}") for number in range(ENVIRONMENTS)],
        batch_size=1000,
    )
    Alias.objects.bulk_create(
        Alias(entity=each, folded=each.identifier.replace("env", "also"))
        for each in Entity.objects.filter(identifier__startswith="env-")
    )
    soon = (now - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    wish = parse({"title": "Bench", "reason": "bench", "starts": soon, "duration": "6h", "rrule": "FREQ=DAILY"})
    for number in range(ACTIVE):
        freeze_create(scopes.named("service", service=f"svc-{number}"), wish, by=by)
    with connection.cursor() as cursor:
        cursor.execute(LOCKS, {"active": ACTIVE, "old": OLD, "services": SERVICES})
        cursor.execute("analyze")


LOCKS = """
insert into locks_lock (public_id, kind, effect, scope_kind, service_id, service_identifier, environment_id,
    environment_identifier, tier, team, allows, reason, link, holder_kind, holder_key, holder_name, automatic_by,
    created_at, starts_at, expires_at, released_at, released_by, release_reason)
select gen_random_uuid(), 'manual', 'block', 'pair', s.id, s.identifier, e.id, e.identifier, '', '', '{}', 'bench', '',
    'user', 'user:1', 'Dana', '', began, began,
    case when n < %(active)s then now() + interval '9 hours' else began + interval '2 hours' end,
    case when n >= %(active)s and n %% 2 = 0 then began + interval '1 hour' end, '', ''
from generate_series(0, %(active)s + %(old)s - 1) n
cross join lateral (select now() - case when n < %(active)s then interval '1 hour' else interval '1 day' * (1 + n %% 300) end as began) b
join catalog_entity s on s.identifier = 'svc-' || (n %% %(services)s)
join catalog_entity e on e.identifier = 'env-' || case when n < %(active)s then 0 else n %% 6 end
"""


if __name__ == "__main__":
    raise SystemExit(main())
