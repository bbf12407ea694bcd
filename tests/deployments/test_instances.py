"""A deployment that reaches its instances one after the other: each goes forward and none back, in whatever order reports come."""

import itertools
from datetime import timedelta

import pytest
from django.test import Client

from deployments import tables
from deployments.commands import deployment_report
from deployments.models import Deployment
from deployments.queries import cell, matrix, standing
from portal.kit.errors import Conflict, Invalid
from tests.conftest import SETUP
from tests.deployments.test_reports import NOON, live, report

FIVE = [{"name": f"eu-{number}"} for number in range(1, 6)]


def instances(**statuses):
    return [{"name": name.replace("_", "-"), "status": status} for name, status in statuses.items()]


def here(page, alice):
    return cell(page(alice), "checkout", "production")


def test_a_rollout_is_told_by_how_many_instances_have_the_new_version(shop, page, alice):
    report("1.4.1", at=0, run="1")
    report("1.4.2", run="2", status="in_progress", started_at="2026-03-02T12:05:00Z", instances=FIVE)
    assert str(here(page, alice).rollout) == "0 of 5 on 1.4.2"
    report("1.4.2", run="2", status="in_progress", instances=instances(eu_1="success", eu_4="success"))
    found = here(page, alice)
    assert (str(found.rollout), found.current.version) == ("2 of 5 on 1.4.2", "1.4.1")
    assert [each["status"] for each in tables.instance_rows(found.latest)] == [
        "success", "in_progress", "in_progress", "success", "in_progress",
    ]  # fmt: skip


def test_all_of_them_new_is_no_longer_worth_a_word(shop, page, alice):
    report("1.4.2", at=0, run="2", instances=FIVE)
    assert here(page, alice).rollout is None
    assert live().version == "1.4.2"


def test_a_success_that_reached_only_some_is_live_and_says_so(shop, page, alice):
    report("1.4.2", at=0, run="2", instances=instances(eu_1="success", eu_2="failure"))
    assert live().version == standing("checkout", "production").version == "1.4.2"
    assert str(here(page, alice).rollout) == "1 of 2 on 1.4.2"


def test_a_failure_half_way_says_how_far_it_came(shop, page, alice):
    report("1.4.1", at=0, run="1", instances=FIVE)
    report("1.4.2", at=9, run="2", status="failure", instances=instances(eu_1="success", eu_2="failure"))
    found = here(page, alice)
    assert (str(found.rollout), found.current.version, found.attempt_failed) == ("1 of 2 on 1.4.2", "1.4.1", True)


def test_what_has_been_rolled_back_is_no_rollout(shop, page, alice):
    report("1.4.1", at=0, run="1", instances=FIVE)
    report("1.4.2", at=9, run="2", status="rolled_back", instances=instances(eu_1="success", eu_2="failure"))
    assert here(page, alice).rollout is None


def test_an_instance_never_goes_back(shop):
    report(run="1", status="in_progress", instances=instances(eu_1="success"))
    report(run="1", status="in_progress", instances=instances(eu_1="pending", eu_2="pending"))
    assert Deployment.objects.get().instances == instances(eu_1="success", eu_2="pending")


def test_an_instance_that_ended_cannot_have_ended_otherwise(shop):
    report(run="1", status="in_progress", instances=instances(eu_1="success"))
    with pytest.raises(Conflict, match="another status of the instance “eu-1”") as refusal:
        report(run="1", status="in_progress", instances=instances(eu_1="failure", eu_2="success"))
    assert refusal.value.details["differs_in"] == ["instances.eu-1.status"]
    assert Deployment.objects.get().instances == instances(eu_1="success")


def test_any_order_of_reports_comes_to_the_same_instances(shop):
    told = [
        {"status": "pending", "instances": [{"region": "eu", "name": "a"}, {"region": "us", "name": "a"}]},
        {"status": "in_progress", "instances": [{"name": "a", "region": "eu", "version": "0.9"}]},
        {"status": "in_progress", "instances": [{"name": "a", "region": "eu", "status": "success"}]},
        {
            "status": "in_progress",
            "instances": [{"name": "a", "region": "eu", "status": "success", "commit": "4f2a9c1"}],
        },
    ]
    seen = []
    for order in itertools.permutations(told):
        Deployment.objects.all().delete()
        for each in [*order, order[0]]:
            report(run="1", **each)
        seen.append(Deployment.objects.get().instances)
    expected = [
        {"status": "success", "name": "a", "region": "eu", "commit": "4f2a9c1"},
        {"status": "pending", "name": "a", "region": "us"},
    ]
    assert all(each == expected for each in seen)


def test_an_instance_that_runs_something_else_is_not_counted(shop, page, alice):
    odd = [{"name": "a"}, {"name": "b", "version": "1.4.1"}]
    report("1.4.2", at=0, run="1", instances=odd)
    assert str(here(page, alice).rollout) == "1 of 2 on 1.4.2"


def test_that_an_instance_came_further_is_told(shop):
    from portal.audit.models import Event

    report(run="1", status="in_progress", instances=instances(eu_1="pending"))
    report(run="1", status="in_progress", instances=instances(eu_1="success"))
    told = Event.objects.filter(name="deployment.updated").get()
    assert (told.before["instances"], told.after["instances"]) == (instances(eu_1="pending"), instances(eu_1="success"))


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"pods": 3}, "instances"),
        ("5", "instances"),
        ([7], "instances.0"),
        ([{}], "instances.0"),
        ([{"name": "a"}, {"status": "success"}], "instances.1"),
        ([{"name": "a", "status": "fine"}], "instances.0.status"),
        ([{"name": "a", "status": {}}], "instances.0.status"),
        ([{"name": "x" * 201}], "instances.0.name"),
        ([{"name": ["a"]}], "instances.0.name"),
        ([{"name": "a", "version": 1.5}], "instances.0.version"),
        ([{"name": "a"}, {"region": "b"}, {"name": "a"}], "instances.2"),
        ([{"name": f"{number}"} for number in range(501)], "instances"),
    ],
)
def test_instances_that_are_wrong_are_refused_with_the_place_of_the_fault(shop, given, path):
    with pytest.raises(Invalid) as refusal:
        report(instances=given)
    assert [each["path"] for each in refusal.value.details["errors"]] == [path]
    assert not Deployment.objects.exists()


def test_what_was_kept_under_the_name_before_it_was_read_is_no_instance(shop, page, alice):
    deployment = report("1.4.2", at=0, run="1").deployment
    Deployment.objects.filter(pk=deployment.pk).update(instances={"pods": 3})
    assert here(page, alice).rollout is None
    report("1.4.2", run="1", instances=FIVE[:1])
    assert Deployment.objects.get().instances == [{"name": "eu-1", "status": "success"}]


def test_the_api_and_the_pages_show_it(shop, ci, alice):
    body = {"service": "checkout", "environment": "production", "version": "1.4.2", "ci": {"run": "2"}}
    answer = ci.post(
        "deployments", body | {"status": "in_progress", "instances": instances(eu_1="success", eu_2="pending")}
    )
    assert answer.json["deployment"]["instances"][1] == {
        "name": "eu-2", "region": None, "status": "pending", "version": "1.4.2", "commit": None,
    }  # fmt: skip
    [shown] = ci.get("deployments/current").json["deployment_configs"]
    assert shown["rollout"] == {"done": 1, "total": 2, "version": "1.4.2"}
    browser = Client()
    browser.force_login(alice)
    for page in ("/deployments/", "/deployments/card/checkout/in/production"):
        assert "1 of 2 on 1.4.2" in browser.get(page).content.decode()


def test_a_report_of_no_run_has_its_instances_too(shop):
    made = deployment_report(
        {"service": "checkout", "environment": "prod", "version": "1", "instances": FIVE[:2]}, by=SETUP
    )
    assert [each["name"] for each in made.deployment.instances] == ["eu-1", "eu-2"]


def test_of_the_past_neither_the_cell_nor_the_matrix_tells_of_instances(shop, page, alice):
    report("1.4.2", at=0, run="2", instances=instances(eu_1="success", eu_2="failure"))
    by, then = page(alice), NOON + timedelta(minutes=5)
    assert [spot.rollout for _, spots in matrix(by).rows for spot in spots if spot.version] == ["1 of 2 on 1.4.2"]
    assert [spot.rollout for _, spots in matrix(by, at=then).rows for spot in spots if spot.version] == [""]
    assert cell(by, "checkout", "production", at=then).rollout is None
