"""A list of /v1 asks the database as often for fifty rows as for one, and a report so often and no more."""

from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report
from deployments.health.commands import probe_create, readings_take
from deployments.health.results import Result
from locks import rules, scopes
from locks.commands import lock_rule_create, lock_take
from portal.actions.commands import action_create, run_create
from portal.kit.clock import database_now
from portal.notifications.commands import route_create
from tests.conftest import SETUP, write


def action(name):
    trigger = {"type": "self-service", "operation": "DAY-2", "blueprintIdentifier": "service"}
    return action_create(
        {
            "identifier": name,
            "trigger": trigger | {"userInputs": {"properties": {}}},
            "invocationMethod": {"type": "KAFKA"},
            "requiredApproval": True,
        },
        by=SETUP,
    )


def grow(names):
    for name in names:
        write("service", name, team=("payments",), relations={"dependsOn": ("checkout", "search")})
        deployment_report({"service": name, "environment": "production", "version": "1"}, by=SETUP)
        asked = {"service": name, "environment": "production", "kind": "heartbeat", "name": "nightly"}
        probe = probe_create(asked, by=SETUP)[0]
        readings_take([Result(probe.pk, database_now(), "ok")], now=database_now(), by=SETUP)
        lock_take(scopes.named("pair", service=name, environment="production"), reason="why", by=SETUP)
        lock_rule_create(rules.parse({"name": name, "on": ["failing"], "services": [name]}), by=SETUP)
        route_create({"name": name, "events": ["lock.*"], "to": "place", "services": [name]}, by=SETUP)
        run_create(action(name), {}, entity=name, by=SETUP)


PATHS = [
    "blueprints",
    "blueprints/service/entities",
    "blueprints/deploymentConfig/entities",
    "blueprints/deployment/entities",
    "locks",
    "locks/rules",
    "notifications/routes",
    "health",
    "health/probes",
    "health/flips",
    "deployments/current",
    "deployments",
    "deployments/drift",
    "deployments/diff?since=2020-01-31T15:40:00Z",
    "deployments/sources",
    "actions",
    "actions/runs",
]


def test_a_list_asks_as_often_for_fifty_rows_as_for_one(shop, terraform):
    def queries(path):
        with CaptureQueriesContext(connection) as asked:
            assert terraform.get(path).status == 200
        return len(asked)

    grow(["one"])
    queries("locks")  # the first use of a credential notes itself
    one = {path: queries(path) for path in PATHS}
    grow(f"s{number}" for number in range(49))
    queries("locks")  # on a slow machine it is time to note itself again
    assert {path: queries(path) for path in PATHS} == one


def statements(asked):
    """Those that a test's own transactions add are none."""
    return [each["sql"] for each in asked if not each["sql"].startswith(("SAVEPOINT", "RELEASE SAVEPOINT"))]


def test_a_report_takes_thirteen_statements_its_token_included(shop, ci):
    def reported(number):
        body = {
            "service": "checkout",
            "environment": "Prod",
            "version": f"1.{number}",
            "commit": f"{number:040x}",
            "ci": {"provider": "github", "run": str(number)},
        }
        with CaptureQueriesContext(connection) as asked:
            assert ci.post("deployments", body, Idempotency_Key=f"k{number}").status == 201
        return len(statements(asked))

    reported(1)  # makes the config, and the credential notes its use
    assert reported(2) <= 13
    for number in range(3, 20):
        reported(number)
    assert reported(20) <= 13
