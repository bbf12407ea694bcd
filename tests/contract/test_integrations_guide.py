"""docs/integrations.md: its commands answer as it says, and its names and numbers are those of the portal."""

import json

from catalog.integrations.agents import named
from catalog.integrations.commands import reports
from catalog.integrations.models import SHARE
from portal.accounts.commands import credential_create
from tests.conftest import SETUP, V1
from tests.test_docs import PAIR, ROOT, holds, run

GUIDE = (ROOT / "docs" / "integrations.md").read_text()


def test_every_command_answers_as_it_says(shop):
    scopes = ["catalog:read", "catalog:write"]
    credential, secret = credential_create("Ocean", kind="client", scopes=scopes, by=SETUP)
    words = {"PORTCULLIS_URL": "", "CLIENT_ID": credential.client_id, "CLIENT_SECRET": secret}
    steps = PAIR.findall(GUIDE)
    assert len(steps) == GUIDE.count("```sh") == 5
    for command, status, told in steps:
        response = run(command, words | {"TOKEN": words.get("TOKEN", "")})
        assert response.status_code == int(status or 200), (command, response.content)
        assert holds(response.json(), json.loads(told)), (command, response.json())
        words |= {"TOKEN": response.json()["accessToken"]} if "accessToken" in response.json() else {}


def test_who_is_told_that_there_is_no_kafka_is_told_what_the_guide_says(terraform: V1):
    told = terraform.get("kafka-credentials").json["message"]
    assert 'OCEAN__EVENT_LISTENER={"type":"POLLING"}' in told
    assert 'OCEAN__EVENT_LISTENER=\'{"type":"POLLING"}\'' in GUIDE
    assert "EVENT_LISTENER_TYPE=POLLING" in told
    assert "EVENT_LISTENER_TYPE=POLLING" in GUIDE


def test_its_numbers_are_those_of_the_portal():
    for number in (reports.KEPT_LINES, reports.KEPT_FAULTS, reports.KEPT_SYNCS, reports.KEPT_KINDS):
        assert f"{number:,}" in GUIDE
    assert f"{SHARE:.0%} of its entities" in GUIDE
    assert f"{reports.LARGEST // 1024} KiB" in GUIDE


def test_names_are_read_of_what_the_clients_call_themselves():
    assert named("port-ocean/github/1.2.3/my-github") == ("github", "my-github")
    assert named("port-ocean/github/1.2.3/acme/my/github/exporter") == ("github", "acme/my/github")
    assert named("port-k8s-exporter/^0.3.4 (statekey/my-cluster)") == ("K8S EXPORTER", "my-cluster")
    for other in ("", "curl/8", "port-ocean/", "port-ocean/github", "a port-ocean/github/1/x", "port-k8s-exporter/1"):
        assert named(other) is None
