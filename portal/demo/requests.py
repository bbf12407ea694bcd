"""Actions of the demo company, and what became of some runs."""

from collections.abc import Mapping
from typing import Any

from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.actions.commands import action_create, run_create, run_log, run_update, runs_acknowledge
from portal.kit.by import By

Json = dict[str, Any]

ROTATE: Json = {
    "identifier": "rotate-secrets",
    "title": "Rotate secrets",
    "description": "New database and API secrets for one service, then a rolling restart.",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {
            "properties": {
                "environment": {
                    "type": "string",
                    "title": "Environment",
                    "format": "entity",
                    "blueprint": "environment",
                },
                "which": {"type": "string", "title": "Which", "enum": ["database", "api", "all"], "default": "all"},
                "reason": {"type": "string", "title": "Reason", "minLength": 3},
            },
            "required": ["environment", "reason"],
        },
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://vault.larder.example/rotate", "agent": True},
}
SCAFFOLD: Json = {
    "identifier": "new-service",
    "title": "New service",
    "description": "A repository from the template, a pipeline, and an entry in the catalog.",
    "trigger": {
        "type": "self-service",
        "operation": "CREATE",
        "blueprintIdentifier": "service",
        "userInputs": {
            "properties": {
                "name": {"type": "string", "title": "Name", "pattern": "^[a-z][a-z0-9-]{2,30}$"},
                "team": {"type": "string", "title": "Team", "format": "team"},
            },
            "required": ["name", "team"],
        },
    },
    "invocationMethod": {
        "type": "GITHUB",
        "org": "larder",
        "repo": "platform",
        "workflow": "scaffold.yml",
        "workflowInputs": {"name": "{{ .inputs.name }}"},
    },
    "requiredApproval": True,
}


def requests(people: Mapping[str, User], by: By) -> None:
    def person(key: str) -> By:
        return By(actor_of_user(people[key]), "page")

    rotate, scaffold = action_create(ROTATE, by=by), action_create(SCAFFOLD, by=by)
    wanted = {"environment": "production", "reason": "Quarterly rotation"}
    done = run_create(rotate, wanted, entity="checkout", by=person("dana"))
    runs_acknowledge({"runId": done.public_id}, by=by)
    for line in ("Vault: 2 secrets written", "Restarting 5 instances, one at a time", "5 of 5 are healthy"):
        run_log(done, {"message": line}, by=by)
    run_update(done, {"status": "SUCCESS", "summary": "2 secrets rotated, no restart failed"}, by=by)
    begun = run_create(rotate, wanted | {"environment": "staging"}, entity="search", by=person("yuki"))
    runs_acknowledge({"runId": begun.public_id}, by=by)
    run_log(begun, {"message": "Vault: 1 secret written"}, by=by)
    run_update(begun, {"statusLabel": "Restarting", "link": "https://ci.larder.example/runs/5512"}, by=by)
    run_create(scaffold, {"name": "gift-cards", "team": "payments"}, by=person("priya"))
