"""The commercial portal's lock guide as it is published, with its names, its actions, its automation and its CI job: here
its action really locks. The gate refuses, CI stops, and the guide's own step sees the release."""

import os
import subprocess

import pytest

from locks import scopes
from locks.commands import lock_take
from locks.models import Lock
from portal.accounts.commands import credential_create
from portal.accounts.models import SCOPES
from portal.actions.models import Run
from portal.audit.models import Delivery
from tests.conftest import SETUP, V1, events, write
from tests.journeys.conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)

PROPERTIES = {
    "locked_in_prod": {"type": "boolean", "title": "Locked in Prod", "default": False},
    "locked_reason_prod": {"type": "string", "title": "Locked Reason Prod"},
    "locked_in_test": {"type": "boolean", "title": "Locked in Test", "default": False},
    "locked_reason_test": {"type": "string", "title": "Locked Reason Test"},
    "trigger_type": {"type": "string", "enum": ["Locked", "Unlocked"], "title": "Trigger Type"},
    "triggered_environment": {"type": "string", "title": "Triggered Environment"},
}
WHERE = {"Production": "green", "Staging": "orange", "Development": "blue"}


def action(identifier, title, value):
    """`lock_service` and `unlock_service`, which differ in what they set."""
    return {
        "identifier": identifier,
        "title": title,
        "icon": "Lock",
        "trigger": {
            "type": "self-service",
            "operation": "DAY-2",
            "blueprintIdentifier": "service",
            "userInputs": {
                "properties": {
                    "reason": {"type": "string", "title": "Reason"},
                    "environment": {
                        "type": "string",
                        "title": "Environment",
                        "enum": [*WHERE],
                        "enumColors": WHERE,
                    },
                },
                "required": ["reason", "environment"],
                "order": ["reason", "environment"],
            },
        },
        "invocationMethod": {
            "type": "UPSERT_ENTITY",
            "blueprintIdentifier": "service",
            "mapping": {
                "identifier": "{{ .entity.identifier }}",
                "properties": {
                    "{{ if .inputs.environment == 'Production' then 'locked_in_prod' else 'locked_in_test' end }}": value,
                    "{{ if .inputs.environment == 'Production' then 'locked_reason_prod' else 'locked_reason_test' end }}": "{{ .inputs.reason }}",
                    "trigger_type": "Locked" if value else "Unlocked",
                    "triggered_environment": "{{ .inputs.environment }}",
                },
            },
        },
        "requiredApproval": False,
        "publish": True,
    }


AUTOMATION = {
    "identifier": "service_lock_notification",
    "title": "Tell Slack of locks",
    "trigger": {
        "type": "automation",
        "event": {"type": "ENTITY_UPDATED", "blueprintIdentifier": "service"},
        "condition": {
            "type": "JQ",
            "expressions": [
                ".diff.before.properties.locked_in_prod != .diff.after.properties.locked_in_prod or "
                ".diff.before.properties.locked_in_test != .diff.after.properties.locked_in_test"
            ],
            "combinator": "and",
        },
    },
    "invocationMethod": {
        "type": "WEBHOOK",
        "url": "https://hooks.slack.test/services/T000/B000/XXXX",
        "agent": False,
        "synchronized": True,
        "method": "POST",
        "headers": {"Content-Type": "application/json"},
        "body": {
            "text": "*Port Service {{ .event.diff.after.properties.trigger_type }}*\n"
            "Service Name: {{ .event.diff.after.title }}\n"
            "Environment: {{ .event.diff.after.properties.triggered_environment }}"
        },
    },
    "publish": True,
}

# A job on the main branch looks at the flag of production, one of a pull request at that of test.
CI_JOB = """
set -euo pipefail
token=$(curl -sS --fail -X POST "$PORT_URL/v1/auth/access_token" -H 'Content-Type: application/json' \
  -d "{\\"clientId\\": \\"$PORT_CLIENT_ID\\", \\"clientSecret\\": \\"$PORT_CLIENT_SECRET\\"}" | jq -r '.accessToken')
entity=$(curl -sS --fail "$PORT_URL/v1/blueprints/service/entities/$SERVICE" -H "Authorization: Bearer $token" | jq '.entity')
locked=$(echo "$entity" | jq -r ".properties.locked_in_$FLAG")
reason=$(echo "$entity" | jq -r ".properties.locked_reason_$FLAG")
if [ "$locked" = "true" ]; then
  echo "Service $SERVICE in environment $FLAG is locked, stopping deployment"
  echo "Reason: $reason"
  exit 1
fi
if [ "$locked" = "false" ]; then
  echo "Service $SERVICE in environment $FLAG is not locked, continuing deployment"
  touch "$DEPLOYED"
fi
"""


@pytest.fixture
def guide(shop, terraform):
    """Everything that the guide has one paste."""
    write("environment", "qa", properties={"tier": "test", "aliases": ["test"]})
    blueprint = terraform.get("blueprints/service").json["blueprint"]
    blueprint["schema"]["properties"] |= PROPERTIES
    assert terraform.send("put", "blueprints/service", blueprint).status == 200
    for each in (action("lock_service", "Lock", True), action("unlock_service", "Unlock", False), AUTOMATION):
        assert terraform.post("actions", each).status == 201


@pytest.fixture
def bobs(bob):
    """Bob's own token."""
    return V1(credential_create("Bob's", kind="ci", scopes=sorted(SCOPES), user=bob, by=SETUP)[1])


@pytest.fixture
def ci_job(live_server, tmp_path):
    """Runs the guide's job in bash, with curl and jq: (its exit code, what it printed, whether it deployed)."""
    reader, secret = credential_create("GitHub", kind="client", scopes=["catalog:read"], by=SETUP)

    def run(flag="prod"):
        deployed = tmp_path / "deployed"
        deployed.unlink(missing_ok=True)
        environ = {
            "PATH": os.environ["PATH"],
            "PORT_URL": live_server.url,
            "PORT_CLIENT_ID": reader.client_id,
            "PORT_CLIENT_SECRET": secret,
            "SERVICE": "checkout",
            "FLAG": flag,
            "DEPLOYED": str(deployed),
        }
        words = ["bash", "--noprofile", "--norc", "-c", CI_JOB]
        done = subprocess.run(words, env=environ, capture_output=True, text=True, timeout=60)
        assert not done.stderr
        return done.returncode, done.stdout, deployed.exists()

    return run


def ask(program, name, environment="Production", reason="database migration"):
    body = {"entity": "checkout", "properties": {"reason": reason, "environment": environment}}
    answer = program.post(f"actions/{name}/runs", body)
    assert answer.status == 202
    return answer.json["run"]


def gate(ci, environment="production"):
    return ci.get("gate", service="checkout", environment=environment).status


def test_its_action_locks_its_job_stops_and_a_release_shows_through_its_own_step(guide, bobs, ci, ci_job):
    assert (gate(ci), ci_job()[0], ci_job()[2]) == (200, 0, True)

    assert ask(bobs, "lock_service")["status"] == "SUCCESS"
    assert (gate(ci), gate(ci, "qa"), gate(ci, "staging")) == (423, 200, 200)
    code, said, deployed = ci_job()
    assert (code, deployed) == (1, False)
    assert "checkout in environment prod is locked" in said and "Reason: database migration" in said
    assert (Lock.objects.get().holder_name, Lock.objects.get().reason) == ("Bob", "database migration")

    assert ask(bobs, "unlock_service", reason="migrated")["status"] == "SUCCESS"
    assert (gate(ci), ci_job()[0], ci_job()[2]) == (200, 0, True)
    assert (Lock.objects.get().release_reason, events("lock")) == ("migrated", ["lock.taken", "lock.released"])


def test_the_flag_of_test_is_another_lock_than_that_of_production(guide, bobs, ci, ci_job):
    ask(bobs, "lock_service", "Staging")
    assert (gate(ci), gate(ci, "qa")) == (200, 423)
    assert (ci_job("prod")[0], ci_job("test")[0]) == (0, 1)


def test_what_is_locked_by_other_means_stops_its_job_as_well(guide, ci, ci_job, page, alice):
    lock_take(scopes.named("everything"), reason="the data centre burns", by=page(alice))
    code, said, deployed = ci_job()
    assert (code, deployed) == (1, False) and "Reason: the data centre burns" in said


def test_its_unlock_opens_nothing_that_is_held_by_other_means(guide, bobs, ci, page, alice):
    lock_take(scopes.named("everything"), reason="the data centre burns", by=page(alice))
    run = ask(bobs, "unlock_service")
    assert run["status"] == "FAILURE" and "the data centre burns" in run["summary"]
    assert gate(ci) == 423 and events("lock") == ["lock.taken"]


def test_from_the_page_it_is_the_same(guide, ci, client, bob):
    client.force_login(bob)
    form = {"entity": "checkout", "p-reason": "database migration", "p-environment": "Production"}
    assert client.post("/actions/lock_service/run", form).status_code == 303
    assert (gate(ci), Run.objects.get().status) == (423, "SUCCESS")
    assert "Success" in client.get(Run.objects.get().get_absolute_url()).content.decode()
    assert "Portcullis writes the entity itself" in client.get("/actions/lock_service").content.decode()


def test_slack_is_told_of_the_lock_and_of_the_unlock_once(guide, bobs, slack, start):
    start("worker"), start("beat")
    ask(bobs, "lock_service"), ask(bobs, "unlock_service")
    eventually(lambda: len(slack.messages) == 2 and not Delivery.objects.exclude(state="done").exists())
    texts = [message["text"] for message in slack.messages]
    assert "locked checkout in production" in texts[0] and "unlocked checkout in production" in texts[1]
