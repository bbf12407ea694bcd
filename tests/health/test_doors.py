"""/v1/health: probes, heartbeats, and what others tell of their own probing."""

from datetime import timedelta
from itertools import permutations

import pytest
from django.utils import timezone

from catalog.commands import entity_delete
from deployments.health.commands import heartbeat_take, readings_take
from deployments.health.models import Maintenance, Probe, Reading, Standing
from deployments.health.results import Result
from deployments.health.trials import trial
from portal.accounts.commands import credential_create
from portal.audit.models import Event
from portal.kit.clock import iso
from portal.kit.errors import Invalid, Missing
from tests.conftest import SETUP, V1, events, write

WISH = {
    "service": "checkout",
    "environment": "prod",
    "name": "front door",
    "kind": "http",
    "interval": 30,
    "spec": {"url": "https://checkout.example.org/healthz", "headers": {"Authorization": "Bearer s3cret"}},
}
CANARY = WISH | {"kind": "outside", "name": "canary", "spec": {"source": "cloudwatch", "id": "events-bb-1"}}
CHECK = WISH | {"kind": "outside", "name": "check", "spec": {"source": "checkly", "id": "9c1f"}}


@pytest.fixture
def reporter(db):
    """A pipeline's token that may report, and nothing else."""
    return V1(credential_create("Canary", kind="ci", scopes=["report"], by=SETUP)[1])


def made(program, wish=WISH):
    answer = program.post("health/probes", wish)
    assert answer.status == 201, answer.json
    return answer.json["probe"]


def run_of_canary(number, status, started):
    """As EventBridge sends it."""
    return {
        "version": "0",
        "id": f"2644b18f-3e67-5ebf-cdfd-{number:012}",
        "detail-type": f"Synthetics Canary TestRun {'Successful' if status == 'PASSED' else 'Failure'}",
        "source": "aws.synthetics",
        "account": "123456789012",
        "time": iso(started + timedelta(seconds=40)),
        "region": "us-east-1",
        "resources": [],
        "detail": {
            "account-id": "123456789012",
            "canary-id": "af3e3a05-dc5a-4f5f-96d1-989b75a94226",
            "canary-name": "events-bb-1",
            "canary-run-id": f"0df3823e-7e33-4da1-8194-{number:012}",
            "artifact-location": "cw-syn-results-123456789012-us-east-1/canary/us-east-1/events-bb-1",
            "test-run-status": status,
            "state-reason": "null" if status == "PASSED" else "Error: 503 at step 2",
            "canary-run-timeline": {"started": started.timestamp(), "completed": started.timestamp() + 20},
            "message": "Test run result is generated successfully",
        },
    }


def alert(number, kind, started):
    """As a webhook of Checkly, whose template makes a text of everything."""
    return {
        "event": "Front door has failed",
        "link": "https://app.checklyhq.com/checks/9c1f/results",
        "check_id": "9c1f",
        "check_name": "Front door",
        "check_type": "API",
        "alert_type": kind,
        "response_time": "812",
        "api_check_response_status_code": "503",
        "started_at": iso(started),
        "check_result_id": f"r{number}",
    }


def test_a_probe_is_made_shown_changed_and_taken_away(shop, terraform):
    shown = made(terraform)
    assert (shown["environment"], shown["state"], shown["due_at"] is not None) == ("production", "unknown", True)
    assert shown["spec"]["headers"] == {"Authorization": "•••"}
    assert "s3cret" not in str(Probe.objects.values().get()) and "s3cret" not in str(Event.objects.latest("id").after)
    path = f"health/probes/{shown['id']}"
    assert terraform.get(path).json["probe"] == terraform.get("health/probes").json["probes"][0]
    again = terraform.send("patch", path, {"spec": shown["spec"], "interval": 60}).json["probe"]
    assert (again["interval"], again["spec"]) == (60, shown["spec"])
    place = terraform.get("health", service="checkout").json["places"]
    assert [(each["environment"], each["state"]) for each in place] == [("production", "unknown")]
    assert terraform.post("health/probes", WISH).json["error"] == "identifier_taken"
    assert terraform.delete(path).status == 200
    assert not Standing.objects.exists() and terraform.get(path).status == 404
    assert events("probe") == ["probe.created", "probe.updated", "probe.deleted"]


WRONG = [
    ({"spec": {}}, "spec.url"),
    ({"spec": {"url": "ftp://a.example/"}}, "spec.url"),
    ({"spec": {"url": "http://a.example:25/"}}, "spec.url"),
    ({"spec": {"url": "http://a.example/", "method": "TRACE"}}, "spec.method"),
    ({"spec": {"url": "http://a.example/", "status": [999]}}, "spec.status.0"),
    ({"spec": {"url": "http://a.example/", "headers": {"Host": "b"}}}, "spec.headers.Host"),
    ({"spec": {"url": "http://a.example/", "headers": {"A": "b\r\nC: d"}}}, "spec.headers.A"),
    (
        {"spec": {"url": "http://a.example/", "conditions": [{"path": "$..a", "equals": 1}]}},
        "spec.conditions.0.path",
    ),
    ({"spec": {"url": "http://a.example/", "conditions": [{"equals": 1, "contains": "a"}]}}, "spec.conditions.0"),
    ({"spec": {"url": "http://a.example/", "huh": 1}}, "spec.huh"),
    ({"timeout": 30}, "timeout"),
    ({"interval": 5}, "interval"),
    ({"interval": 10**15}, "interval"),
    ({"interval": True}, "interval"),
    ({"failure_threshold": 0}, "failure_threshold"),
    ({"name": "a\nb"}, "name"),
    ({"kind": "icmp"}, "kind"),
    ({"surprise": 1}, "surprise"),
    ({"service": None}, "service"),
]


def test_what_is_wrong_is_named_and_nothing_is_made(shop, terraform):
    for change, path in WRONG:
        answer = terraform.post("health/probes", WISH | change)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path), change
    assert not Probe.objects.exists() and not Standing.objects.exists() and events("probe") == []


def test_only_owners_and_programs_make_probes(shop, bob, charlie, page, ci):
    from deployments.health.commands import probe_create
    from portal.kit.errors import Refused

    assert probe_create(WISH, by=page(bob))[0].created_by == "Bob"
    for by, wish in ((page(charlie), WISH), (page(bob), WISH | {"service": "search"})):
        with pytest.raises(Refused):
            probe_create(wish | {"name": "other"}, by=by)
    assert ci.post("health/probes", WISH | {"name": "other"}).json["details"]["scope"] == "catalog:write"
    assert Probe.objects.count() == 1


def test_canary_runs_come_twice_and_in_any_order_and_say_the_same(shop, terraform, reporter):
    made(terraform, CANARY)
    began = timezone.now() - timedelta(minutes=30)
    told = [
        run_of_canary(n, status, began + timedelta(minutes=n))
        for n, status in enumerate(["PASSED", "PASSED", "FAILED"])
    ]
    for order in permutations(told):
        Reading.objects.all().delete()
        Probe.objects.update(state="unknown", checked_at=None, judged_from=began)
        for each in (*order, order[0]):
            answer = reporter.post("health/readings", each)
            assert answer.status == 200, answer.json
        assert answer.json["results"][0]["status"] == "known"
        probe = Probe.objects.get()
        assert (probe.state, probe.checked_at, Reading.objects.count()) == ("failing", began + timedelta(minutes=2), 3)
    [last] = Reading.objects.filter(outcome="failed")
    assert (last.reason, last.ms, last.values["run"]) == (
        "Error: 503 at step 2",
        20_000,
        told[2]["detail"]["canary-run-id"],
    )
    stopped = run_of_canary(9, "x", began) | {"detail-type": "Synthetics Canary Status Change"}
    reporter.post("health/readings", stopped)
    assert Probe.objects.get().state == "failing"


def test_webhooks_of_checkly_are_understood(shop, terraform, reporter):
    made(terraform, CHECK)
    began = timezone.now() - timedelta(minutes=30)
    states = []
    for n, kind in enumerate(["ALERT_FAILURE", "ALERT_FAILURE_DEGRADED", "ALERT_DEGRADED_RECOVERY", "SOMETHING_NEW"]):
        reporter.post("health/readings", alert(n, kind, began + timedelta(minutes=n)))
        states.append(Probe.objects.get().state)
    assert states == ["failing", "degraded", "healthy", "healthy"]
    first = Reading.objects.order_by("at")[0]
    assert (first.ms, first.status) == (812, 503)


def test_readings_in_our_own_words_are_answered_one_by_one(shop, terraform, reporter):
    probe = made(terraform, CANARY | {"spec": {"source": "generic", "id": "smoke"}})
    now = timezone.now()
    body = {
        "readings": [
            {"probe": probe["id"], "at": iso(now), "outcome": "ok", "ms": 12, "version": "1.4.2", "key": "run-1"},
            {"id": "smoke", "at": iso(now), "outcome": "ok", "key": "run-1"},
            {"id": "smoke", "at": iso(now - timedelta(days=8)), "outcome": "failed"},
            {"id": "nobody", "outcome": "ok"},
        ]
    }
    answer = reporter.post("health/readings", body)
    assert [each["status"] for each in answer.json["results"]] == ["kept", "known", "old", "unknown"]
    place = terraform.get("health").json["places"][0]
    assert (place["state"], place["run_version"]) == ("healthy", "1.4.2")


MEANINGLESS = [
    {"readings": []},
    {"readings": [1]},
    {"outcome": "ok"},
    {"id": "a", "outcome": "fine"},
    {"id": "a", "outcome": "ok", "at": "9999-12-31T23:59:59Z"},
    {"id": "a", "outcome": "ok", "at": "2026-13-01T00:00:00Z"},
    {"id": "a", "outcome": "ok", "ms": 10**20},
    {"id": "a", "outcome": "ok", "values": {"a": "x" * 5000}},
    {"id": "a\0", "outcome": "ok"},
    '{"id": "\\ud800", "outcome": "ok"}',
    {"source": "aws.synthetics", "detail": []},
    {"check_id": "a", "alert_type": [], "started_at": "now"},
    {"readings": [{"id": "a", "outcome": "ok"}, {"id": "a", "outcome": "fine"}]},
]


def test_readings_that_mean_nothing_are_refused_whole(shop, terraform, reporter):
    made(terraform, CANARY | {"spec": {"source": "generic", "id": "a"}})
    for body in MEANINGLESS:
        assert reporter.post("health/readings", body).status == 422, body
    assert not Reading.objects.exists()


def test_who_may_not_report_tells_nothing(shop, terraform, nobody):
    made(terraform, CANARY | {"spec": {"source": "generic", "id": "a"}})
    gate = V1(credential_create("Gate", kind="ci", scopes=["gate"], by=SETUP)[1])
    assert nobody.post("health/readings", {"id": "a", "outcome": "ok"}).status == 401
    assert gate.post("health/readings", {"id": "a", "outcome": "ok"}).status == 403
    assert not Reading.objects.exists()


def test_a_heartbeat_has_an_address_that_is_told_once(shop, terraform, nobody):
    wish = {
        "service": "checkout",
        "environment": "production",
        "name": "nightly",
        "kind": "heartbeat",
        "interval": 3600,
    }
    answer = terraform.post("health/probes", wish | {"spec": {"grace": 600}}).json
    token = answer["address"].rpartition("/")[2]
    assert token not in str(Probe.objects.values().get())
    assert nobody.post(f"health/heartbeats/{token}", {}).json == {"ok": True, "kept": True}
    probe = Probe.objects.get()
    assert probe.state == "healthy" and probe.due_at == probe.checked_at + timedelta(seconds=4200)
    assert nobody.post(f"health/heartbeats/{token}?outcome=failed", "not json").json["kept"] is False  # too soon
    Probe.objects.update(checked_at=timezone.now() - timedelta(minutes=1))
    assert nobody.post(f"health/heartbeats/{token}?outcome=failed&reason=empty", "not json").json["kept"] is True
    assert Probe.objects.get().state == "failing"
    other = terraform.post(f"health/probes/{answer['probe']['id']}/address", {}).json["address"]
    assert nobody.post(f"health/heartbeats/{token}", {}).status == 404
    assert other.rpartition("/")[2] != token
    with pytest.raises(Missing):
        heartbeat_take("")


def test_what_a_viewer_may_not_see_is_not_told(shop, terraform, charlie, page):
    from deployments.health import queries

    shown = made(terraform)
    made(terraform, {"blueprint": "service", "entity": "checkout", "name": "site", "spec": WISH["spec"]})
    readings_take(
        [Result(each.pk, timezone.now(), "failed") for each in Probe.objects.all() for _ in range(3)],
        now=timezone.now(),
    )
    assert queries.probes(page(charlie)).count() == 2
    terraform.send("patch", "blueprints/service/permissions", {"entities": {"read": {"roles": ["Admin"]}}})
    viewer = page(charlie)
    assert not queries.probes(viewer).exists() and not queries.places(viewer).exists()
    assert not queries.flips(viewer).exists()
    with pytest.raises(Missing):
        queries.probe(viewer, shown["id"])


def test_maintenance_lets_probes_go_on_and_tells_what_is_still_bad_at_its_end(shop, terraform, reporter):
    from deployments.health.commands import maintenance_settle

    probe = Probe.objects.get(public_id=made(terraform)["id"])
    wish = {"service": "checkout", "environment": "prod", "reason": "a new disk", "duration": "1h"}
    assert reporter.post("health/maintenance", {"everything": True, "reason": "why", "duration": "1h"}).status == 403
    begun = reporter.post("health/maintenance", wish)
    assert (begun.status, begun.json["maintenance"]["covers"]) == (201, "checkout in production")
    now = timezone.now()
    readings_take([Result(probe.pk, now + timedelta(seconds=n), "failed", answered=False) for n in range(3)], now=now)
    assert Event.objects.latest("id").payload["muted"] is True
    assert terraform.get("health").json["places"][0] | {"state": "maintenance", "verdict": "down", "muted": True} == terraform.get("health").json["places"][0]  # fmt: skip
    assert maintenance_settle(now=timezone.now()) == 0
    assert (
        terraform.delete(f"health/maintenance/{begun.json['maintenance']['id']}").json["maintenance"]["is_on"] is False
    )
    assert maintenance_settle(now=timezone.now()) == 1
    told = Event.objects.latest("id")
    assert (told.before, told.after["state"], told.payload["muted"]) == ({"state": "maintenance"}, "down", False)
    assert maintenance_settle(now=timezone.now()) == 0
    assert not Maintenance.objects.filter(settled_at=None).exists()


def test_probes_go_with_their_place_and_take_its_new_name(shop, terraform):
    made(terraform)
    write("service", "search", mode="patch", title="Search")
    assert terraform.send("patch", "blueprints/service/entities/checkout", {"identifier": "till"}).status == 200
    probe = Probe.objects.select_related("service").get()
    assert str(probe) == "till in production: front door"
    readings_take([Result(probe.pk, timezone.now(), "ok")], now=timezone.now())
    entity_delete(probe.service, by=SETUP)
    assert not Probe.objects.exists() and not Standing.objects.exists() and not Reading.objects.exists()
    assert events("probe")[-1] == "probe.deleted"


@pytest.mark.parametrize(
    "url", ["https://evil.example/healthz", "http://checkout.example.org/healthz", "https://checkout.example.org:8443/"]
)
def test_a_header_that_nobody_is_shown_goes_to_no_other_address(shop, terraform, url):
    """Those who may change a probe need not know the secret in it: another address takes it anew."""
    probe = made(terraform)
    spec = probe["spec"] | {"url": url}
    answer = terraform.send("patch", f"health/probes/{probe['id']}", {"spec": spec})
    assert answer.status == 422 and "it was meant for checkout.example.org" in answer.json["message"]
    with pytest.raises(Invalid):
        trial({"spec": spec}, of=Probe.objects.get(), by=SETUP)
    same = spec | {"url": "https://checkout.example.org/other"}
    assert terraform.send("patch", f"health/probes/{probe['id']}", {"spec": same}).status == 200
    anew = spec | {"headers": {"Authorization": "Bearer another"}}
    assert (
        url.endswith("8443/") or terraform.send("patch", f"health/probes/{probe['id']}", {"spec": anew}).status == 200
    )
