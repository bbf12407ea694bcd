"""Programs that sync a source: what they say is kept as it is, and what is wrong is refused whole."""

import pytest

from catalog.integrations.commands import reports
from catalog.integrations.models import Integration, LogLine, Sync
from tests.conftest import events

EXPORTER = {"installationId": "cluster-1", "installationAppType": "K8S EXPORTER", "title": "Cluster 1", "config": {}}


@pytest.fixture
def exporter(terraform):
    assert terraform.post("integration", EXPORTER).status == 201
    return terraform


def shown(v1):
    return v1.get("integration/cluster-1").json["integration"]


def test_an_exporter_finds_where_to_send_its_log(exporter):
    """It crashes without the address."""
    assert shown(exporter)["logAttributes"]["ingestUrl"].startswith("http")
    path = shown(exporter)["logAttributes"]["ingestUrl"].partition("/v1/")[2]
    assert exporter.post(path, {"logs": [{"message": "hello", "level": "warn"}]}).status == 200
    assert exporter.get("integration/cluster-1/logs", level="WARNING").json["data"][0]["message"] == "hello"
    assert exporter.get("integration/cluster-1/logs", level="ERROR").json["data"] == []


def test_a_second_creation_takes_what_it_is_given(exporter):
    answer = exporter.post("integration", EXPORTER | {"version": "0.3.4"})
    assert answer.status == 200
    assert answer.json["integration"]["version"] == "0.3.4"
    assert events("integration") == ["integration.created", "integration.updated"]


def test_another_kind_of_integration_does_not_take_the_name(exporter):
    answer = exporter.post("integration", EXPORTER | {"installationAppType": "gitlab"})
    assert answer.status == 409
    assert "K8S EXPORTER" in answer.json["message"]
    assert shown(exporter)["installationAppType"] == "K8S EXPORTER"
    assert events("integration") == ["integration.created"]


def test_a_resync_does_not_look_like_a_change_of_the_settings(exporter):
    """The exporter starts anew whenever updatedAt moves."""
    stamp = shown(exporter)["updatedAt"]
    exporter.send("patch", "integration/cluster-1/resync-state", {"status": "running"})
    assert shown(exporter)["updatedAt"] == stamp


def test_a_resync_that_goes_on_is_one_event(exporter):
    for status in ("running", "running", "completed"):
        exporter.send("patch", "integration/cluster-1/resync-state", {"status": status})
    assert events("integration.resync") == ["integration.resync_started", "integration.resync_completed"]


def test_its_config_alone_is_replaced(exporter):
    config = {"resources": [], "deleteDependentEntities": False}
    assert exporter.send("patch", "integration/cluster-1/config", {"config": config}).status == 200
    assert shown(exporter)["config"] == config
    assert shown(exporter)["title"] == "Cluster 1"


@pytest.mark.parametrize(
    ("method", "path", "body", "where"),
    [
        ("post", "integration", {"installationAppType": "x"}, "body"),
        ("post", "integration", {"installationId": 7}, "installationId"),
        ("post", "integration", {"installationId": "x" * 251}, "installationId"),
        ("patch", "integration/cluster-1", {"changelogDestination": {"type": "PIGEON"}}, "changelogDestination.type"),
        ("patch", "integration/cluster-1", {"changelogDestination": {"type": "WEBHOOK"}}, "changelogDestination"),
        ("patch", "integration/cluster-1", {"installationId": "another"}, "installationId"),
        ("patch", "integration/cluster-1/config", {}, "config"),
        ("patch", "integration/cluster-1/config", {"config": {"resources": [{}]}}, "config.resources.0"),
        (
            "patch",
            "integration/cluster-1/config",
            {"config": {"entityDeletionThreshold": 2}},
            "config.entityDeletionThreshold",
        ),
        ("patch", "integration/cluster-1/resync-state", {"status": "sleeping"}, "status"),
        ("patch", "integration/cluster-1/resync-state", {"lastResyncStart": "yesterday"}, "lastResyncStart"),
        ("post", "integration/cluster-1/kinds/pod/examples", {"examples": {}}, "examples"),
        ("post", "integration/cluster-1/syncMetrics", {"syncKindsMetrics": [{"eventId": "1"}]}, "syncKindsMetrics.0"),
        ("post", "integration/cluster-1/logs", {"logs": [{"level": "INFO"}]}, "logs.0"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(exporter, method, path, body, where):
    before = shown(exporter)
    answer = exporter.send(method, path, body)
    assert answer.status == 422
    assert answer.json["details"]["errors"][0]["path"] == where
    assert shown(exporter) == before
    assert Integration.objects.count() == 1
    assert not LogLine.objects.exists()
    assert not Sync.objects.exists()


def test_an_unknown_integration_is_not_there(terraform):
    for path in ("integration/x", "integration/x/logs", "integration/x/kinds", "integration/integration_0/syncMetrics"):
        answer = terraform.get(path)
        assert answer.status == 404
        assert "integration" not in answer.json


def test_a_program_that_may_only_report_deployments_tells_nothing(exporter, ci):
    before = shown(exporter)
    for method, path, body in [
        ("post", "integration", EXPORTER | {"title": "x"}),
        ("patch", "integration/cluster-1", {"title": "x"}),
        ("patch", "integration/cluster-1/resync-state", {"status": "failed"}),
        ("post", "integration/cluster-1/logs", {"logs": [{"message": "x"}]}),
    ]:
        assert ci.send(method, path, body).status == 403
    assert ci.delete("integration/cluster-1").status == 403
    assert shown(exporter) == before


def test_a_deleted_integration_is_gone_and_its_entities_stay(exporter, shop):
    assert exporter.delete("integration/cluster-1").status == 200
    assert exporter.get("integration/cluster-1").status == 404
    assert exporter.get("blueprints/service/entities/checkout").status == 200
    assert events("integration") == ["integration.created", "integration.deleted"]


def test_only_the_newest_lines_are_kept(exporter, monkeypatch):
    monkeypatch.setattr(reports, "KEPT_LINES", 3)
    for n in range(5):
        exporter.post(
            "integration/cluster-1/logs", {"logs": [{"message": str(n), "timestamp": f"2026-01-05T10:00:0{n}Z"}]}
        )
    lines = exporter.get("integration/cluster-1/logs").json["data"]
    assert [line["message"] for line in lines] == ["4", "3", "2"]
    older = exporter.get("integration/cluster-1/logs", timestamp=lines[0]["timestamp"], direction="down", limit="1")
    assert [line["message"] for line in older.json["data"]] == ["3"]
    newer = exporter.get("integration/cluster-1/logs", timestamp=lines[2]["timestamp"], direction="up", limit="1")
    assert [line["message"] for line in newer.json["data"]] == ["3"]
