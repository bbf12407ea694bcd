"""/v1/environments: what programs ask for, and what providers say later."""

from datetime import timedelta
from uuid import uuid4

import pytest

from deployments.environments.commands import environment_request, step_finish, template_create, work_claim
from deployments.environments.models import Environment, Template
from deployments.environments.providers import Answer
from locks import scopes
from locks.commands import lock_take
from portal.accounts.commands import credential_create
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.conftest import SETUP, V1
from tests.environments.conftest import WISHED, fresh
from tests.environments.test_pages import worked

HOUR = timedelta(hours=1)
INPUTS = {"properties": {"branch": {"type": "string"}}, "required": ["branch"]}


@pytest.fixture
def template(db):
    return template_create(WISHED | {"inputs": INPUTS, "cost_per_hour": "0.5"}, by=SETUP)


def program(*scopes, name="Pipeline"):
    _, token = credential_create(name, kind="ci", scopes=list(scopes), by=SETUP)
    return V1(token)


@pytest.fixture
def pipeline(template):
    return program("environment", "catalog:read")


def ask(program, **more):
    return program.post("environments", {"template": "preview", "name": "pr-7", "inputs": {"branch": "x"}} | more)


def test_a_pipeline_asks_extends_puts_to_sleep_and_tears_down_what_it_asked_for(pipeline):
    made = ask(pipeline, ttl="2h", reason="PR 7", pr_url="https://forge.example/pull/7")
    assert (made.status, made.json["environment"]["state"]) == (201, "requested")
    path = f"environments/{made.json['environment']['id']}"
    worked()
    there = pipeline.get(path).json["environment"]
    assert (there["state"], [each["state"] for each in there["steps"]]) == ("ready", ["done"] * 3)
    assert there["resources"] == [{"kind": "disk", "id": "d-1"}] and (there["cost"], there["currency"]) == (
        "0.00",
        "USD",
    )
    longer = pipeline.post(f"{path}/extension", {"ttl": "5h"})
    assert longer.status == 200 and longer.json["environment"]["expires_at"] > there["expires_at"]
    assert pipeline.post(f"{path}/extension", {"ttl": "1h"}).json["error"] == "not_longer"
    pinned = pipeline.post(f"{path}/pin", {"until": "2999-01-01T00:00:00Z", "reason": "a demo"})
    assert pinned.status == 422 and pinned.json["details"]["errors"][0]["path"] == "until"
    until = (database_now() + 9 * HOUR).isoformat()
    assert pipeline.post(f"{path}/pin", {"until": until, "reason": "a demo"}).json["environment"]["pinned_until"]
    assert pipeline.delete(f"{path}/pin").json["environment"]["pinned_until"] is None
    assert pipeline.post(f"{path}/wake", {}).json["error"] == "not_now"
    assert pipeline.post(f"{path}/sleep", {}).json["environment"]["phase"] == "sleep"
    worked()
    assert pipeline.post(f"{path}/recreation", {}).json["error"] == "living_environment"
    gone = pipeline.delete(f"{path}?reason=merged")
    assert gone.json["environment"]["state"] == "tearing_down"
    worked()
    assert pipeline.get(path).json["environment"]["state"] == "torn_down"
    again = pipeline.post(f"{path}/recreation", {})
    assert again.status == 201 and again.json["environment"]["name"] == "pr-7"
    assert [each["name"] for each in pipeline.get("environments").json["environments"]] == ["pr-7"]
    assert len(pipeline.get("environments", state="all").json["environments"]) == 2


@pytest.mark.parametrize(
    ("said", "path"),
    [
        ({"ttl": "90d"}, "ttl"),
        ({"ttl": 7}, "ttl"),
        ({"ttl": "9" * 400 + "d"}, "ttl"),
        ({"template": 1}, "template"),
        ({"template": ""}, "template"),
        ({"inputs": {"branch": 7}}, "inputs.branch"),
        ({"inputs": {"branch": "x", "colour": "red"}}, "inputs"),
        ({"inputs": [1]}, "inputs"),
        ({"inputs": {"branch": "x" * 20000}}, "inputs"),
        ({"name": "x" * 201}, "name"),
        ({"owner": "nobody@example.org"}, "owner"),
        ({"team": "nobody"}, "team"),
        ({"pr_url": "ftp://x"}, "pr_url"),
        ({"reason": "y" * 2001}, "reason"),
    ],
)  # fmt: skip
def test_a_wish_that_is_wrong_says_where_and_leaves_nothing(pipeline, said, path):
    answer = ask(pipeline, **said)
    assert answer.status == 422, answer.json
    assert answer.json["details"]["errors"][0]["path"].startswith(path)
    assert not Environment.objects.exists() and not Event.objects.filter(noun="entity", entity="pr-7").exists()


def test_nul_and_half_characters_are_refused(pipeline):
    for raw in (b'{"template": "preview", "name": "a\\u0000"}', b'{"template": "preview", "name": "\\ud800"}'):
        assert pipeline.post("environments", raw).status in (400, 422)
    assert pipeline.get("environments/not-an-id").status == 404
    assert pipeline.get("environments", state="nonsense").status == 422
    assert not Environment.objects.exists()


CALLS = {
    "extension": {"ttl": "6h"}, "pin": {"until": "2030-01-01T00:00:00Z", "reason": "mine"}, "sleep": {}, "wake": {}, "retry": {},
}  # fmt: skip


def test_others_change_nothing_of_it_through_the_api(template, bob, page):
    row = environment_request(template, name="pr-7", inputs={"branch": "x"}, by=page(bob))
    worked()
    before = fresh(row).facts()
    path = f"environments/{row.public_id}"
    for other in (program("environment", "catalog:read"), program("catalog:read", "lock", name="Reader")):
        for name, body in CALLS.items():
            answer = other.post(f"{path}/{name}", body)
            assert (answer.status, answer.json["error"]) == (403, "forbidden"), name
        assert other.delete(path).status == other.delete(f"{path}/pin").status == 403
    assert program("environment", name="Blind").get(path).status == 403
    assert fresh(row).facts() == before


def test_a_lock_keeps_it_from_being_torn_down(pipeline, alice, page):
    made = ask(pipeline).json["environment"]
    worked()
    lock_take(
        scopes.named("environment", environment="pr-7"), reason="debugging", until=database_now() + HOUR, by=page(alice)
    )
    answer = pipeline.delete(f"environments/{made['id']}")
    assert (answer.status, answer.json["error"]) == (409, "locked_environment")
    assert answer.json["details"]["lock"] and Environment.objects.get().state == "ready"


def test_what_can_be_asked_for_is_listed_without_what_is_off(pipeline, template):
    template_create(WISHED | {"identifier": "off", "enabled": False}, by=SETUP)
    [known] = pipeline.get("environments/templates").json["templates"]
    assert (known["identifier"], known["greatest_ttl_seconds"], known["can_sleep"]) == ("preview", 3 * 86400, True)
    assert "spec" not in known and Template.objects.count() == 2


def test_a_provider_says_later_how_a_step_went(pipeline, nobody):
    made = ask(pipeline).json["environment"]
    work = work_claim()
    step_finish(work, Answer("waiting"))
    path = work.call.callback.partition("/v1/")[2]
    said = {"token": work.call.token, "fence": work.call.fence, "state": "done", "output": "made it"}
    assert nobody.post(path, said | {"token": "0" * 64}).json["error"] == "bad_token"
    assert nobody.post(path, said | {"token": 7}).status == 422
    assert nobody.post(path, said | {"state": "maybe"}).status == 422
    assert nobody.post(path, said | {"fence": 2**70}).status == 422
    assert nobody.post(f"environments/{made['id']}/steps/none", said).status == 404
    for other in (str(uuid4()), "nobodys", "é"):
        assert nobody.post(path.replace(made["id"], other), said).status == 404
    assert pipeline.post(f"environments/{made['id']}/extension", {"reason": "x" * 2001}).status == 422
    assert nobody.post(path, [1]).status == 422
    step = pipeline.get(f"environments/{made['id']}").json["environment"]["steps"][0]
    assert (step["state"], step["output"]) == ("waiting", None)
    for _ in range(2):
        answer = nobody.post(path, said)
        assert (answer.status, answer.json["step"]["output"]) == (200, "made it")
    assert nobody.post(path, said | {"state": "failed"}).json["error"] == "step_over"
    bare = {name: value for name, value in said.items() if name != "token"}
    assert V1(work.call.token).post(path, bare).status == 200 and nobody.post(path, bare).status == 422
