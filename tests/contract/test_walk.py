"""Every route that the vendor's own clients cannot do without, walked once with what they send and read.

The other tests here follow one client each; this one makes sure that none of the routes is missing.
"""

import re
from typing import Any

import pytest

from portal.accounts.commands import credential_create, team_create
from portal.api import schema
from tests.conftest import SETUP, V1

ROUTES = """
POST auth/access_token
GET organization
PATCH organization
GET organization/secrets
POST organization/secrets
GET organization/secrets/{name}
PATCH organization/secrets/{name}
DELETE organization/secrets/{name}
GET blueprints
POST blueprints
GET blueprints/{b}
PUT blueprints/{b}
PATCH blueprints/{b}
DELETE blueprints/{b}
DELETE blueprints/{b}/all-entities
GET blueprints/system/{b}/structure
GET blueprints/{b}/permissions
PATCH blueprints/{b}/permissions
POST migrations
GET migrations/{m}
GET blueprints/{b}/entities
POST blueprints/{b}/entities
GET blueprints/{b}/entities-count
POST blueprints/{b}/entities/bulk
POST blueprints/{b}/entities/search
POST blueprints/{b}/bulk/entities/delete
GET blueprints/{b}/entities/{e}
PUT blueprints/{b}/entities/{e}
DELETE blueprints/{b}/entities/{e}
POST blueprints/entities/datasource-entities
POST entities/search
GET scorecards
GET blueprints/{b}/scorecards
POST blueprints/{b}/scorecards
PUT blueprints/{b}/scorecards
GET blueprints/{b}/scorecards/{s}
PUT blueprints/{b}/scorecards/{s}
PATCH blueprints/{b}/scorecards/{s}
DELETE blueprints/{b}/scorecards/{s}
GET integration
POST integration
GET integration/provision-enabled
GET integration/{i}
PATCH integration/{i}
DELETE integration/{i}
PATCH integration/{i}/config
PATCH integration/{i}/resync-state
GET integration/{i}/resync-request
GET integration/{i}/kinds
POST integration/{i}/kinds/{k}/examples
POST integration/{i}/logs
POST integration/{i}/syncMetrics
PUT integration/{i}/syncMetrics/resync/{r}/kind/{k}
POST integration/{i}/heartbeat
GET actions
POST actions
GET actions/{a}
PUT actions/{a}
DELETE actions/{a}
GET actions/{a}/permissions
PATCH actions/{a}/permissions
POST actions/{a}/runs
GET actions/runs
GET actions/runs/{r}
PATCH actions/runs/{r}
PATCH actions/runs/{r}/approval
POST actions/runs/{r}/logs
GET audit-log
GET pages
POST pages
GET pages/{p}
PUT pages/{p}
PATCH pages/{p}
DELETE pages/{p}
GET pages/{p}/permissions
PATCH pages/{p}/permissions
GET sidebars/catalog
POST sidebars/catalog/folders
PATCH sidebars/catalog/folders/{f}
DELETE sidebars/catalog/folders/{f}
GET teams
POST teams
GET teams/{t}
PUT teams/{t}
PATCH teams/{t}
DELETE teams/{t}
GET users
GET users/{u}
GET webhooks
POST webhooks
GET webhooks/{w}
PUT webhooks/{w}
PATCH webhooks/{w}
DELETE webhooks/{w}
"""
WALK = {tuple(line.split()) for line in ROUTES.strip().splitlines()}

EVERYTHING: dict[str, Any] = {"combinator": "and", "rules": []}
BOX = {
    "identifier": "box",
    "title": "Box",
    "icon": "Box",
    "schema": {"properties": {"size": {"type": "number"}}, "required": []},
    "relations": {},
}
CRATE = BOX | {
    "identifier": "crate",
    "relations": {"inner": {"target": "box", "many": False, "required": False}},
}
CARD = {
    "identifier": "big",
    "title": "Big",
    "rules": [
        {
            "identifier": "size",
            "title": "Size",
            "level": "Gold",
            "query": {"combinator": "and", "conditions": [{"property": "size", "operator": ">", "value": 1}]},
        }
    ],
}
ACTION = {
    "identifier": "ship",
    "title": "Ship",
    "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "KAFKA"},
}
WEBHOOK = {
    "identifier": "hook",
    "title": "Hook",
    "enabled": True,
    "mappings": [{"blueprint": "box", "filter": "true", "entity": {"identifier": ".body.id", "properties": {}}}],
}


class Walk:
    """A client that says which route it takes: `walk("GET", "blueprints/{b}", b="box")`. Only success will do."""

    def __init__(self, v1: V1) -> None:
        self.v1 = v1
        self.walked: set[tuple[str, ...]] = set()

    def __call__(self, method: str, route: str, body: Any = None, query: str = "", **names: str) -> Any:
        path = route.format(**names) + query
        if body is not None:
            answer = self.v1.send(method.lower(), path, body, User_Agent="walker/1 (x)")
        else:
            answer = self.v1.delete(path) if method == "DELETE" else self.v1.get(path)
        assert 200 <= answer.status < 300, (method, path, answer.json)
        assert answer.json["ok"] is True
        self.walked.add((method, route))
        return answer.json


@pytest.fixture
def walk(alice: Any) -> Walk:
    """Signed in with a client id and secret, as the clients are."""
    team_create("crew", "Crew", members=[alice], by=SETUP)
    made, secret = credential_create("Walker", kind="client", scopes=["admin"], by=SETUP)
    walk = Walk(V1(""))
    token = walk("POST", "auth/access_token", {"clientId": made.client_id, "clientSecret": secret})
    assert token.keys() >= {"ok", "accessToken", "expiresIn", "tokenType"}
    walk.v1.token = token["accessToken"]
    return walk


def the_organisation(walk: Walk) -> None:
    assert walk("GET", "organization")["organization"].keys() >= {"id", "name", "featureFlags"}
    settings = {"settings": {"portAgentStreamerName": "POLLING"}}
    assert walk("PATCH", "organization", settings)["organization"]["settings"]["portAgentStreamerName"] == "POLLING"
    secret = {"secretName": "KEY", "secretValue": "s3", "description": "A key"}
    assert walk("POST", "organization/secrets", secret)["secret"]["secretName"] == "KEY"
    assert [each["secretName"] for each in walk("GET", "organization/secrets")["secrets"]] == ["KEY"]
    changed = walk("PATCH", "organization/secrets/{name}", {"description": "The key"}, name="KEY")
    assert changed["secret"]["description"] == "The key"
    read = walk("GET", "organization/secrets/{name}", name="KEY")["secret"]
    assert "s3" not in str(read)
    walk("DELETE", "organization/secrets/{name}", name="KEY")


def blueprints(walk: Walk) -> None:
    assert walk("POST", "blueprints", BOX, "?create_catalog_page=false")["blueprint"]["identifier"] == "box"
    walk("POST", "blueprints", CRATE)
    assert {each["identifier"] for each in walk("GET", "blueprints")["blueprints"]} >= {"box", "crate"}
    read = walk("GET", "blueprints/{b}", b="crate")["blueprint"]
    assert read["relations"]["inner"].keys() >= {"many", "required", "target"}
    assert walk("PUT", "blueprints/{b}", CRATE | {"title": "Crates"}, b="crate")["blueprint"]["title"] == "Crates"
    assert walk("PATCH", "blueprints/{b}", {"icon": "Crate"}, b="crate")["blueprint"]["title"] == "Crates"
    assert walk("GET", "blueprints/system/{b}/structure", b="_user")["blueprint"]["schema"]
    assert "register" in walk("GET", "blueprints/{b}/permissions", b="box")["permissions"]["entities"]
    change = {"entities": {"register": {"roles": ["Admin", "Member"]}}}
    answer = walk("PATCH", "blueprints/{b}/permissions", change, b="box")
    assert answer["permissions"]["entities"]["register"]["roles"] == ["Admin", "Member"]


def entities(walk: Walk) -> None:
    flags = "?upsert=true&merge=true&create_missing_related_entities=true&run_id="
    small = {"identifier": "small", "title": "Small", "properties": {"size": 1}, "relations": {}}
    assert walk("POST", "blueprints/{b}/entities", small, flags, b="box")["entity"]["identifier"] == "small"
    items = {"entities": [small | {"identifier": f"b{n}", "properties": {"size": n}} for n in range(3)]}
    bulk = walk("POST", "blueprints/{b}/entities/bulk", items, flags, b="box")
    assert [(each["identifier"], each["index"], each["created"]) for each in bulk["entities"]] == [
        (f"b{n}", n, True) for n in range(3)
    ]
    read = walk("GET", "blueprints/{b}/entities/{e}", None, "?exclude_calculated_properties=true", b="box", e="small")
    assert {name: read["entity"][name] for name in small} == small
    whole = small | {"properties": {"size": 5}}
    assert walk("PUT", "blueprints/{b}/entities/{e}", whole, b="box", e="small")["entity"]["properties"] == {"size": 5}
    assert walk("GET", "blueprints/{b}/entities-count", b="box")["count"] == 4
    assert len(walk("GET", "blueprints/{b}/entities", b="box")["entities"]) == 4
    first = walk("POST", "blueprints/{b}/entities/search", {"query": EVERYTHING, "limit": 3}, b="box")
    rest = walk(
        "POST", "blueprints/{b}/entities/search", {"query": EVERYTHING, "limit": 3, "from": first["next"]}, b="box"
    )
    assert (len(first["entities"]), len(rest["entities"])) == (3, 1)
    rules = [{"property": "$blueprint", "operator": "=", "value": "box"}]
    found = walk("POST", "entities/search", {"combinator": "and", "rules": rules}, "?include=identifier&include=title")
    assert {frozenset(each) for each in found["entities"]} == {frozenset({"identifier", "title"})}
    mine = {"datasource_prefix": "walker/", "datasource_suffix": "(x)"}
    assert len(walk("POST", "blueprints/entities/datasource-entities", mine)["entities"]) == 4
    gone = walk("POST", "blueprints/{b}/bulk/entities/delete", {"entities": ["b1", "b2"]}, b="box")
    assert gone["deletedEntities"] == ["b1", "b2"]
    walk("DELETE", "blueprints/{b}/entities/{e}", None, "?delete_dependents=false&run_id=", b="box", e="small")
    audits = walk("GET", "audit-log", None, "?resources=entity&includes=context&limit=5")["audits"]
    assert audits[0]["context"]["entity"] == "small"


def scorecards(walk: Walk) -> None:
    at = {"b": "box", "s": "big"}
    made = walk("POST", "blueprints/{b}/scorecards", CARD, b="box")["scorecard"]
    assert made["rules"][0]["query"]["conditions"]
    assert [each["identifier"] for each in walk("GET", "blueprints/{b}/scorecards", b="box")["scorecards"]] == ["big"]
    assert len(walk("GET", "scorecards")["scorecards"]) == 1
    walk("PUT", "blueprints/{b}/scorecards/{s}", CARD | {"title": "Bigger"}, **at)
    walk("PATCH", "blueprints/{b}/scorecards/{s}", {"title": "Biggest"}, **at)
    assert walk("GET", "blueprints/{b}/scorecards/{s}", **at)["scorecard"]["title"] == "Biggest"
    walk("PUT", "blueprints/{b}/scorecards", [CARD], b="box")
    walk("DELETE", "blueprints/{b}/scorecards/{s}", **at)


def integrations(walk: Walk) -> None:
    at = {"i": "acme"}
    assert walk("GET", "integration/provision-enabled")["integrations"] == []
    said = {
        "installationId": "acme",
        "installationAppType": "fake",
        "version": "1",
        "config": {},
        "changelogDestination": {},
    }
    assert walk("POST", "integration", said)["integration"]["logAttributes"]["ingestUrl"]
    assert walk("GET", "integration/{i}", None, "?isPolling=false", **at)["integration"]["changelogDestination"] == {}
    assert walk("GET", "integration")["integrations"][0]["installationId"] == "acme"
    assert walk("PATCH", "integration/{i}", {"version": "2"}, **at)["integration"]["version"] == "2"
    entity = {"mappings": {"identifier": ".id", "blueprint": '"box"'}}
    config = {"resources": [{"kind": "box", "selector": {"query": "true"}, "port": {"entity": entity}}]}
    assert walk("PATCH", "integration/{i}/config", {"config": config}, **at)["integration"]["config"] == config
    state = {"status": "running", "lastResyncStart": "2026-01-01T00:00:00Z", "lastResyncEnd": None, "nextResync": None}
    assert walk("PATCH", "integration/{i}/resync-state", state, **at)["integration"]["resyncState"]["updatedAt"]
    assert walk("GET", "integration/{i}/resync-request", **at)["request"] is None
    walk("POST", "integration/{i}/kinds/{k}/examples", {"examples": [{"id": 1}]}, k="box", **at)
    assert walk("GET", "integration/{i}/kinds", **at)["data"]["box"]["examples"][0]["data"] == {"id": 1}
    line = {"message": "hello", "level": "INFO", "timestamp": "2026-01-01T00:00:00Z", "extra": {}}
    walk("POST", "integration/{i}/logs", {"logs": [line]}, **at)
    walk("POST", "integration/{i}/syncMetrics", {"syncKindsMetrics": []}, **at)
    metrics = {
        "syncKindMetrics": {
            "eventId": "7f1",
            "kindIdentifier": "box-0",
            "kind": "box",
            "kindIndex": 0,
            "syncState": "completed",
            "metrics": {},
        }
    }
    walk("PUT", "integration/{i}/syncMetrics/resync/{r}/kind/{k}", metrics, r="7f1", k="box-0", **at)
    walk("POST", "integration/{i}/heartbeat", {"eventId": "7f1"}, **at)
    walk("DELETE", "integration/{i}", **at)


def actions(walk: Walk) -> None:
    at = {"a": "ship"}
    walk("POST", "actions", ACTION | {"requiredApproval": True})
    assert [each["identifier"] for each in walk("GET", "actions")["actions"]] == ["ship"]
    assert walk("GET", "actions/{a}", **at)["action"]["requiredApproval"] is True
    assert walk("GET", "actions/{a}/permissions", **at)["permissions"].keys() >= {"execute", "approve"}
    change = {"approve": {"roles": ["Admin"], "users": [], "teams": []}}
    assert walk("PATCH", "actions/{a}/permissions", change, **at)["permissions"]["approve"]["roles"] == ["Admin"]
    asked = walk("POST", "actions/{a}/runs", {"properties": {"undeclared": 1}}, **at)["run"]
    walk("PATCH", "actions/runs/{r}/approval", {"status": "APPROVE", "description": "yes"}, r=asked["id"])
    walk("PUT", "actions/{a}", ACTION, **at)
    run = walk("POST", "actions/{a}/runs", {"properties": {}}, **at)["run"]
    assert run["status"] == "IN_PROGRESS"
    log = walk("POST", "actions/runs/{r}/logs", {"message": "hello"}, r=run["id"])["runLog"]
    assert (log["message"], log["runId"]) == ("hello", run["id"])
    done = {"status": "SUCCESS", "link": ["https://ci.example.org/1"], "summary": "sent"}
    assert walk("PATCH", "actions/runs/{r}", done, f"?runId={run['id']}", r=run["id"])["run"]["id"] == run["id"]
    assert walk("GET", "actions/runs/{r}", r=run["id"])["run"]["status"] == "SUCCESS"
    assert run["id"] in {each["id"] for each in walk("GET", "actions/runs")["runs"]}
    walk("DELETE", "actions/{a}", **at)


def pages(walk: Walk) -> None:
    at = {"p": "boxes"}
    folder = {"identifier": "shelf", "title": "Shelf"}
    assert walk("POST", "sidebars/catalog/folders", folder)["folder"]["identifier"] == "shelf"
    walk("PATCH", "sidebars/catalog/folders/{f}", {"title": "Shelves"}, f="shelf")
    page = {"identifier": "boxes", "title": "Boxes", "type": "dashboard", "parent": "shelf", "widgets": []}
    walk("POST", "pages", page)
    assert "boxes" in {each["identifier"] for each in walk("GET", "pages")["pages"]}
    items = {each["identifier"]: each for each in walk("GET", "sidebars/catalog")["sidebar"]["items"]}
    assert (items["shelf"]["sidebarType"], items["boxes"]["parent"]) == ("folder", "shelf")
    walk("PUT", "pages/{p}", page | {"title": "All boxes"}, **at)
    walk("PATCH", "pages/{p}", {"icon": "Box"}, **at)
    assert walk("GET", "pages/{p}", **at)["page"]["title"] == "All boxes"
    assert "read" in walk("GET", "pages/{p}/permissions", **at)["permissions"]
    walk("PATCH", "pages/{p}/permissions", {"read": {"roles": ["Admin"]}}, **at)
    walk("DELETE", "pages/{p}", **at)
    walk("DELETE", "sidebars/catalog/folders/{f}", f="shelf")


def people(walk: Walk) -> None:
    walk("POST", "teams", {"name": "movers", "description": "They move", "users": ["alice@example.org"]})
    assert {"crew", "movers"} <= {each["name"] for each in walk("GET", "teams")["teams"]}
    answer = walk("PUT", "teams/{t}", {"name": "movers", "description": "They carry", "users": []}, t="movers")
    assert all(isinstance(each, str) for each in answer["team"].get("users", []))
    walk("PATCH", "teams/{t}", {"users": ["alice@example.org"]}, t="movers")
    fields = "?fields=name&fields=description&fields=users.email"
    read = walk("GET", "teams/{t}", None, fields, t="movers")["team"]
    assert (read["description"], read["users"]) == ("They carry", [{"email": "alice@example.org"}])
    assert [each["email"] for each in walk("GET", "users")["users"]] == ["alice@example.org"]
    assert walk("GET", "users/{u}", u="alice@example.org")["user"]["email"] == "alice@example.org"
    walk("DELETE", "teams/{t}", t="movers")


def webhooks(walk: Walk) -> None:
    made = walk("POST", "webhooks", WEBHOOK)
    assert made["integration"]["url"] and made["integration"] == made["webhook"]
    assert len(walk("GET", "webhooks")["webhooks"]) == 1
    walk("PUT", "webhooks/{w}", WEBHOOK | {"title": "The hook"}, w="hook")
    walk("PATCH", "webhooks/{w}", {"enabled": False}, w="hook")
    read = walk("GET", "webhooks/{w}", w="hook")["integration"]
    assert (read["title"], read["enabled"]) == ("The hook", False)
    walk("DELETE", "webhooks/{w}", w="hook")


def the_end(walk: Walk) -> None:
    mapping = {
        "blueprint": "crate",
        "entity": {"identifier": ".identifier", "properties": {"size": ".properties.size"}},
    }
    moved = walk("POST", "migrations", {"sourceBlueprint": "box", "mapping": mapping})
    read = walk("GET", "migrations/{m}", m=moved["migrationId"])["migration"]
    assert read.keys() >= {"id", "actor", "sourceBlueprint", "mapping", "status"}
    cleared = walk("DELETE", "blueprints/{b}/all-entities", None, "?delete_blueprint=false", b="box")
    assert walk("GET", "migrations/{m}", m=cleared["migrationId"])["migration"]["status"]
    walk("POST", "blueprints", BOX | {"identifier": "bag"})
    walk("DELETE", "blueprints/{b}", b="bag")


CHAPTERS = [
    the_organisation,
    blueprints,
    entities,
    scorecards,
    integrations,
    actions,
    pages,
    people,
    webhooks,
    the_end,
]


def test_every_route_that_the_clients_need_is_walked(walk):
    for chapter in CHAPTERS:
        chapter(walk)
    assert walk.walked == WALK


def test_every_one_of_them_is_described():
    def bare(path: str) -> str:
        return re.sub(r"\{[^}]*\}", "{}", path.replace("sidebars/catalog", "sidebars/{}"))

    described = {
        (method.upper(), bare(path.removeprefix("/v1/")))
        for path, operations in schema.document()["paths"].items()
        for method in operations
    }
    assert {(method, bare(route)) for method, route in WALK} <= described
