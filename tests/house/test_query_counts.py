"""A list of /v1 asks the database as often for fifty rows as for one."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report
from locks import scopes
from locks.commands import lock_take
from tests.conftest import SETUP, write


def grow(names):
    for name in names:
        write("service", name, team=("payments",), relations={"dependsOn": ("checkout", "search")})
        deployment_report({"service": name, "environment": "production", "version": "1"}, by=SETUP)
        lock_take(scopes.named("pair", service=name, environment="production"), reason="why", by=SETUP)


@pytest.mark.parametrize(
    "path",
    [
        "blueprints",
        "blueprints/service/entities",
        "blueprints/deploymentConfig/entities",
        "blueprints/deployment/entities",
        "locks",
        "deployments/current",
    ],
)
def test_a_list_asks_as_often_for_fifty_rows_as_for_one(shop, terraform, path):
    def queries():
        with CaptureQueriesContext(connection) as asked:
            assert terraform.get(path).status == 200
        return len(asked)

    grow(["one"])
    queries()  # the first use of a credential notes itself
    one = queries()
    grow(f"s{number}" for number in range(49))
    assert queries() == one
