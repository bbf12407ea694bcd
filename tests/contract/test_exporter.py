"""The Kubernetes exporter, from its start to its reconciliation. It takes 200 and 207 of a bulk, and nothing else."""

import pytest

from tests.conftest import V1, events
from tests.contract.test_ocean import versions

AGENT = "port-k8s-exporter/^0.3.4 (statekey/my-cluster)"
NAMESPACE = {
    "identifier": "namespace",
    "title": "Namespace",
    "icon": "Cluster",
    "schema": {"properties": {"labels": {"type": "object"}, "phase": {"type": "string"}}, "required": []},
    "mirrorProperties": {},
    "calculationProperties": {},
    "relations": {},
}
FLAGS = "upsert=true&merge=true&run_id=&create_missing_related_entities=true"


class Exporter:
    def __init__(self, v1: V1) -> None:
        self.v1 = v1

    def do(self, method, path, body):
        return self.v1.send(method, path, body, User_Agent=AGENT)

    def start(self):
        found = self.v1.get("integration/my-cluster", isPolling="false")
        if not found.json["ok"]:
            wished = {"title": "", "installationAppType": "K8S EXPORTER", "installationId": "my-cluster", "config": {}}
            found = self.do("post", "integration", wished)
        # A nil pointer ends it when this is not there.
        assert found.json["integration"]["logAttributes"]["ingestUrl"]
        return found.json["integration"]

    def write(self, names):
        entities = [
            {
                "identifier": name,
                "title": name,
                "blueprint": "namespace",
                "properties": {"phase": "Active"},
                "relations": {},
            }
            for name in names
        ]
        return self.do("post", f"blueprints/namespace/entities/bulk?{FLAGS}", {"entities": entities})

    def mine(self):
        body = {"datasource_prefix": "port-k8s-exporter", "datasource_suffix": "(statekey/my-cluster)"}
        path = "blueprints/entities/datasource-entities?exclude_calculated_properties=true&include=blueprint&include=identifier"
        return [each["identifier"] for each in self.do("post", path, body).json["entities"]]


@pytest.fixture
def exporter(terraform):
    assert terraform.post("blueprints?create_catalog_page=false", NAMESPACE).status == 201
    return Exporter(terraform)


def test_it_starts_twice(exporter):
    first = exporter.start()
    assert exporter.start()["_id"] == first["_id"]
    assert exporter.do("patch", "integration/my-cluster", {"version": "0.3.4"}).json["ok"] is True


def test_a_bulk_with_one_bad_item_is_207_and_the_rest_is_written(exporter):
    assert exporter.write(["default", "kube-system"]).status == 200
    answer = exporter.write(["web", "no good"])
    assert answer.status == 207
    assert [each["index"] for each in answer.json["entities"]] == [0]
    [fault] = answer.json["errors"]
    assert (fault["index"], fault["identifier"], fault["statusCode"]) == (1, "no good", 422)
    assert sorted(exporter.mine()) == ["default", "kube-system", "web"]


def test_it_finds_all_of_its_own_without_pages_and_deletes_what_is_gone(exporter):
    for start in range(0, 240, 20):
        exporter.write([f"ns-{n}" for n in range(start, start + 20)])
    exporter.v1.post("blueprints/namespace/entities", {"identifier": "by-hand", "properties": {}})
    assert len(exporter.mine()) == 240
    assert exporter.v1.delete("blueprints/namespace/entities/ns-7?delete_dependents=true").status == 200
    assert "ns-7" not in exporter.mine()


def test_it_starts_anew_when_its_settings_change_and_only_then(exporter):
    stamp = exporter.start()["updatedAt"]
    exporter.write(["default"])
    assert exporter.v1.get("integration/my-cluster", isPolling="true").json["integration"]["updatedAt"] == stamp
    exporter.do("patch", "integration/my-cluster/config", {"config": {"resources": []}})
    assert exporter.v1.get("integration/my-cluster", isPolling="true").json["integration"]["updatedAt"] != stamp


def test_a_resync_that_finds_all_as_it_was_writes_nothing(exporter):
    """It sends everything each time."""
    names = [f"ns-{n}" for n in range(20)]
    exporter.write(names)
    before, written = versions(), events()
    assert exporter.write(names).status == 200
    assert (versions(), events()) == (before, written)
    assert sorted(exporter.mine()) == sorted(names)
