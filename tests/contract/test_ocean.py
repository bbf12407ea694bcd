"""What Ocean sends from its start to the end of a resync, twice, and what it reads of the answers.

The second resync writes nothing that did not change and deletes what went away.
"""

from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote_plus

import pytest
from django.db import connection

from catalog.commands import entity_write
from catalog.integrations.commands import removal_approve
from catalog.integrations.models import Removal
from catalog.models import Entity
from catalog.wishes import Wish
from portal.accounts.commands import credential_create
from portal.audit.outbox import deliver_due
from tests.conftest import SETUP, V1, Answer, events

ME = "acme/fake"
AGENT = "port-ocean/fake-integration/0.1.333-dev/acme/fake"
# What it calls itself where it writes and searches entities.
EXPORTER = f"{AGENT}/exporter"
FLAGS = (
    "upsert=true&merge=true&create_missing_related_entities=true&validation_only=false"
    "&ocean_info_event_type=resync&ocean_info_resync_id=7f1"
)
CONFIG = {
    "deleteDependentEntities": True,
    "createMissingRelatedEntities": True,
    "enableMergeEntity": True,
    "entityDeletionThreshold": 0.9,
    "resources": [
        {
            "kind": "fake-person",
            "selector": {"query": "true"},
            "port": {"entity": {"mappings": {"identifier": ".id", "blueprint": '"fake-person"'}}},
        }
    ],
}
DEPARTMENT = {
    "identifier": "fake-department",
    "title": "Department",
    "icon": "Blueprint",
    "schema": {"properties": {"name": {"type": "string"}}},
}
PERSON = {
    "identifier": "fake-person",
    "title": "Person",
    "icon": "Blueprint",
    "schema": {
        "properties": {
            "email": {"type": "string", "format": "email"},
            "age": {"type": "number"},
            "status": {"type": "string", "enum": ["WORKING", "NOPE"]},
        }
    },
}
RELATIONS = {"department": {"title": "Department", "target": "fake-department", "required": False, "many": False}}
PEOPLE = [
    {
        "identifier": f"person-{n}",
        "blueprint": "fake-person",
        "title": f"Person {n}",
        "properties": {"email": f"p{n}@example.org", "age": 20 + n, "status": "WORKING", "unmapped": "kept"},
        "relations": {"department": "hr"},
    }
    for n in range(25)
]


class Ocean:
    """The integration: `get`, `post`, `patch` and `put` as it makes them; anything but success is an error."""

    def __init__(self, v1: V1) -> None:
        self.v1 = v1
        self.at = f"integration/{quote_plus(ME)}"

    def ask(self, path: str, **params: str) -> Answer:
        headers = {"Authorization": f"Bearer {self.v1.token}", "User-Agent": AGENT}
        return self.v1._answer(self.v1.client.get(f"/v1/{path}", params, headers=headers))

    def get(self, path: str, **params: str) -> Any:
        answer = self.ask(path, **params)
        assert answer.status == 200, answer.json
        return answer.json

    def send(self, method: str, path: str, body: Any) -> Any:
        agent = EXPORTER if "entities" in path or path.startswith("blueprints") else AGENT
        answer = self.v1.send(method, path, body, User_Agent=agent)
        assert 200 <= answer.status < 300, answer.json
        return answer.json

    def start(self) -> None:
        asked = {"oceanCoreVersion": "0.55.4", "isPolling": "false"}
        first = self.ask(self.at, **asked)
        assert self.get("integration/provision-enabled")["integrations"] == []
        organization = self.get("organization")["organization"]
        assert organization["featureFlags"] == []
        assert organization["id"]
        if "integration" not in first.json:
            assert self.ask(self.at, **asked).status == 404
            self.create()
        stored = self.get(self.at)["integration"]
        said = {
            "installationAppType": "fake-integration",
            "actionsProcessingEnabled": False,
            "incrementalSyncEnabled": False,
            "changelogDestination": {},
            "processingMode": "dsp",
            "version": "0.1.333-dev",
        }
        if any(stored.get(name) != value for name, value in said.items()):
            stored = self.send("patch", self.at, said)["integration"]
        assert {name: stored[name] for name in said} == said
        if not stored.get("arePortResourcesInitialized"):
            self.defaults()

    def create(self) -> None:
        made = {
            "installationId": ME,
            "installationAppType": "fake-integration",
            "version": "0.1.333-dev",
            "changelogDestination": {},
            "config": CONFIG,
            "actionsProcessingEnabled": False,
            "incrementalSyncEnabled": False,
            "createPortResourcesOrigin": "Default",
        }
        assert self.send("post", "integration", made)["integration"]["config"] == CONFIG

    def defaults(self) -> None:
        for blueprint in (DEPARTMENT, PERSON):
            assert self.ask(f"blueprints/{blueprint['identifier']}").status == 404
        for blueprint in (DEPARTMENT, PERSON):
            self.send("post", "blueprints", blueprint)
        for whole in (DEPARTMENT, PERSON | {"relations": RELATIONS}):
            self.send("patch", f"blueprints/{whole['identifier']}", whole)
        shown = self.get("blueprints/fake-person")["blueprint"]
        assert shown["relations"]["department"].keys() >= {"many", "required", "target"}
        assert "schema" in shown
        self.send("patch", self.at, {"arePortResourcesInitialized": True, "version": "0.1.333-dev"})

    def resync(self, people: list[dict[str, Any]], *, searching: bool = True) -> int:
        """How many entities it sent: those that it found different, or all where its search failed."""
        began = {
            "status": "running",
            "lastResyncEnd": None,
            "lastResyncStart": "2026-01-05T10:00:00.123456+00:00",
            "nextResync": None,
            "intervalInMinuets": None,
        }
        state = self.send("patch", f"{self.at}/resync-state", began)["integration"]["resyncState"]
        before = state["updatedAt"]
        integration = self.get(self.at)["integration"]
        assert integration["config"]["resources"]
        self.tell(integration, people)
        changed = self.changed(people) if searching else people
        for start in range(0, len(changed), 20):
            batch = changed[start : start + 20]
            answer = self.send("post", f"blueprints/fake-person/entities/bulk?{FLAGS}", {"entities": batch})
            assert sorted(each["index"] for each in answer["entities"]) == list(range(len(batch)))
        self.delete_stale(people, before)
        done = {"status": "completed", "lastResyncEnd": "2026-01-05T10:01:00+00:00"}
        self.send("patch", f"{self.at}/resync-state", done)
        assert self.get(self.at)["integration"]["resyncState"]["status"] == "completed"
        return len(changed)

    def tell(self, integration: Any, people: list[dict[str, Any]]) -> None:
        metrics = integration["metricAttributes"]["ingestUrl"].partition("/v1/")[2]
        logs = integration["logAttributes"]["ingestUrl"].partition("/v1/")[2]
        kind = {
            "eventId": "7f1",
            "kindIdentifier": "fake-person-0",
            "kind": "fake-person",
            "kindIndex": 0,
            "syncState": "syncing",
            "blueprint": "fake-person",
            "metrics": {"phase": {"extract": {"object_count": 25}}},
        }
        self.send("post", f"{metrics}/syncMetrics", {"syncKindsMetrics": [kind]})
        done = {"syncKindMetrics": kind | {"syncState": "completed"}}
        self.send("put", f"{metrics}/syncMetrics/resync/7f1/kind/fake-person-0", done)
        self.send("post", f"{metrics}/heartbeat", {"eventId": "7f1"})
        self.send("post", f"{self.at}/kinds/fake-person/examples", {"examples": people[:5]})
        line = {
            "message": "Fetched 25",
            "level": "INFO",
            "timestamp": "2026-01-05T10:00:01Z",
            "extra": {"event_id": "7f1"},
        }
        self.send("post", logs, {"logs": [line]})

    def changed(self, people: list[dict[str, Any]]) -> list[dict[str, Any]]:
        """It reads back what it generates, and sends what is not equal."""
        query = {
            "combinator": "and",
            "rules": [
                {"property": "$identifier", "operator": "in", "value": [each["identifier"] for each in people]},
                {"property": "$blueprint", "operator": "=", "value": "fake-person"},
                {"property": "$datasource", "operator": "contains", "value": "port-ocean/fake-integration/"},
                {"property": "$datasource", "operator": "contains", "value": "/acme/fake/exporter"},
            ],
        }
        parts = ["blueprint", "identifier", "title", "relations.department"]
        parts += [f"properties.{name}" for name in ("email", "age", "status", "unmapped")]
        asked = "&".join(f"include={part}" for part in parts)
        found = self.send("post", f"entities/search?exclude_calculated_properties=true&{asked}", query)["entities"]
        there = {each["identifier"]: each for each in found}
        return [each for each in people if there.get(each["identifier"]) != each]

    def delete_stale(self, people: list[dict[str, Any]], before: str) -> None:
        """Everything of its own that it has not written since it began, and that this resync did not find."""
        body = {
            "before": before,
            "datasource_prefix": "port-ocean/fake-integration/",
            "datasource_suffix": "/acme/fake/exporter",
            "limit": 5000,
        }
        answer = self.send("post", "blueprints/entities/datasource-entities", body)
        assert answer["next"] is None
        mine = {each["identifier"] for each in people}
        stale = [
            each["identifier"]
            for each in answer["entities"]
            if each["blueprint"] == "fake-person" and each["identifier"] not in mine
        ]
        if stale:
            deleted = self.send(
                "post", "blueprints/fake-person/bulk/entities/delete?delete_dependents=true", {"entities": stale}
            )
            assert sorted(deleted["deletedEntities"]) == sorted(stale)


@pytest.fixture
def ocean(db: None) -> Ocean:
    """With the scopes that docs/integrations.md tells people to give it, and no more."""
    _, token = credential_create("Ocean", kind="ci", scopes=["catalog:read", "catalog:write"], by=SETUP)
    return Ocean(V1(token))


def versions() -> dict[str, str]:
    """Of every entity's row: it is another one after any write."""
    with connection.cursor() as cursor:
        cursor.execute("select identifier, xmin::text || ctid::text from catalog_entity order by id")
        return dict(cursor.fetchall())


def test_the_first_resync_brings_everything(ocean):
    ocean.start()
    assert ocean.resync(PEOPLE) == 25
    entity = ocean.get("blueprints/fake-person/entities/person-7")["entity"]
    assert entity["properties"] == PEOPLE[7]["properties"]
    assert entity["relations"] == {"department": "hr"}
    # The department was missing, and was made.
    assert Entity.objects.filter(blueprint__identifier="fake-department").count() == 1


def test_the_second_resync_writes_nothing_that_did_not_change_and_deletes_what_went_away(ocean):
    ocean.start()
    ocean.resync(PEOPLE)
    before, written = versions(), events("entity", "blueprint")

    ocean.start()
    assert ocean.resync(PEOPLE) == 0
    assert events("entity", "blueprint") == written
    assert versions() == before

    older = PEOPLE[3] | {"properties": PEOPLE[3]["properties"] | {"age": 99}}
    assert ocean.resync([*PEOPLE[:3], older, *PEOPLE[4:20]]) == 1
    people = Entity.objects.filter(blueprint__identifier="fake-person")
    assert people.count() == 20
    assert people.get(identifier="person-3").properties["age"] == 99


def test_entities_that_are_sent_again_as_they_are_leave_no_trace(ocean):
    """It sends all of them where it cannot compare: small batches, relations by search, a search that failed."""
    ocean.start()
    ocean.resync(PEOPLE)
    before, written = versions(), events("entity")
    assert ocean.resync(PEOPLE, searching=False) == 25
    assert events("entity") == written
    assert versions() == before


def test_what_it_saw_as_it_was_is_not_among_what_it_has_not_seen(ocean):
    ocean.start()
    ocean.resync(PEOPLE)
    began = datetime.now(UTC).isoformat()
    ocean.send("post", f"blueprints/fake-person/entities/bulk?{FLAGS}", {"entities": PEOPLE[:20]})
    body = {
        "datasource_prefix": "port-ocean/fake-integration/",
        "datasource_suffix": "/acme/fake/exporter",
        "before": began,
        "limit": 5000,
    }
    found = ocean.send("post", "blueprints/entities/datasource-entities", body)["entities"]
    people = [each["identifier"] for each in found if each["blueprint"] == "fake-person"]
    assert people == [f"person-{n}" for n in range(20, 25)]


def test_what_somebody_else_wrote_as_it_is_becomes_its_own(ocean, terraform):
    """The last writer is the datasource; a person who saves at a page, without an agent, takes nothing away."""
    ocean.start()
    ocean.resync(PEOPLE)
    person = Entity.objects.get(identifier="person-1")
    by_hand = terraform.post("blueprints/fake-person/entities?upsert=true", PEOPLE[1], User_Agent="curl/8")
    assert by_hand.status == 201
    person.refresh_from_db()
    assert (person.datasource, person.updated_by) == ("curl/8", "Ocean")
    stamp = person.updated_at
    assert ocean.resync(PEOPLE) == 1
    person.refresh_from_db()
    assert (person.datasource, person.updated_at) == (EXPORTER, stamp)
    wish = Wish("fake-person", "person-1", "patch", title="Person 1", given=frozenset({"title"}))
    entity_write(wish, by=SETUP)
    person.refresh_from_db()
    assert (person.datasource, person.updated_at) == (EXPORTER, stamp)


def test_its_own_settings_come_back_as_it_sent_them(ocean):
    """It compares them at every start, and would send them again for ever."""
    ocean.start()
    stamp = ocean.get(ocean.at)["integration"]["updatedAt"]
    ocean.start()
    assert ocean.get(ocean.at)["integration"]["updatedAt"] == stamp


def test_it_asks_whether_anybody_wants_a_resync(ocean, terraform):
    ocean.start()
    assert ocean.get(f"{ocean.at}/resync-request")["request"] is None
    ocean.send("post", f"{ocean.at}/resync-request", {})
    assert ocean.get(f"{ocean.at}/resync-request")["request"]["updatedAt"].endswith("Z")


def test_an_operator_reads_its_metrics_and_its_log(ocean):
    ocean.start()
    ocean.resync(PEOPLE)
    metrics = ocean.get(f"{ocean.at}/syncMetrics", resyncId="7f1")
    assert metrics["count"] == 1
    assert metrics["data"][0]["syncState"] == "completed"
    assert metrics["data"][0]["metrics"] == {"phase": {"extract": {"object_count": 25}}}
    assert [each["eventId"] for each in ocean.get(f"{ocean.at}/syncsMetadata")["data"]] == ["7f1"]
    assert [line["message"] for line in ocean.get(f"{ocean.at}/logs", eventId="7f1")["data"]] == ["Fetched 25"]
    assert ocean.get(f"{ocean.at}/kinds")["data"]["fake-person"]["examples"][0]["data"] == PEOPLE[0]


def test_when_it_is_stopped_in_a_resync_it_says_so(ocean):
    ocean.start()
    ocean.send("patch", f"{ocean.at}/resync-state", {"status": "running"})
    assert ocean.get(ocean.at)["integration"]["resyncState"]["status"] == "running"
    ocean.send("patch", f"{ocean.at}/resync-state", {"status": "aborted"})
    assert events("integration.resync") == ["integration.resync_started", "integration.resync_aborted"]


def test_it_cleans_up_after_itself_once_a_person_agrees(ocean, alice, page):
    """All of its entities are more than its share: they stay, with the integration, until somebody decides."""
    ocean.start()
    ocean.resync(PEOPLE)
    path = "/v1/blueprints/fake-person/all-entities?delete_blueprint=true"
    headers = {"Authorization": f"Bearer {ocean.v1.token}", "User-Agent": EXPORTER}
    held = ocean.v1._answer(ocean.v1.client.delete(path, headers=headers))
    assert (held.status, held.json["error"]) == (409, "deletion_held")
    assert Entity.objects.filter(blueprint__identifier="fake-person").count() == 25
    removal_approve(Removal.objects.get(), by=page(alice))
    deliver_due()
    assert ocean.ask("blueprints/fake-person").status == 404
    assert ocean.v1.delete(ocean.at).json == {"ok": True}
    assert ocean.ask(ocean.at).status == 404
