"""Every report that comes to a door of deployments leaves one row, whatever becomes of it."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report, report_replay
from deployments.models import Deployment, InboxItem, ReportRequest
from deployments.queries import report_requests
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Invalid, Missing, Refused
from tests.conftest import SETUP, events, write

REPORT = {"service": "checkout", "environment": "production", "version": "1.0"}
RUN = REPORT | {"ci": {"provider": "github", "run": "1"}}


def report(body=RUN, key="", by=SETUP):
    return deployment_report(body, key=key, by=by)


def came():
    return list(ReportRequest.objects.order_by("id"))


def outcomes():
    return [each.outcome for each in came()]


@pytest.mark.parametrize("key", ["", "k"])
def test_a_report_leaves_who_which_and_what_became_of_it(shop, key):
    deployment = report(key=key).deployment
    [row] = came()
    assert (row.outcome, row.sender, row.door, row.deployment, row.body) == (
        "created",
        "setup",
        "report",
        deployment,
        RUN,
    )
    assert (row.service, row.environment, row.key, row.answer) == ("checkout", "production", key or None, None)


def test_the_same_again_is_repeated_and_more_of_it_advances(shop):
    report(RUN | {"status": "in_progress"}, key="a")
    report(RUN | {"status": "in_progress"}, key="a")
    report(RUN)
    report(RUN)
    assert outcomes() == ["created", "repeated", "advanced", "repeated"]
    assert len({row.deployment for row in came()}) == 1


def test_what_came_long_after_it_happened_says_how_long(shop):
    report(REPORT | {"finished_at": iso(database_now() - timedelta(minutes=40))})
    [row] = came()
    assert row.outcome == "late" and 2400 <= row.late_by < 2460


def test_a_lower_status_after_a_higher_one_is_late(shop):
    report()
    report(RUN | {"status": "in_progress"})
    assert [(row.outcome, row.late_by) for row in came()] == [("created", None), ("late", None)]


@pytest.mark.parametrize(("body", "key"), [(RUN | {"version": "2.0"}, ""), (RUN | {"version": "2.0"}, "k")])
def test_a_conflict_is_logged_with_the_difference_though_nothing_of_it_was_taken(shop, body, key):
    report(key="k")
    with pytest.raises(Conflict):
        report(body, key=key)
    row = came()[-1]
    assert (row.outcome, row.body, row.answer["status"]) == ("conflicting", body, 409)
    assert row.answer["details"]["differs_in"] == ["version"]
    assert Deployment.objects.get().version == "1.0"


def test_a_refused_report_is_logged_with_its_faults_and_leaves_its_key_free(shop):
    with pytest.raises(Invalid):
        report({"service": "checkout", "status": "fine"}, key="k")
    [row] = came()
    assert (row.outcome, row.service, row.answer["status"]) == ("refused", "checkout", 422)
    assert {fault["path"] for fault in row.answer["details"]["errors"]} == {"status", "environment", "version"}
    assert report(key="k").created


def test_one_who_may_not_report_is_refused_and_logged(shop, terraform):
    from portal.accounts.commands import credential_create
    from tests.conftest import V1

    _, token = credential_create("Reader", kind="ci", scopes=["catalog:read"], by=SETUP)
    assert V1(token).post("deployments", REPORT).status == 403
    assert [(row.outcome, row.sender, row.answer["status"]) for row in came()] == [("refused", "Reader", 403)]
    assert not Deployment.objects.exists()


@pytest.mark.parametrize("body", ["{", "[]", '"a"', ""])
def test_what_cannot_be_read_is_logged_too(shop, ci, body):
    assert ci.post("deployments", body).status == 422
    assert [(row.outcome, row.sender, row.body) for row in came()] == [("refused", "CI", None)]


def test_an_unknown_name_is_in_the_inbox_and_leads_to_what_it_was_placed_as(shop, page, alice):
    from deployments.commands import inbox_place

    item = report(RUN | {"service": "chekout"}).inbox_item
    assert [(row.outcome, row.service, row.inbox_item) for row in came()] == [("inbox", "chekout", item)]
    placed = inbox_place(item, service="checkout", environment="prod", by=page(alice))
    assert came()[0].deployment == placed


def test_a_body_of_more_than_64_kib_is_not_kept(shop):
    report(RUN | {"extra": {"log": "x" * 70_000}})
    with pytest.raises(Invalid):
        report({"service": "x" * 70_000, "version": "\ud83d\ude00" * 3})
    assert [(row.outcome, row.body) for row in came()] == [("created", None), ("refused", None)]


def test_a_deployment_entity_that_a_client_writes_is_logged(shop, terraform):
    write("deploymentConfig", "cp", relations={"service": ("checkout",), "environment": ("production",)})
    path = "blueprints/deployment/entities"
    body = {"identifier": "d1", "properties": {"version": "1.0"}, "relations": {"deploymentConfig": "cp"}}
    assert terraform.post(path + "?upsert=true", body).status == 201
    assert terraform.post(path + "?upsert=true", body).status == 201
    assert terraform.post(path, {"identifier": "plain"}).status == 201
    assert terraform.post(path, body | {"properties": {"status": "fine"}, "identifier": "d2"}).status == 422
    assert (
        terraform.post(path + "/bulk", {"entities": [body | {"identifier": "d3", "relations": {"x": "y"}}]}).status
        == 207
    )
    assert [(row.door, row.outcome) for row in came()] == [
        ("entity", "created"), ("entity", "repeated"), ("entity", "ignored"), ("entity", "refused"), ("entity", "refused"),
    ]  # fmt: skip
    assert Deployment.objects.count() == 1


def test_trying_out_an_entity_leaves_nothing_in_the_log(shop, terraform):
    path = "blueprints/deployment/entities?validation_only=true"
    assert terraform.post(path, {"identifier": "d", "properties": {"version": 7}}).status == 422
    assert terraform.post(path, {"identifier": "d", "properties": {"version": "7"}}).status == 201
    assert came() == []


def test_a_log_row_goes_with_the_events_of_its_report_and_keeps_its_key_as_well(shop):
    def statements(number, key):
        with CaptureQueriesContext(connection) as asked:
            report(REPORT | {"version": str(number), "ci": {"run": str(number)}}, key=key)
        return [each["sql"] for each in asked if "deployments_reportrequest" in each["sql"]]

    statements(0, "")
    assert [sql.split()[0] for sql in statements(1, "")] == ["with"]
    assert [sql.split()[0].lower() for sql in statements(2, "k")] == ["select", "with"]


def test_a_replay_takes_in_what_was_refused_once_it_fits_as_of_the_time_it_came(shop, page, alice):
    with pytest.raises(Refused):
        report(by=nobody_in_particular())
    row = came()[0]
    ReportRequest.objects.filter(pk=row.pk).update(at=database_now() - timedelta(hours=2))
    row.refresh_from_db()
    replayed = report_replay(row, by=page(alice))
    assert (replayed.outcome, replayed.answer, replayed.replayed_by) == ("created", None, "Alice")
    assert replayed.deployment.finished_at == row.at
    assert replayed.deployment.reported_by == "Nobody"
    assert events("report_request", "deployment.") == ["deployment.reported", "report_request.replayed"]


def nobody_in_particular():
    from portal.kit.by import Actor, By

    return By(Actor("credential", "credential:0", "Nobody"), "api")


@pytest.mark.parametrize("body", [REPORT, RUN, RUN | {"service": "chekout"}])
def test_a_replay_of_what_was_taken_in_changes_nothing_however_often(shop, page, alice, body):
    report(body)
    before = came()[0].outcome, list(Deployment.objects.values()), list(InboxItem.objects.values())
    for _ in range(2):
        assert report_replay(came()[0], by=page(alice)).replayed_at
    [row] = came()
    assert (row.outcome, list(Deployment.objects.values()), list(InboxItem.objects.values())) == before


def test_a_replay_places_what_waits_in_the_inbox_when_its_names_are_known_by_now(shop, page, alice):
    report(RUN | {"service": "till"})
    write("service", "till")
    row = report_replay(came()[0], by=page(alice))
    assert (row.outcome, row.deployment.service_identifier, row.inbox_item.state) == ("created", "till", "placed")


def test_a_replay_that_is_refused_again_says_so(shop, page, alice):
    with pytest.raises(Invalid):
        report({"service": "checkout"})
    row = report_replay(came()[0], by=page(alice))
    assert (row.outcome, row.answer["status"]) == ("refused", 422)


def test_a_deployment_entity_is_replayed_as_its_client_wrote_it_as_of_the_time_it_came(shop, terraform, page, alice):
    write("deploymentConfig", "cp", relations={"service": ("checkout",), "environment": ("production",)})
    path = "blueprints/deployment/entities?upsert=true"
    body = {"identifier": "d1", "properties": {"version": "1.0"}, "relations": {"deploymentConfig": "later"}}
    assert terraform.post(path, body).status == 404
    at = database_now() - timedelta(hours=2)
    ReportRequest.objects.update(at=at)
    write("deploymentConfig", "later", relations={"service": ("search",), "environment": ("production",)})
    for _ in range(2):
        row = report_replay(came()[0], by=page(alice))
        assert (row.outcome, row.answer, row.deployment.service_identifier) == ("created", None, "search")
        assert row.deployment.finished_at == at
    assert (len(came()), Deployment.objects.count()) == (1, 1)


def test_what_was_taken_in_stays_so_though_it_would_be_refused_today(shop, page, alice):
    row = report(RUN | {"finished_at": iso(database_now())}).deployment and came()[0]
    Deployment.objects.update(version="2.0")
    with pytest.raises(Conflict, match="another version"):
        report_replay(row, by=page(alice))
    assert (came()[0].outcome, came()[0].replayed_at) == ("created", None)


def test_only_administrators_replay(shop, page, bob):
    report()
    with pytest.raises(Refused):
        report_replay(came()[0], by=page(bob))
    assert came()[0].replayed_at is None


def test_what_was_not_kept_cannot_be_replayed(shop, ci, page, alice):
    ci.post("deployments", "{")
    with pytest.raises(Conflict, match="not kept"):
        report_replay(came()[0], by=page(alice))
    assert came()[0].replayed_at is None


def test_who_is_no_administrator_sees_what_came_to_deployments_he_may_see_and_what_he_sent(shop, page, alice, bob):
    report(by=SETUP)
    report(RUN | {"service": "chekout"}, by=SETUP)
    report(RUN | {"service": "serch"}, by=page(bob))
    assert {row.service for row in report_requests(page(bob))} == {"checkout", "serch"}
    assert {row.service for row in report_requests(page(alice))} == {"checkout", "chekout", "serch"}


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({}, 2),
        ({"outcome": "inbox"}, 1),
        ({"service": "checkout"}, 1),
        ({"sender": "setup"}, 2),
        ({"environment": "x"}, 0),
    ],
)
def test_the_log_is_filtered(shop, page, alice, filters, found):
    report()
    report(RUN | {"service": "chekout"})
    assert report_requests(page(alice), **filters).count() == found


def test_v1_lists_and_replays(shop, terraform, ci):
    ci.post("deployments", RUN)
    ci.post("deployments", RUN | {"version": "2", "extra": {"apiToken": "hush"}})
    listed = terraform.get("deployments/ingest", outcome="conflicting").json["reports"]
    assert [(each["outcome"], each["answer"]["details"]["differs_in"]) for each in listed] == [
        ("conflicting", ["version"])
    ]
    assert listed[0]["body"]["extra"] == {"apiToken": "•••"}
    again = terraform.post(f"deployments/ingest/{listed[0]['id']}/replay", {})
    assert (again.status, again.json["report"]["outcome"]) == (200, "conflicting")
    assert ci.post(f"deployments/ingest/{listed[0]['id']}/replay", {}).status == 403
    assert terraform.post("deployments/ingest/0/replay", {}).status == 404
    assert terraform.get("deployments/ingest", outcome="fine").status == 422


def test_the_log_has_pages(shop, terraform):
    for number in range(51):
        report(REPORT | {"version": str(number)})
    first = terraform.get("deployments/ingest").json
    second = terraform.get("deployments/ingest", after=first["next"]).json
    assert (len(first["reports"]), len(second["reports"]), second["next"]) == (50, 1, None)


def test_what_a_person_may_not_see_is_missing(shop, page, bob):
    from deployments.queries import report_request

    report(RUN | {"service": "chekout"}, by=SETUP)
    with pytest.raises(Missing):
        report_request(page(bob), came()[0].pk)


def test_a_row_names_the_instant_at_which_its_deployment_was_taken_in(shop):
    for key in ("", "k"):
        deployment = report(REPORT, key=key).deployment
        assert ReportRequest.objects.get(deployment=deployment).at == deployment.reported_at == deployment.finished_at


def test_what_was_taken_in_stays_so_when_its_run_has_come_further_before_it_is_replayed(shop):
    report(RUN | {"status": "in_progress"})
    report()
    assert report_replay(came()[0], by=SETUP).outcome == "created"
    assert Deployment.objects.get().status == "success"
