"""Names that nobody knows, said once for all that wait for them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deployments.commands import deployment_report, inbox_map, inbox_place_known
from deployments.models import Deployment, InboxItem
from deployments.queries import inbox_groups, items_known
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Missing, Refused
from tests.conftest import SETUP, events, write


def report(service="checkout", environment="prod-eu", version="1.0", **more):
    body = {"service": service, "environment": environment, "version": version, **more}
    return deployment_report(body, by=SETUP)


def groups(by):
    return [(each.kind, each.name, each.count) for each in inbox_groups(by)]


@pytest.fixture
def waiting(shop):
    """Two of checkout, one of search, and one whose service is unknown as well; a day apart."""
    for number, service in enumerate(("checkout", "checkout", "search", "till")):
        item = report(service, version=f"1.{number}", ci={"run": str(number)}).inbox_item
        InboxItem.objects.filter(pk=item.pk).update(at=database_now() - timedelta(days=9 - number))


def test_reports_stand_by_the_names_that_nobody_knows(waiting, page, alice):
    assert groups(page(alice)) == [("environment", "prod-eu", 4), ("service", "till", 1)]


def test_a_name_that_is_said_once_places_all_that_wait_for_it_as_of_their_arrival(waiting, page, alice):
    mapped = inbox_map("environment", "prod-eu", "production", by=page(alice))
    assert (mapped.placed, mapped.waiting, mapped.refused) == (3, 1, 0)
    for item in InboxItem.objects.filter(state="placed"):
        assert item.deployment.finished_at == item.at
        assert (item.deployment.environment_identifier, item.deployment.reported_by) == ("production", "setup")
    assert report().inbox_item
    assert groups(page(alice)) == [("environment", "prod-eu", 1), ("service", "till", 1)]


def test_an_alias_lets_the_next_ones_in_by_themselves(waiting, page, alice):
    inbox_map("environment", "prod-eu", "prod", alias=True, by=page(alice))
    assert report(version="2.0").deployment.environment_identifier == "production"
    assert report(environment="Prod-EU", version="2.1").deployment
    assert groups(page(alice)) == [("service", "till", 1)]
    assert "entity.updated" in events("entity")


def test_one_that_waits_for_its_other_name_goes_in_when_that_is_said_too(waiting, page, alice):
    inbox_map("environment", "prod-eu", "production", by=page(alice))
    mapped = inbox_map("service", "till", "checkout", by=page(alice))
    assert (mapped.placed, InboxItem.objects.filter(state="waiting").count()) == (1, 0)
    assert Deployment.objects.filter(service_identifier="checkout").count() == 3
    assert "inbox.renamed" in events("inbox")


def test_the_same_again_places_nothing_more(waiting, page, alice):
    inbox_map("environment", "prod-eu", "production", by=page(alice))
    assert inbox_map("environment", "prod-eu", "production", by=page(alice)).placed == 0
    assert Deployment.objects.count() == 3


def test_an_alias_that_is_taken_is_refused_with_its_owner_and_places_nothing(waiting, page, alice):
    write("environment", "staging", mode="patch", properties={"aliases": ["prod-eu2"], "tier": "staging"})
    report(environment="PROD-EU2")  # known by now: goes in
    before = InboxItem.objects.filter(state="waiting").count()
    with pytest.raises(Conflict, match="stands for staging"):
        inbox_map("environment", "prod-eu2", "production", alias=True, by=page(alice))
    assert InboxItem.objects.filter(state="waiting").count() == before


@pytest.mark.parametrize("kind", ["service", "environment"])
def test_an_unknown_target_is_missing_and_changes_nothing(waiting, page, alice, kind):
    with pytest.raises(Missing):
        inbox_map(kind, "prod-eu", "nowhere", alias=True, by=page(alice))
    assert not Deployment.objects.exists() and not events("entity.updated")


def test_what_is_missing_is_made_where_that_is_asked_for(waiting, page, alice):
    inbox_map("environment", "prod-eu", "", create=True, by=page(alice))
    assert Deployment.objects.filter(environment_identifier="prod-eu").count() == 3
    inbox_map("service", "till", "", create=True, by=page(alice))
    assert not InboxItem.objects.filter(state="waiting").exists()


def test_what_contradicts_is_counted_and_waits_on(shop, page, alice):
    report(version="1.0", ci={"run": "7"})
    report(version="2.0", ci={"run": "7"})
    mapped = inbox_map("environment", "prod-eu", "production", by=page(alice))
    assert (mapped.placed, mapped.refused) == (1, 1) and "another version" in mapped.why
    assert InboxItem.objects.filter(state="waiting").count() == 1


def test_what_is_known_by_now_goes_in_at_once(waiting, page, alice):
    write("environment", "prod-eu")
    assert inbox_place_known(by=page(alice)).placed == 3
    assert InboxItem.objects.get(state="waiting").service == "till"


def test_only_administrators_say_what_a_name_stands_for(waiting, page, bob):
    for deed in (
        lambda: inbox_map("environment", "prod-eu", "production", by=page(bob)),
        lambda: inbox_place_known(by=page(bob)),
        lambda: inbox_groups(page(bob)),
    ):
        with pytest.raises(Refused):
            deed()
    assert not Deployment.objects.exists()


def test_a_credential_that_may_makes_the_service_and_no_environment(shop):
    from portal.accounts.commands import credential_create
    from tests.conftest import V1

    _, token = credential_create("Maker", kind="ci", scopes=["report"], creates_services=True, by=SETUP)
    body = {"service": "till", "environment": "prod", "version": "1", "repository": "https://github.com/larder/till"}
    assert V1(token).post("deployments", body).status == 201
    assert V1(token).post("deployments", body | {"service": "shed", "environment": "moon"}).status == 202
    assert V1(token).post("deployments", body | {"service": "a b?c"}).status == 202
    assert [item.service for item in InboxItem.objects.order_by("id")] == ["shed", "a b?c"]
    from catalog.queries import service_named

    assert service_named("till").properties["repository"] == "https://github.com/larder/till"


def test_one_who_may_not_make_services_makes_none(shop, ci):
    assert ci.post("deployments", {"service": "till", "environment": "prod", "version": "1"}).status == 202
    assert not events("entity.created")[4:]


@pytest.mark.django_db(transaction=True)
def test_a_new_service_that_is_reported_by_several_at_once_is_one(shop):
    from dataclasses import replace

    from tests.locks.test_races import together

    by = replace(SETUP, actor=replace(SETUP.actor, makes_services=True))
    body = {"service": "till", "environment": "production", "version": "1"}
    results = together(4, lambda: deployment_report(body, by=by).deployment.pk)
    assert len(set(results)) == 4
    assert Deployment.objects.filter(service_identifier="till").count() == 4


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def test_alice_says_at_the_page_what_a_name_stands_for(signed_in, waiting):
    page = signed_in.get("/deployments/inbox").content.decode()
    assert "prod-eu" in page and "4 reports" in page
    wish = {"kind": "environment", "name": "prod-eu", "target": "production", "alias": "on"}
    done = signed_in.post("/deployments/inbox/mapping", wish)
    assert (done.status_code, done["Location"]) == (303, "/deployments/inbox")
    assert "3 placed; 1 wait for their other name." in signed_in.get("/deployments/inbox").content.decode()


@pytest.mark.parametrize(
    ("target", "why"), [("nowhere", "There is no environment called"), ("", "Name the environment that it is")]
)
def test_a_target_that_is_none_is_refused_in_its_group(signed_in, waiting, target, why):
    refused = signed_in.post("/deployments/inbox/mapping", {"kind": "environment", "name": "prod-eu", "target": target})
    assert refused.status_code == 422 and why in refused.content.decode()
    assert not Deployment.objects.exists()


def test_bob_is_refused_at_the_page(client, bob, waiting):
    client.force_login(bob)
    wish = {"kind": "environment", "name": "prod-eu", "target": "production"}
    assert client.post("/deployments/inbox/mapping", wish).status_code == 403
    assert not Deployment.objects.exists()


def test_the_inbox_and_the_hooks_ask_no_more_queries_for_fifty_than_for_one(signed_in, shop):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from deployments.commands import hook_create

    def queries(url):
        with CaptureQueriesContext(connection) as seen:
            assert signed_in.get(url).status_code == 200
        return len(seen)

    def grow(number):
        report(f"unknown-{number}", environment=f"moon-{number}")
        hook_create({"name": f"Forge {number}", "kind": "github"}, secret="s" * 16, by=SETUP)

    grow(0)
    urls = ("/deployments/inbox", "/deployments/hooks")
    one = [queries(url) for url in urls]
    for number in range(1, 50):
        grow(number)
    assert [queries(url) for url in urls] == one


def test_what_was_placed_has_the_end_that_its_run_names_afterwards(shop, page, alice):
    run, ended = {"run": "1"}, database_now() - timedelta(minutes=2)
    inbox_map("environment", report(ci=run).inbox_item.environment, "production", by=page(alice))
    report(environment="production", ci=run, finished_at=iso(ended))
    assert abs(Deployment.objects.get().finished_at - ended) < timedelta(seconds=1)


def test_what_is_known_by_now_is_found_by_as_many_statements_for_fifty_names_as_for_one(shop):
    found = []
    for names in (["eu-0"], [f"eu-{number}" for number in range(1, 50)]):
        for name in names:
            report(environment=name)
        for name in names:
            write("environment", name)
        with CaptureQueriesContext(connection) as asked:
            found.append((len(items_known(100)), len(asked)))
    (one, few), (fifty, many) = found
    assert (one, fifty, few) == (1, 50, many)
