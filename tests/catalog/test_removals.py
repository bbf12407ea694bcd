"""What an integration deletes: its share goes, more is held until a person decides, and what went comes back as one."""

import threading
from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from catalog.integrations.commands import (
    entities_withdraw,
    removal_approve,
    removal_refuse,
    removal_undo,
    reports_forget,
)
from catalog.integrations.models import Fault, Held, Integration, LogLine, Removal, Tally
from catalog.models import Entity
from portal.accounts.queries import actor_of_user
from portal.audit.models import Event
from portal.audit.outbox import deliver_due
from portal.kit.by import Actor, By
from portal.kit.errors import Conflict, Refused
from tests.conftest import SETUP, V1, events

AGENT = "port-ocean/fake/1.0/my/ocean/exporter"
CLUSTER = "port-k8s-exporter/^0.3.4 (statekey/my-cluster)"
PERSON = {
    "identifier": "person",
    "title": "Person",
    "schema": {"properties": {"age": {"type": "number"}}},
    "relations": {"boss": {"target": "person", "many": False, "required": False}},
}
FLAGS = "upsert=true&merge=true&create_missing_related_entities=true&ocean_info_resync_id=r1"
DELETE = "blueprints/person/bulk/entities/delete?delete_dependents=true&ocean_info_resync_id=r1"


def person(n, **more):
    return {"identifier": f"p{n}", "properties": {"age": n}, "relations": {"boss": "p0"}} | more


@pytest.fixture
def ocean(terraform: V1) -> V1:
    """An integration with twenty people; p0 is the boss of all."""
    terraform.post("blueprints", PERSON)
    terraform.post("integration", {"installationId": "my/ocean", "installationAppType": "fake", "config": {}})
    terraform.post("integration", {"installationId": "my-cluster", "installationAppType": "K8S EXPORTER"})
    people = [person(n) if n else {"identifier": "p0", "properties": {"age": 0}} for n in range(20)]
    answer = terraform.post(f"blueprints/person/entities/bulk?{FLAGS}", {"entities": people}, User_Agent=AGENT)
    assert answer.status == 200, answer.json
    return terraform


def delete(v1: V1, *numbers: int, path: str = DELETE, agent: str = AGENT):
    return v1.post(path, {"entities": [f"p{n}" for n in numbers]}, User_Agent=agent)


def there() -> set[str]:
    return set(Entity.objects.filter(blueprint__identifier="person").values_list("identifier", flat=True))


EVERYBODY = {f"p{n}" for n in range(20)}


def test_its_share_goes_and_what_is_more_is_held(ocean):
    assert len(delete(ocean, *range(1, 19)).json["deletedEntities"]) == 18
    assert there() == {"p0", "p19"}
    answer = delete(ocean, 19)
    assert (answer.status, answer.json["error"]) == (409, "deletion_held")
    assert "90% of the 20 entities" in answer.json["message"]
    assert there() == {"p0", "p19"}
    removal = Removal.objects.get()
    assert (removal.state, removal.owned, removal.gone) == ("held", 20, 18)
    assert [each.identifier for each in removal.held.all()] == ["p19"]
    assert events("integration.deletion") == ["integration.deletion_held"]


def test_where_some_of_a_reconciliation_is_held_the_rest_of_it_is_too(ocean):
    assert delete(ocean, *range(1, 11)).status == 200
    assert delete(ocean, *range(11, 20)).status == 409
    assert delete(ocean, 11).status == 409
    assert len(there()) == 10
    # In the next it is counted anew, and asked of the same person at once.
    again = DELETE.replace("r1", "r2")
    assert delete(ocean, 11, path=again).status == 200
    assert delete(ocean, *range(12, 20), 0, path=again).status == 409
    assert delete(ocean, 12, path=again).status == 409
    assert Removal.objects.filter(state="held").count() == 1


def test_a_wipe_in_one_request_deletes_nothing(ocean):
    before = events("entity")
    assert delete(ocean, *range(20)).status == 409
    assert there() == EVERYBODY
    assert events("entity") == before


def test_a_person_is_asked_once_however_often_it_tries(ocean):
    delete(ocean, *range(20))
    delete(ocean, *range(20))
    delete(ocean, *range(20), path=DELETE.replace("r1", "r2"))
    assert Held.objects.count() == 20
    assert events("integration.deletion") == ["integration.deletion_held"]


def test_one_by_one_is_a_mass_too(ocean):
    """As the exporter deletes: it has no route for many."""
    ocean.send("patch", "integration/my%2Focean/config", {"config": {"entityDeletionThreshold": 0.1}})
    answers = [
        ocean._answer(
            ocean.client.delete(
                f"/v1/blueprints/person/entities/p{n}",
                headers={"Authorization": f"Bearer {ocean.token}", "User-Agent": AGENT},
            )
        )
        for n in range(1, 6)
    ]
    assert [each.status for each in answers] == [200, 200, 409, 409, 409]
    assert Held.objects.count() == 3


def test_one_alone_is_no_mass(ocean):
    ocean.send("patch", "integration/my%2Focean/config", {"config": {"entityDeletionThreshold": 0}})
    assert delete(ocean, 7).status == 200
    assert delete(ocean, 8).status == 409


def test_all_of_a_blueprint_at_once_is_held(ocean, alice, page):
    headers = {"Authorization": f"Bearer {ocean.token}", "User-Agent": AGENT}
    answer = ocean._answer(
        ocean.client.delete("/v1/blueprints/person/all-entities?delete_blueprint=true", headers=headers)
    )
    assert (answer.status, answer.json["error"]) == (409, "deletion_held")
    assert there() == EVERYBODY
    removal_approve(Removal.objects.get(), by=page(alice))
    deliver_due()
    assert there() == set()
    assert ocean.get("blueprints/person").status == 404


def test_another_program_and_an_unknown_integration_delete_as_they_like(ocean):
    assert delete(ocean, *range(5), agent="curl/8").status == 200
    assert delete(ocean, *range(5, 20), agent="port-ocean/fake/1.0/stranger/exporter").status == 200
    assert not Removal.objects.exists()


def test_what_would_be_refused_anyhow_is_refused_and_not_held(ocean):
    answer = delete(ocean, *range(20), path=DELETE.replace("person", "nothing"))
    assert answer.status == 404
    assert not Held.objects.exists()


def test_what_a_person_approves_goes_in_that_persons_name(ocean, alice, page):
    delete(ocean, *range(20))
    removal = removal_approve(Removal.objects.get(), by=page(alice))
    deliver_due()
    assert there() == set()
    removal.refresh_from_db()
    assert (removal.state, removal.gone, removal.decided_by) == ("done", 20, "Alice")
    gone = Event.objects.filter(name="entity.deleted")
    assert set(gone.values_list("actor_name", "actor_key")) == {("Alice", actor_of_user(alice).key)}


def test_what_was_seen_again_meanwhile_stays(ocean, alice, page):
    delete(ocean, *range(20))
    same = [person(n) for n in range(1, 6)]
    ocean.post(f"blueprints/person/entities/bulk?{FLAGS}", {"entities": same}, User_Agent=AGENT)
    removal_approve(Removal.objects.get(), by=page(alice))
    deliver_due()
    assert there() == {f"p{n}" for n in range(1, 6)}
    assert {each.problem for each in Held.objects.all()} == {"It was written or seen again since, and stays."}


def test_what_a_person_refuses_stays_and_is_asked_again_in_the_next_resync(ocean, alice, page):
    delete(ocean, *range(20))
    removal_refuse(Removal.objects.get(), by=page(alice))
    assert there() == EVERYBODY
    with pytest.raises(Conflict):
        removal_approve(Removal.objects.get(), by=page(alice))
    deliver_due()
    assert there() == EVERYBODY
    assert delete(ocean, *range(20), path=DELETE.replace("r1", "r2")).status == 409
    assert Removal.objects.filter(state="held").count() == 1


def test_all_that_went_comes_back_as_one(ocean, alice, page):
    """Over several requests, and with the arrows between them."""
    arrows = "blueprints/person/entities/p3"
    relations = ocean.get(arrows).json["entity"]["relations"]
    for start in (0, 6, 12):
        assert delete(ocean, *range(start, start + 6)).status == 200
    removal = Removal.objects.get()
    removal_undo(removal, by=page(alice))
    deliver_due()
    removal.refresh_from_db()
    assert (removal.restored, removal.unrestored) == (18, 0)
    assert there() == EVERYBODY
    assert ocean.get(arrows).json["entity"]["relations"] == relations == {"boss": "p0"}
    assert ocean.get("blueprints/person/entities/p19").json["entity"]["relations"] == {"boss": "p0"}
    with pytest.raises(Conflict):
        removal_undo(removal, by=page(alice))


def test_an_approved_deletion_is_undone_too(ocean, alice, page):
    delete(ocean, *range(20))
    removal = removal_approve(Removal.objects.get(), by=page(alice))
    with pytest.raises(Conflict):
        removal_undo(removal, by=page(alice))
    deliver_due()
    removal_undo(removal, by=page(alice))
    deliver_due()
    assert there() == EVERYBODY


def test_nobody_but_an_administrator_in_person_decides(ocean, alice, bob, page):
    delete(ocean, *range(20))
    removal = Removal.objects.get()
    program = By(Actor("credential", "credential:9", "Robot", is_admin=True), "api")
    for by in (page(bob), program, SETUP):
        for verb in (removal_approve, removal_refuse, removal_undo):
            with pytest.raises(Refused):
                verb(removal, by=by)
    removal.refresh_from_db()
    assert removal.state == "held"
    assert events("integration.deletion") == ["integration.deletion_held"]


@pytest.mark.django_db(transaction=True)
def test_two_deletions_at_once_do_not_both_fit_into_one_share(ocean):
    by = By(SETUP.actor, "api", agent=AGENT)
    halves = [[f"p{n}" for n in range(1, 11)], [f"p{n}" for n in range(11, 20)]]

    def withdraw(names):
        with suppress(Conflict):
            entities_withdraw("person", names, resync="r1", by=by)
        connection.close()

    threads = [threading.Thread(target=withdraw, args=[names]) for names in halves]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    removal = Removal.objects.get()
    assert removal.state == "held"
    assert removal.gone in (9, 10)
    assert len(there()) == 20 - removal.gone


@pytest.mark.django_db(transaction=True)
def test_two_resyncs_at_once_write_each_entity_once_and_count_all(ocean):
    """Some as they are, some new, in different orders."""
    people = [person(n) for n in range(1, 20)] + [person(50)]
    path = f"/v1/blueprints/person/entities/bulk?{FLAGS}"
    headers = {"Authorization": f"Bearer {ocean.token}", "User-Agent": AGENT}
    answers = []

    def sync(sent):
        answers.append(Client().post(path, {"entities": sent}, content_type="application/json", headers=headers))
        connection.close()

    written = events("entity")
    threads = [threading.Thread(target=sync, args=[each]) for each in (people, people[::-1])]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each.status_code for each in answers] == [200, 200]
    assert events("entity") == [*written, "entity.created"]
    tally = Tally.objects.get()
    assert (tally.created, tally.updated, tally.same, tally.failed) == (21, 0, 39, 0)


def test_what_became_of_what_it_sent_is_counted_and_what_was_refused_is_kept(ocean):
    sent = [person(1), person(2, properties={"age": 99}), person(30), person(31, properties={"age": "old"})]
    ocean.post(f"blueprints/person/entities/bulk?{FLAGS}", {"entities": sent}, User_Agent=AGENT)
    delete(ocean, 5)
    tally = Tally.objects.get()
    assert (tally.created, tally.updated, tally.same, tally.deleted, tally.failed) == (21, 1, 1, 1, 1)
    fault = Fault.objects.get()
    assert (fault.identifier, fault.status, fault.payload) == ("p31", 422, sent[3])
    assert "age" in fault.message
    one = ocean.post(f"blueprints/person/entities?{FLAGS}", sent[3], User_Agent=AGENT)
    assert one.status == 422
    assert Fault.objects.count() == 2


def test_who_names_no_resync_has_a_count_for_each_hour(ocean):
    sent = [{"identifier": "pod-1"}]
    ocean.post("blueprints/person/entities/bulk?upsert=true", {"entities": sent}, User_Agent=CLUSTER)
    tally = Tally.objects.get(integration__identifier="my-cluster")
    assert tally.resync.endswith(":00")
    assert tally.created == 1


@pytest.mark.parametrize(
    "agent",
    [
        "port-ocean/",
        "port-ocean///",
        "port-ocean/a/b/" + "x" * 5000,
        "port-k8s-exporter/ (statekey/)",
        "port-ocean/fake/1.0/\u00e9/exporter",
    ],
)
def test_odd_names_are_nobodys(ocean, agent):
    assert (
        ocean.post(f"blueprints/person/entities/bulk?{FLAGS}", {"entities": [person(40)]}, User_Agent=agent).status
        == 200
    )
    assert Tally.objects.count() == 1


def test_a_resync_that_is_called_oddly_is_noted_all_the_same(ocean):
    path = f"blueprints/person/entities/bulk?upsert=true&ocean_info_resync_id={'%0a%7f' * 9}{'z' * 400}"
    assert ocean.post(path, {"entities": [person(41)]}, User_Agent=AGENT).status == 200
    assert Tally.objects.filter(resync="z" * 250).exists()
    path = DELETE.replace("r1", "%0a" * 9 + "z" * 400)
    assert delete(ocean, 1, path=path).status == 200


def test_what_it_told_is_forgotten_in_time_and_what_waits_is_not(ocean, settings):
    delete(ocean, *range(20))
    ocean.post("integration/my%2Focean/logs", {"logs": [{"message": "x"}]})
    ocean.post(f"blueprints/person/entities?{FLAGS}", person(1, properties={"age": "x"}), User_Agent=AGENT)
    reports_forget(timezone.now() + timedelta(days=settings.INGEST_DAYS - 1))
    assert (LogLine.objects.count(), Fault.objects.count(), Tally.objects.count()) == (1, 1, 1)
    reports_forget(timezone.now() + timedelta(days=settings.INGEST_DAYS + 1))
    assert not LogLine.objects.exists() and not Fault.objects.exists() and not Tally.objects.exists()
    assert Removal.objects.get().state == "held"


def test_its_words_of_other_routes_are_in_its_log(ocean):
    headers = {"User_Agent": AGENT.removesuffix("/exporter")}
    assert ocean.send("patch", "org/org_portcullis/integration/probe/p1", {"status": "ok"}, **headers).status == 200
    assert ocean.post("lifecycle/r1", {"status": "running"}, **headers).status == 200
    lines = [line["message"] for line in ocean.get("integration/my%2Focean/logs").json["data"]]
    assert lines == ["Lifecycle of the resync r1", "Connection test p1"]
    assert ocean.post("lifecycle/r1", {}).status == 404
    kafka = ocean.get("kafka-credentials")
    assert (kafka.status, kafka.json["error"]) == (404, "no_kafka")
    assert "POLLING" in kafka.json["message"]


def test_its_cursor_comes_back(ocean):
    path = "integration/my%2Focean/cursor"
    assert ocean.get(path, kind="repo", index="0").json["cursor"] == {"primary": None}
    at = {"primary": "2026-01-05T10:00:00+00:00"}
    assert ocean.send("put", f"{path}?kind=repo&index=0", at).json["cursor"] == at
    assert ocean.get(path, kind="repo", index="0").json["cursor"] == at
    assert ocean.post(f"{path}?kind=repo&index=0", {"primary": "soon"}).status == 422
    assert ocean.post(f"{path}?kind={'x' * 300}", at).status == 422
    assert ocean.post(path, at).status == 422
    assert ocean.get(path, kind="repo", index="0").json["cursor"] == at


def test_asking_whether_anybody_wants_a_resync_is_a_sign_of_life_of_the_integration_alone(ocean):
    Integration.objects.update(heard_at=None)
    ocean.get("integration/my%2Focean/resync-request")
    assert Integration.objects.get(identifier="my/ocean").heard_at is None
    headers = {"Authorization": f"Bearer {ocean.token}", "User-Agent": AGENT.removesuffix("/exporter")}
    ocean.client.get("/v1/integration/my%2Focean/resync-request", headers=headers)
    assert Integration.objects.get(identifier="my/ocean").heard_at is not None
