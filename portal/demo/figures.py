"""What the demo company lets the portal work out: numbers, formulas and mirrors on its services and deployment configs."""

from typing import Any

from catalog import queries as catalog
from catalog.commands import blueprint_update
from portal.kit.by import By

Json = dict[str, Any]

_COUNT: Json = {"calculationBy": "entities", "func": "count"}


def _those(**rule: Any) -> Json:
    return {"combinator": "and", "rules": [rule]}


SERVICE: Json = {
    "aggregationProperties": {
        "deployments": {"title": "Deployments in all", "target": "deployment", "calculationSpec": _COUNT},
        "deploymentsThisWeek": {
            "title": "Deployments in a week",
            "description": "Those that ended in the last seven days",
            "target": "deployment",
            "calculationSpec": _COUNT,
            "query": _those(property="finishedAt", operator="between", value={"preset": "lastWeek"}),
        },
        "failures": {
            "title": "Failed deployments",
            "target": "deployment",
            "calculationSpec": _COUNT,
            "query": _those(property="status", operator="=", value="failure"),
        },
    },
    "calculationProperties": {
        "covered": {
            "title": "Somebody on call",
            "type": "string",
            "calculation": "if .properties.onCall then 'covered' else 'nobody' end",
            "colorized": True,
            "colors": {"covered": "green", "nobody": "red"},
        },
        "failureRate": {
            "title": "Failures, in %",
            "type": "number",
            "calculation": "if .properties.deployments > 0 then 100 * .properties.failures / .properties.deployments | round else null end",
        },
    },
}
CONFIG: Json = {
    "mirrorProperties": {
        "serviceTier": {"title": "Tier of the service", "path": "service.tier"},
        "onCall": {"title": "On call", "path": "service.onCall"},
    },
    "calculationProperties": {
        "daysLive": {
            "title": "Days live",
            "type": "number",
            "calculation": ".properties.deployedAt | if . then (now - (.[:19] + 'Z' | fromdate)) / 86400 | floor else null end",
        }
    },
}


def figures(by: By) -> None:
    for identifier, changes in (("service", SERVICE), ("deploymentConfig", CONFIG)):
        blueprint_update(catalog.blueprint(identifier), changes, partial=True, by=by)
