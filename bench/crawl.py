"""`python -m bench.crawl`: every page and every GET of /v1, in a portal with much of everything."""

import argparse
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from bench.stack import stack

TICKS = os.sysconf("SC_CLK_TCK")
# What a name in a route stands for, by the beginning of the route; the first that fits.
NAMED: dict[str, list[tuple[str, str]]] = {
    "public_id": [
        ("v1/deployments/", "select public_id from deployments_deployment where changes <> '[]' order by id desc limit 1 offset 9"),
        ("v1/health/probes", "select public_id from health_probe order by id desc limit 1"),
        ("v1/health/maintenance", "select public_id from health_maintenance order by id desc limit 1"),
        ("v1/claims", "select public_id from locks_claim order by id desc limit 1"),
        ("v1/tickets", "select public_id from locks_ticket order by id desc limit 1"),
        ("v1/overrides", "select public_id from locks_override order by id desc limit 1"),
        ("v1/freezes", "select public_id from locks_freeze order by id desc limit 1"),
        ("v1/environments", "select public_id from environments_environment order by id desc limit 1"),
        ("v1/locks/rules", "select public_id from locks_lockrule order by id limit 1"),
        ("v1/locks", "select public_id from locks_lock order by id desc limit 1"),
        ("v1/notifications", "select public_id from notifications_route order by id limit 1"),
        ("v1/actions/runs", "select public_id from actions_run order by id limit 1"),
        ("deployments/d/", "select public_id from deployments_deployment where changes <> '[]' order by id desc limit 1 offset 9"),
        ("deployments/blocked", "select public_id from locks_keptdecision order by id desc limit 1"),
        ("health/", "select public_id from health_probe order by id desc limit 1"),
        ("locks/rules", "select public_id from locks_lockrule order by id limit 1"),
        ("locks/freezes", "select public_id from locks_freeze order by id desc limit 1"),
        ("locks/", "select public_id from locks_lock order by id desc limit 1"),
        ("environments/", "select public_id from environments_environment order by id desc limit 1"),
        ("integrations/", "select public_id from integrations_integration order by id limit 1"),
        ("webhooks/", "select public_id from webhooks_received order by id limit 1"),
        ("notifications/", "select public_id from notifications_route order by id limit 1"),
        ("runs/", "select public_id from actions_run order by id limit 1"),
    ],
    "pk": [
        ("scorecards/", "select id from scorecards_scorecard order by id limit 1"),
        ("deployments/ingest", "select id from deployments_reportrequest order by id desc limit 1"),
    ],
    "identifier": [
        ("v1/actions", "select identifier from actions_action order by id limit 1"),
        ("v1/integration", "select identifier from integrations_integration order by id limit 1"),
        ("v1/webhooks", "select identifier from webhooks_webhook order by id limit 1"),
        ("v1/starters", "select 'deployments'"),
        ("v1/blueprints/(?P<blueprint>(?:(?!/entities/).)+)/scorecards", "select identifier from scorecards_scorecard order by id limit 1"),
        ("v1/blueprints/(?P<blueprint>", "select identifier from catalog_entity where blueprint_id = (select id from catalog_blueprint where identifier = '{blueprint}') order by id limit 1 offset 50"),
        ("v1/blueprints", "select '{blueprint}'"),
        ("actions/", "select identifier from actions_action order by id limit 1"),
        ("integrations/", "select identifier from integrations_integration order by id limit 1"),
        ("webhooks/", "select identifier from webhooks_webhook order by id limit 1"),
        ("environments/", "select identifier from environments_template order by id limit 1"),
        ("deployments/config", "select identifier from catalog_entity where id = (select entity_id from deployments_deploymentconfig order by id limit 1 offset 500)"),
        ("deployments/sources/config", "select identifier from catalog_entity where id = (select entity_id from deployments_deploymentconfig order by id limit 1 offset 500)"),
        ("deployments/metrics/config", "select identifier from catalog_entity where id = (select entity_id from deployments_deploymentconfig order by id limit 1 offset 500)"),
        ("health/panel/config", "select identifier from catalog_entity where id = (select entity_id from deployments_deploymentconfig order by id limit 1 offset 500)"),
        ("deployments/deployment-panel", "select identifier from catalog_entity where id = (select entity_id from deployments_deployment order by id desc limit 1 offset 50)"),
        ("", "select identifier from catalog_entity where blueprint_id = (select id from catalog_blueprint where identifier = '{blueprint}') order by id limit 1 offset 50"),
    ],
    "service": [("", "select s.identifier from catalog_entity s join catalog_blueprint b on b.id = s.blueprint_id and b.identifier = 'service' order by s.id limit 1 offset 99")],
    "environment": [("", "select 'production'")],
    "name": [
        ("environment", "select 'production'"),
        ("v1/teams", "select identifier from accounts_team order by id limit 1"),
        ("docs", "select 'deployments'"),
        ("", "select s.identifier from catalog_entity s join catalog_blueprint b on b.id = s.blueprint_id and b.identifier = 'service' order by s.id limit 1 offset 99"),
    ],
    "key": [
        ("v1/deployments/features", "select key from deployments_committicket order by id desc limit 1"),
        ("deployments/features", "select key from deployments_committicket order by id desc limit 1"),
        ("", "select unnest(array['frequency', 'lead_time', 'change_failure', 'restore'])"),
    ],
    "form": [("", "select 'csv'")],
    "tier": [("", "select 'production'")],
    "email": [("", "select email from accounts_user order by id limit 1")],
    "kind": [("", "select 'x'")],
}  # fmt: skip
# Whole by contract, whatever their number: what they cost is what their rows cost.
WHOLE = "^/v1/blueprints/(deployment|component|deploymentConfig)/(entities|all-entities)$|^/catalog/!bulk"
BLUEPRINTS = ("service", "environment", "deploymentConfig", "deployment", "component")
# What routes ask for beside themselves, and the ways of asking that cost more than the plain one.
ASKED = {
    "v1/gate": ["service={service}&environment=production"],
    "v1/deployments": ["", "service={service}", "environment=production"],
    "v1/deployments/diff": ["since=2026-11-01T00:00:00Z", "from=staging&to=production", "service={service}&from=staging&to=production"],
    "v1/deployments/current": ["", "at=2026-11-20T00:00:00Z"],
    "v1/deployments/commits": ["q=PAY-9", "commit={commit}"],
    "v1/deployments/dora": ["", "days=365", "days=365&tier=all"],
    "v1/deployments/sources": ["", "service={service}"],
    "v1/audit-log": ["", "identifier={service}", "blueprint=service"],
    "v1/freezes/preview": ["service={service}&environment=production"],
    "v1/entities/properties-history": ["blueprint=service&entity={service}"],
    "deployments/": ["", "at=2026-11-20T00:00", "team=team-7", "drift=1", "problems=1"],
    "deployments/dora": ["", "days=365", "days=365&tier=all"],
    "deployments/dora/<str:key>": ["", "days=365"],
    "deployments/compare": ["", "from=staging&to=production", "a=staging&b=production"],
    "deployments/find": ["q=PAY-9", "q={commit}", "q=2.9", "q=payments", "q=dana"],
    "deployments/timeline": ["", "days=30", "days=365"],
    "deployments/commits": ["", "service={service}"],
    "deployments/ingest": ["", "outcome=refused"],
    "deployments/sources": ["", "kind=errors", "lacking=1"],
    "health/": ["", "state=failing", "page=9"],
    "locks/": ["", "state=all", "past=1"],
    "audit": ["", "actor=dana", "q=lock", "service={service}"],
    "(?P<blueprint>.+?)/entities$": ["", "sort=title", "q=pay", "group=team"],
    "environments/": ["", "state=torn_down", "view=past"],
    "runs/of": ["blueprint=service&entity={service}"],
    "scorecards/panel": ["blueprint=service&entity={service}"],
    "audit/panel": ["blueprint=service&entity={service}"],
}  # fmt: skip


@dataclass
class Cost:
    """Seconds of a processor, of ours and of PostgreSQL's own process; `words` is the whole time."""

    path: str
    status: int
    here: float
    there: float
    queries: int
    kilobytes: float


def main() -> int:
    words = argparse.ArgumentParser(prog="python -m bench.crawl", description=__doc__)
    words.add_argument("--only", default="", help="a regular expression over addresses")
    words.add_argument("--times", type=int, default=3, help="each is asked so often; the quickest counts")
    words.add_argument("--most", type=int, default=40, help="how many are told, the slowest first")
    words.add_argument("--here", action="store_true", help="the database of the settings, as it is")
    chosen = words.parse_args()
    if chosen.here:
        import django

        django.setup()
        crawl(chosen)
        return 0
    with stack():
        import django

        django.setup()
        from bench.crowd import gather

        gather()
        crawl(chosen)
    return 0


def crawl(chosen: argparse.Namespace) -> None:
    from django.conf import settings
    from django.test import Client

    from portal.accounts.models import User

    settings.ALLOWED_HOSTS = ["*"]
    person, program = Client(), Client(headers={"Authorization": f"Bearer {_token()}"})
    person.force_login(User.objects.filter(role="admin").order_by("id")[0])
    found, pid = [], _backend()
    for path in sorted(set(addresses())):
        if re.search(chosen.only, path) and not re.search(WHOLE, path):
            client = program if path.startswith("/v1") else person
            found.append(
                min((cost(client, path, pid) for _ in range(chosen.times)), key=lambda each: each.here + each.there)
            )
            print(f"{found[-1].here + found[-1].there:8.3f} {found[-1].status} {path}", file=sys.stderr, flush=True)
    found.sort(key=lambda each: -(each.here + each.there))
    print(f"{'ms':>6}{'here':>7}{'in SQL':>8}{'queries':>9}{'kB':>7}  status and address")
    for each in found[: chosen.most]:
        here, there = each.here * 1000, each.there * 1000
        print(
            f"{here + there:>6.0f}{here:>7.0f}{there:>8.0f}{each.queries:>9}{each.kilobytes:>7.0f}  {each.status} {each.path}"
        )
    print(f"{len(found)} asked; answered {sorted({each.status for each in found})}")


def cost(client: Any, path: str, pid: int) -> Cost:
    from django.db import connection

    asked = 0

    def counted(execute: Any, *words: Any) -> Any:
        nonlocal asked
        asked += 1
        return execute(*words)

    began, there = time.process_time(), _ticks(pid)
    with connection.execute_wrapper(counted):
        answer = client.get(path)
        size = len(b"".join(answer.streaming_content) if answer.streaming else answer.content)
    return Cost(path, answer.status_code, time.process_time() - began, _ticks(pid) - there, asked, size / 1000)


def _ticks(pid: int) -> float:
    with open(f"/proc/{pid}/schedstat") as file:
        return int(file.read().split()[0]) / 1e9


def _backend() -> int:
    from django.db import connection

    return int(_ask("select pg_backend_pid()")[0]) if connection.ensure_connection() is None else 0


def _token() -> str:
    from portal.accounts.commands import credential_create
    from portal.kit.by import system

    return credential_create(f"Crawl {time.time()}", kind="ci", scopes=["admin"], by=system("setup"))[1]


def _ask(sql: str) -> list[str]:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(sql)
        return [str(value) for (value,) in cursor.fetchall()]


def addresses() -> Iterator[str]:
    values = {
        "service": _named("service", "", {})[0],
        "commit": _ask("select sha from deployments_commit order by id desc limit 1")[0],
    }
    for route in routes():
        names = re.findall(r"<(?:\w+:)?(\w+)>", route)
        blueprints = BLUEPRINTS if "blueprint" in names or "blueprints/" in route else ("service",)
        asked = next(
            (words for end, words in ASKED.items() if route == end or (end.startswith("(") and route.endswith(end))),
            [""],
        )
        for blueprint in blueprints:
            own = values | {"blueprint": blueprint}
            for path in _filled(route, names, own):
                for words in asked:
                    yield f"/{path}" + (f"?{words.format(**own)}" if words else "")


def _filled(route: str, names: list[str], own: dict[str, str]) -> Iterator[str]:
    paths = [route]
    for name in names:
        paths = [_set(path, name, value) for path in paths for value in _named(name, route, own)]
    for path in paths:
        yield path.replace("^", "").replace("$", "").replace("\\", "")


def _set(path: str, name: str, value: str) -> str:
    at = re.search(rf"<(?:\w+:)?{name}>", path)
    assert at
    start, end = at.span()
    if path[start - 3 : start] == "(?P" or path[start - 2 : start] == "?P":
        start, depth = path.rindex("(", 0, start), 1
        while depth:
            depth += {"(": 1, ")": -1}.get(path[end], 0)
            end += 1
    return path[:start] + quote(value, safe="/") + path[end:]


def _named(name: str, route: str, own: dict[str, str]) -> list[str]:
    if name == "blueprint":
        return [own["blueprint"]]
    found = next((sql for start, sql in NAMED.get(name, []) if route.replace("^", "").startswith(start)), "")
    return _ask(found.replace("{blueprint}", own.get("blueprint", "service"))) if found else []


def routes() -> Iterator[str]:
    """Of pages and of /v1; without what only POST is for, as far as the name tells, and without the admin."""
    from django.urls import get_resolver

    yield from (each for each in _routes(get_resolver().url_patterns, "") if not each.startswith(("admin/", "trivial")))


def _routes(patterns: Any, above: str) -> Iterator[str]:
    for each in patterns:
        here = above + str(each.pattern)
        if hasattr(each, "url_patterns"):
            yield from _routes(each.url_patterns, here)
        elif ".*" not in here:
            yield here


if __name__ == "__main__":
    raise SystemExit(main())
