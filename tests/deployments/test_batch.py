"""Many reports in one call: each has a fate of its own, and history is told to nobody."""

import random
from datetime import timedelta

import pytest

from deployments.commands import deployments_report
from deployments.models import Deployment, DeploymentConfig, InboxItem, ReportRequest
from locks.commands import claim_begin
from locks.runs import Run
from portal.audit.models import Delivery
from portal.audit.subscribers import _subscribers, subscribe
from portal.kit.clock import database_now, iso
from portal.kit.errors import Invalid, PortalError
from tests.conftest import SETUP

PLACE = {"service": "checkout", "environment": "production"}


def reports(count):
    start = database_now() - timedelta(days=count)
    return [
        PLACE | {"version": f"1.{n}", "finished_at": iso(start + timedelta(days=n)), "ci": {"provider": "ci", "run": str(n)}}
        for n in range(count)
    ]  # fmt: skip


@pytest.fixture
def listener():
    """Somebody who is told of every deployment."""
    subscribe("listener", "deployment.*", "inbox.*", handle=lambda delivery: None)
    yield
    del _subscribers["listener"]


def test_each_has_a_fate_of_its_own(shop, ci):
    bodies = [
        PLACE | {"version": "1.0"},
        PLACE | {"status": "fine"},
        PLACE | {"version": "1.0", "service": "chekout"},
        "no report",
        PLACE | {"version": "x" * 301},
        PLACE | {"version": "1.1"},
    ]
    answer = ci.post("deployments/batch", {"deployments": bodies})
    assert (answer.status, answer.json["ok"]) == (207, False)
    assert [each["index"] for each in answer.json["deployments"]] == [0, 5]
    assert [each["index"] for each in answer.json["inbox"]] == [2]
    assert [(each["index"], each["statusCode"]) for each in answer.json["errors"]] == [(1, 422), (3, 422), (4, 422)]
    assert (Deployment.objects.count(), InboxItem.objects.count()) == (2, 1)
    logged = ReportRequest.objects.order_by("id").values_list("door", "outcome")
    assert list(logged) == [
        ("batch", "created"), ("batch", "refused"), ("batch", "inbox"), ("batch", "refused"), ("batch", "refused"), ("batch", "created"),
    ]  # fmt: skip


def test_all_well_is_200(shop, ci):
    answer = ci.post("deployments/batch", {"deployments": reports(3)})
    assert (answer.status, answer.json["ok"], len(answer.json["deployments"])) == (200, True, 3)


@pytest.mark.parametrize("bodies", [[], None, {}, "abc", [PLACE | {"version": "1"}] * 201])
def test_too_many_none_or_no_list_is_refused_whole(shop, ci, bodies):
    answer = ci.post("deployments/batch", {"deployments": bodies})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "deployments")
    assert "1 to 200" in answer.json["message"]
    assert not Deployment.objects.exists()


def test_who_may_not_report_is_refused_whole(shop):
    from portal.accounts.commands import credential_create
    from tests.conftest import V1

    _, token = credential_create("Reader", kind="ci", scopes=["catalog:read"], by=SETUP)
    assert V1(token).post("deployments/batch", {"deployments": reports(2)}).status == 403
    assert not Deployment.objects.exists()


def test_the_order_in_a_batch_does_not_matter(shop):
    seen = set()
    for seed in range(3):
        Deployment.objects.all().delete()
        bodies = reports(6)
        random.Random(seed).shuffle(bodies)
        deployments_report(bodies, backfill=True, by=SETUP)
        seen.add(DeploymentConfig.objects.get().current.version)
    assert seen == {"1.5"}


def test_the_same_batch_again_changes_nothing(shop, ci):
    bodies = [*reports(2), PLACE | {"version": "2.0", "idempotency_key": "mine"}]
    for _ in range(2):
        assert ci.post("deployments/batch", {"deployments": bodies}).status == 200
    assert Deployment.objects.count() == 3
    changed = ci.post("deployments/batch", {"deployments": [bodies[2] | {"version": "3.0"}]})
    assert [each["error"] for each in changed.json["errors"]] == ["idempotency_conflict"]


@pytest.mark.parametrize("key", [7, "x" * 256, ["a"]])
def test_a_key_that_is_none_is_refused_by_its_path(shop, key):
    [fate] = deployments_report([PLACE | {"version": "1.0", "idempotency_key": key}], by=SETUP)
    assert isinstance(fate, Invalid) and "idempotency_key" in fate.message
    assert ReportRequest.objects.get().outcome == "refused"
    assert not Deployment.objects.exists()


def test_a_backfill_tells_nobody_and_a_batch_tells_everybody(shop, listener):
    deployments_report([*reports(3), PLACE | {"version": "1", "service": "chekout"}], backfill=True, by=SETUP)
    assert not Delivery.objects.exists()
    deployments_report([PLACE | {"version": "2.0"}], by=SETUP)
    assert Delivery.objects.filter(subscriber="listener").count() == 1


def test_a_backfill_is_not_late_and_is_replayed_as_quietly(shop, listener, page, alice):
    from deployments.commands import report_replay

    deployments_report(reports(1), backfill=True, by=SETUP)
    Deployment.objects.all().delete()
    row = report_replay(ReportRequest.objects.get(), by=page(alice))
    assert (row.outcome, row.is_backfill, row.late_by) == ("created", True, None)
    assert not Delivery.objects.exclude(event__name="report_request.replayed").exists()


def test_a_backfill_uses_up_no_claim_of_the_gate(shop):
    claim_begin(shop.checkout_production, Run("ci:7:1"), by=SETUP)
    body = PLACE | {"version": "1.0", "ci": {"provider": "ci", "run": "7"}}
    deployments_report([body], backfill=True, by=SETUP)
    assert (Deployment.objects.get().gate, Deployment.objects.get().gate_proof) == ("ungated", "")
    deployments_report([body], by=SETUP)
    assert Deployment.objects.get().gate == "claim"


def test_a_refusal_of_one_is_not_the_end_of_the_others_in_the_database(shop):
    fates = deployments_report([PLACE | {"version": "1", "fence": 2**31}, *reports(1)], by=SETUP)
    assert [isinstance(each, PortalError) for each in fates] == [True, False]
    assert Deployment.objects.count() == 1
