import itertools
from datetime import UTC, datetime, timedelta

import pytest

from catalog.models import Entity
from deployments.commands import deployment_report, inbox_drop, inbox_place
from deployments.models import Deployment, DeploymentConfig, InboxItem, Status
from deployments.queries import matrix
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def report(
    version="1.0", *, at=None, run="", status="success", key="", service="checkout", environment="production", **more
):
    body = {"service": service, "environment": environment, "version": version, "status": status, **more}
    if run:
        body["ci"] = {"provider": "github", "run": run}
    if at is not None:
        body["finished_at"] = iso(NOON + timedelta(minutes=at))
    return deployment_report(body, key=key, by=SETUP)


def live():
    return DeploymentConfig.objects.get(service__identifier="checkout", environment__identifier="production").current


def test_a_report_makes_the_config_the_deployment_and_their_entities(shop):
    outcome = report("1.0", commit="4f2a9c1d", actor="Dana", changes=[{"sha": "4f2a9c1d", "message": "PAY-1: Fix"}])
    assert outcome.created
    config = Entity.objects.get(blueprint__identifier="deploymentConfig", identifier="checkout-production")
    assert (config.properties["version"], config.properties["deployedBy"]) == ("1.0", "Dana")
    assert config.properties["message"] == "PAY-1: Fix"
    assert outcome.deployment.entity.identifier == "checkout-production-4f2a9c1"
    assert events()[-3:] == ["entity.created", "deployment.reported", "deployment_config.changed"]


def test_an_alias_of_an_environment_means_the_environment(shop):
    assert report(environment="PROD").deployment.environment_identifier == "production"


def test_a_failed_deployment_leaves_what_is_live_and_marks_the_cell(shop, page, alice):
    report("1.0", at=0)
    report("1.1", at=5, status="failure")
    assert live().version == "1.0"
    cell = next(c for row in matrix(page(alice)).rows for c in row[1] if c.config)
    assert cell.attempt_failed


def test_a_late_report_lands_in_history_and_not_in_what_is_live(shop):
    report("2.0", at=10)
    report("1.9", at=5)
    assert live().version == "2.0"
    assert Deployment.objects.count() == 2


def test_any_order_and_repetition_of_reports_comes_to_the_same(shop):
    told = [
        {"version": "1.0", "run": "1", "at": 0},
        {"version": "1.1", "run": "2", "at": None, "status": "in_progress"},
        {"version": "1.1", "run": "2", "at": 9},
        {"version": "1.2", "run": "3", "at": 9},
        {"version": "1.3", "run": "4", "at": 20, "status": "failure"},
    ]
    seen = set()
    for order in itertools.permutations(told):
        Deployment.objects.all().delete()
        Entity.objects.filter(blueprint__identifier__in=["deployment", "deploymentConfig"]).delete()
        for each in [*order, *order[:2]]:
            report(**each)
        history = Deployment.objects.by_finish().values_list("run", "version", "status", "finished_at")
        seen.add((live().version, tuple(history)))
    assert len(seen) == 1
    assert next(iter(seen))[0] == "1.2"


def test_a_status_never_goes_back(shop):
    report(run="1")
    report(run="1", status="in_progress")
    assert Deployment.objects.get().status == Status.SUCCESS
    assert events()[-1] == "deployment.noted"


def test_a_run_that_ended_cannot_end_otherwise(shop):
    report(run="1")
    with pytest.raises(Conflict, match="already ended with success"):
        report(run="1", status="failure")


def test_a_rollback_of_a_run_brings_the_one_before_back(shop):
    report("1.0", at=0, run="1")
    report("1.1", at=5, run="2")
    report("1.1", at=5, run="2", status="rolled_back")
    assert live().version == "1.0"


@pytest.mark.parametrize("change", [{"version": "9"}, {"commit": "ffff"}])
def test_a_run_does_not_change_what_it_deployed(shop, change):
    report("1.0", run="1", commit="aaaa")
    with pytest.raises(Conflict, match="already reported another (version|commit), “(1.0|aaaa)”"):
        report(**({"version": "1.0", "run": "1", "commit": "aaaa"} | change))
    assert Deployment.objects.get().version == "1.0"


def test_a_later_report_fills_what_was_empty(shop):
    report("1.0", run="1", status="in_progress")
    report("1.0", run="1", actor="Dana", ref="refs/heads/main")
    assert (Deployment.objects.get().actor, Deployment.objects.get().ref) == ("Dana", "refs/heads/main")


def test_the_same_key_and_body_has_the_same_answer_and_one_row(shop):
    first, second = report(key="a"), report(key="a")
    assert (first.deployment, first.created, second.deployment, second.created) == (
        second.deployment, True, first.deployment, False,
    )  # fmt: skip
    assert Deployment.objects.count() == 1


def test_the_same_key_with_another_body_is_a_conflict_that_names_the_difference(shop):
    report("1.0", key="a")
    with pytest.raises(Conflict, match="they differ in version"):
        report("1.1", key="a")
    assert Deployment.objects.count() == 1


def test_an_unknown_service_goes_to_the_inbox_and_is_placed_later(shop, page, alice):
    item = report(service="chekout", key="a").inbox_item
    assert (item.nearest, item.state) == (["checkout"], "waiting")
    assert report(service="chekout", key="a").inbox_item == item
    deployment = inbox_place(item, service="checkout", environment="production", by=page(alice))
    assert deployment.finished_at == item.at
    assert inbox_place(item, service="checkout", environment="production", by=page(alice)) == deployment
    assert events("inbox") == ["inbox.kept", "inbox.placed"]


def test_only_administrators_settle_the_inbox(shop, page, bob):
    item = report(service="chekout").inbox_item
    with pytest.raises(Refused):
        inbox_drop(item, by=page(bob))
    assert InboxItem.objects.get().state == "waiting"


def test_the_future_is_refused_and_so_is_an_end_before_the_start(shop):
    with pytest.raises(Invalid, match="future"):
        deployment_report(
            {"service": "checkout", "environment": "prod", "version": "1", "finished_at": iso(database_now() + timedelta(hours=1))},
            by=SETUP,
        )  # fmt: skip
    with pytest.raises(Invalid, match="before started_at"):
        report(at=0, started_at=iso(NOON + timedelta(hours=1)))
    assert not Deployment.objects.exists()


def test_all_faults_are_told_at_once(shop):
    with pytest.raises(Invalid) as refusal:
        deployment_report({"environment": 7, "status": "fine", "changes": [{}], "ci": {"attempt": "x"}}, by=SETUP)
    paths = {fault["path"] for fault in refusal.value.details["errors"]}
    assert paths == {"service", "version", "status", "changes.0", "ci.attempt"}


def test_deleting_the_config_keeps_the_history_with_its_names(shop, page, alice):
    from catalog.commands import entity_delete
    from deployments.queries import history

    report("1.0")
    entity_delete(live().config.entity, by=page(alice))
    assert [d.version for d in history(page(alice), service="checkout")] == ["1.0"]


def test_a_config_whose_identifier_is_taken_gets_another(shop):
    from tests.conftest import write

    write("deploymentConfig", "checkout-production", title="somebody's own")
    assert report().deployment.config.entity.identifier.startswith("checkout-production-")


@pytest.mark.django_db(transaction=True)
def test_a_report_and_an_edit_of_the_config_at_once_lose_nothing_of_each_other(shop):
    import threading

    from django.db import connection

    from tests.conftest import write

    report("1.0", at=0)

    def reports():
        for number in range(15):
            report(f"2.{number}", at=number + 1)
        connection.close()

    def edits():
        for number in range(15):
            write("deploymentConfig", "checkout-production", mode="patch", properties={f"note{number}": number})
        connection.close()

    threads = [threading.Thread(target=reports), threading.Thread(target=edits)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    properties = Entity.objects.get(identifier="checkout-production").properties
    assert properties["version"] == live().version == "2.14"
    assert {f"note{number}" for number in range(15)} <= properties.keys()


def test_a_rule_that_people_add_to_a_blueprint_stops_no_report(shop, terraform):
    required = {"schema": {"properties": {"ticket": {"type": "string"}}, "required": ["ticket"]}}
    for kind in ("deployment", "deploymentConfig"):
        assert terraform.send("patch", f"blueprints/{kind}", required).status == 200
    assert report().created


def test_unknown_names_of_any_length_are_kept(shop):
    item = report(service="名" * 1000, environment="前" * 1000).inbox_item
    assert (len(item.service), item.state) == (1000, "waiting")


def test_the_same_run_after_its_config_was_deleted_is_the_same_deployment(shop, page, alice):
    from catalog.commands import entity_delete

    report("1.0", run="1")
    entity_delete(live().config.entity, by=page(alice))
    report("1.0", run="1")
    assert Deployment.objects.count() == 1
    assert live().version == "1.0"
    assert "deployment_config.deleted" in events()


def test_a_flag_or_a_setting_is_history_and_not_what_is_live(shop):
    report("1.0", at=0)
    report("flag-on", at=5, kind="flag")
    assert live().version == "1.0"


def test_the_instant_of_a_rollback_does_not_depend_on_the_order_of_the_reports(shop):
    told = [{"at": 1}, {"at": 9, "status": "rolled_back"}]
    seen = set()
    for order in (told, told[::-1]):
        Deployment.objects.all().delete()
        for each in order:
            report(run="1", **each)
        seen.add(Deployment.objects.get().finished_at)
    assert seen == {NOON + timedelta(minutes=1)}


def test_a_placed_report_names_who_brought_it_and_its_key_answers_the_deployment(shop, page, alice):
    item = report(service="chekout", key="k").inbox_item
    deployment = inbox_place(item, service="checkout", environment="production", by=page(alice))
    assert deployment.reported_by == "setup"
    assert report(service="chekout", key="k").deployment == deployment


def test_history_follows_a_service_to_its_new_name(shop, page, alice):
    from catalog.commands import entity_write
    from catalog.wishes import Wish
    from deployments.queries import history

    report("1.0")
    entity_write(Wish("service", "checkout", "patch", rename="till"), by=page(alice))
    assert [d.version for d in history(page(alice), service="till")] == ["1.0"]


@pytest.mark.django_db(transaction=True)
def test_one_key_sent_by_eight_at_once_is_one_deployment_and_one_event(shop):
    from portal.audit.models import Event
    from tests.locks.test_races import together

    results = together(8, lambda: report(key="a", run="1").deployment.pk)
    assert len(set(results)) == 1
    assert Event.objects.filter(name="deployment.reported").count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_and_a_config_of_the_same_pair_at_once_agree_on_one(shop):
    from tests.conftest import write
    from tests.locks.test_races import together

    ends = {"service": ("checkout",), "environment": ("production",)}
    deeds = [lambda: write("deploymentConfig", "own", relations=ends), report, report]
    results = together(3, lambda: deeds.pop()())
    assert DeploymentConfig.objects.count() == 1
    assert Deployment.objects.count() == 2
    assert sum(isinstance(each, Conflict) for each in results) <= 1


def test_who_reported_is_who_made_and_changed_the_entities(shop, ci):
    ci.post("deployments", {"service": "checkout", "environment": "production", "version": "1.0"})
    made = Entity.objects.filter(blueprint__identifier__in=["deployment", "deploymentConfig"])
    assert {(each.created_by, each.updated_by) for each in made} == {("CI", "CI")}


def test_an_administrator_creates_what_is_missing_and_places_it(shop, page, alice):
    item = report(service="brand-new", environment="moon").inbox_item
    placed = inbox_place(item, service="brand-new", environment="moon", create_missing=True, by=page(alice))
    assert (placed.service_identifier, placed.environment_identifier) == ("brand-new", "moon")
    assert report(service="brand-new", environment="moon").deployment


@pytest.mark.django_db(transaction=True)
def test_reports_renames_and_deletions_at_once_lose_no_report(shop):
    import threading

    from django.db import connection

    from catalog import queries as catalog
    from catalog.commands import entity_delete, entity_write
    from catalog.wishes import Wish

    told, failed = [], []

    def reports(name):
        for number in range(12):
            try:
                told.append(report(f"{name}.{number}", run=f"{name}{number}", status="success"))
            except Exception as error:
                failed.append(error)
        connection.close()

    def changes():
        for _ in range(6):
            entity_write(Wish("service", "checkout", "patch", rename="till"), by=SETUP)
            entity_write(Wish("service", "till", "patch", rename="checkout"), by=SETUP)
            config = Entity.objects.filter(blueprint__identifier="deploymentConfig").first()
            if config:
                entity_delete(config, by=SETUP)
        connection.close()

    threads = [threading.Thread(target=reports, args=(name,)) for name in "ab"] + [threading.Thread(target=changes)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(told) == 24
    assert Deployment.objects.count() + InboxItem.objects.count() == 24
    assert set(Deployment.objects.values_list("service_identifier", flat=True)) <= {"checkout"}
    assert catalog.service_named("checkout")


def test_an_author_of_a_change_may_have_any_length(shop):
    made = report(run="1", changes=[{"sha": "aaaa111", "author": "x" * 300}]).deployment
    assert made.author == "x" * 254


def test_a_run_is_of_one_kind_and_whoever_does_not_say_which_takes_nothing_back(shop):
    report("flag-on", run="1", kind="flag", status="in_progress")
    report("flag-on", run="1")
    assert Deployment.objects.get().kind == "flag"
    with pytest.raises(Conflict, match="of the kind flag"):
        report("flag-on", run="1", kind="config")
    assert Deployment.objects.get().kind == "flag"


def test_what_was_live_and_was_rolled_back_is_no_longer_said_of_the_config(shop):
    report("1.0", run="1", at=0)
    report("1.0", run="1", status="rolled_back")
    told = Entity.objects.get(identifier="checkout-production").properties
    assert told == {"status": "rolled_back"}


def test_of_two_ends_that_one_run_is_said_to_have_the_earlier_counts_whichever_was_heard_first(shop):
    seen = set()
    for order in ([1, 9], [9, 1]):
        Deployment.objects.all().delete()
        for at in order:
            report(run="1", at=at)
        seen.add(Deployment.objects.get().finished_at)
    assert seen == {NOON + timedelta(minutes=1)}


@pytest.mark.django_db(transaction=True)
def test_one_who_waited_for_another_report_sees_the_end_that_it_named(shop):
    import threading
    import time

    from django.db import connection, transaction

    report("1.0", run="1")
    ends = [database_now() + timedelta(minutes=minutes) for minutes in (1, 2)]

    def overtaken():
        report("2.0", run="2", finished_at=iso(ends[0]))
        connection.close()

    with transaction.atomic():
        report("1.0", run="1", finished_at=iso(ends[1]))
        other = threading.Thread(target=overtaken)
        other.start()
        time.sleep(0.7)
        assert other.is_alive()
    other.join()
    assert live().version == "1.0"
