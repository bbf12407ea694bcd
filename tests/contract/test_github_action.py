"""What the GitHub Action sends for entities, and what it reads of the answers. Its runs are in test_actions.py."""

import pytest

from tests.conftest import V1, events

FLAGS = "upsert=true&merge=true"
PARENT = {
    "identifier": "hx-parent",
    "title": "Parent",
    "icon": "Microservice",
    "teamInheritance": {"path": "team"},
    "ownership": {"type": "Direct", "title": "team"},
    "schema": {"properties": {"text": {"type": "string"}}, "required": []},
    "mirrorProperties": {},
    "calculationProperties": {},
    "relations": {},
}
CHILD = PARENT | {
    "identifier": "hx-child",
    "title": "Child",
    "relations": {"parent": {"title": "Parent", "target": "hx-parent", "required": False, "many": False}},
    "teamInheritance": {"path": "parent.team"},
}


class Action:
    """Each operation logs in anew, sends one request, and fails for anything that is not a success."""

    def __init__(self, v1: V1) -> None:
        self.v1 = v1

    def send(self, method, path, body=None):
        if body is None:
            return self.v1.delete(path) if method == "delete" else self.v1.get(path)
        return self.v1.send(method, path, body, User_Agent="github-action/v1.0")

    def upsert(self, entity, *, run="", missing=False):
        query = FLAGS + (f"&run_id={run}" if run else "")
        query += "&create_missing_related_entities=true" if missing else ""
        return self.send("post", f"blueprints/{entity['blueprint']}/entities?{query}", entity)


@pytest.fixture
def action(terraform):
    found = Action(terraform)
    for blueprint in (PARENT, CHILD):
        assert found.send("post", "blueprints", blueprint).status == 201
    return found


def entity(identifier="c1", **more):
    whole = {"identifier": identifier, "blueprint": "hx-child", "properties": {}, "relations": {}} | more
    return {name: value for name, value in whole.items() if value is not None}


def test_it_upserts_and_reads_back_exactly(action):
    wished = entity(title="C1", icon="x", properties={"text": "hello"}, team=["Test"])
    answer = action.upsert(wished)
    assert answer.status == 201
    assert answer.json["entity"]["identifier"] == "c1"
    read = action.send("get", "blueprints/hx-child/entities/c1").json["entity"]
    copied = {name: read[name] for name in ("identifier", "title", "blueprint", "properties", "team", "relations")}
    assert copied == {name: wished[name] for name in copied}
    # It copies what is truthy, and compares: an empty object would be one thing too many.
    assert "scorecards" not in read


def test_a_team_may_be_a_text(action):
    action.upsert(entity(team="Test"))
    assert action.send("get", "blueprints/hx-child/entities/c1").json["entity"]["team"] == ["Test"]


def test_without_an_identifier_one_is_made(action):
    identifier = action.upsert(entity(identifier=None)).json["entity"]["identifier"]
    assert identifier
    assert action.send("get", f"blueprints/hx-child/entities/{identifier}").status == 200


def test_a_second_upsert_merges(action):
    action.upsert(entity(title="C1", properties={"text": "hello", "extra": 1}))
    action.upsert(entity(properties={"text": "bye"}))
    read = action.send("get", "blueprints/hx-child/entities/c1").json["entity"]
    assert read["title"] == "C1"
    assert read["properties"] == {"text": "bye", "extra": 1}


def test_what_is_missing_is_made_when_it_says_so(action):
    wished = entity(relations={"parent": "p1"})
    assert action.upsert(wished).status == 404
    assert action.send("get", "blueprints/hx-child/entities/c1").status == 404
    assert action.upsert(wished, missing=True).status == 201
    assert action.send("get", "blueprints/hx-parent/entities/p1").status == 200


def test_an_unknown_relation_and_an_unknown_blueprint_are_not_there(action):
    assert action.upsert(entity(relations={"uncle": "u"})).status == 404
    assert action.upsert(entity() | {"blueprint": "nothing"}).status == 404
    assert action.send("get", "blueprints/hx-child/entities/none").status == 404
    assert events("entity") == []


def test_parts_of_an_entity(action):
    action.upsert(entity(title="C1", properties={"text": "hello"}))
    read = action.send("get", "blueprints/hx-child/entities/c1?include=title&include=properties.text").json["entity"]
    assert read["title"] == "C1"
    assert read["properties"] == {"text": "hello"}
    assert "relations" not in read


def test_it_searches_with_the_users_query(action):
    action.upsert(entity(title="C1"))
    query = {"combinator": "and", "rules": [{"property": "$identifier", "operator": "=", "value": "c1"}]}
    found = action.send("post", "entities/search?include=identifier", query).json["entities"]
    assert [each["identifier"] for each in found] == ["c1"]


def test_a_change_belongs_to_its_run(action):
    kafka = {
        "identifier": "make",
        "title": "Make",
        "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
        "invocationMethod": {"type": "KAFKA"},
    }
    assert action.send("post", "actions", kafka).status == 201
    run = action.send("post", "actions/make/runs", {"properties": {"undeclared": 1}}).json["run"]
    assert run["status"] == "IN_PROGRESS"
    action.upsert(entity(), run=run["id"])
    audits = action.send("get", f"audit-log?resources=entity&run_id={run['id']}&includes=context").json["audits"]
    assert len(audits) == 1
    assert audits[0]["context"]["entity"] == "c1"


def test_dependents_go_along_when_it_says_so(action):
    required = CHILD | {"relations": {"parent": CHILD["relations"]["parent"] | {"required": True}}}
    action.send("put", "blueprints/hx-child", required)
    action.upsert(entity(relations={"parent": "p1"}), missing=True)
    assert action.send("delete", "blueprints/hx-parent/entities/p1?delete_dependents=false").status >= 400
    assert action.send("get", "blueprints/hx-child/entities/c1").status == 200
    assert action.send("delete", "blueprints/hx-parent/entities/p1?delete_dependents=true").json["ok"] is True
    assert action.send("get", "blueprints/hx-child/entities/c1").status == 404
