"""What forges and tools send: kept before it is answered, read by a worker, taken in once."""

from copy import deepcopy

import pytest

from deployments.commands import deployment_report, hook_create, hook_delete, hook_update, payload_map, report_replay
from deployments.models import Deployment, Hook, InboxItem, ReportRequest
from portal.audit.models import Delivery, Event
from portal.audit.outbox import deliver_due
from portal.kit.clock import iso
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events, write
from tests.deployments.hooked import FOLDER, SECRET, SHA, bring, came, hook, payload, send


@pytest.fixture
def github(shop):
    write("service", "checkout", mode="patch", properties={"repository": "https://github.com/larder/checkout"})
    return hook("github", workflows={"Deploy": "production"})


def test_a_payload_is_kept_before_anybody_reads_it(github):
    answer = send(github, payload("github_deployment_status"), "deployment_status")
    assert (answer.status_code, answer.json()["repeated"]) == (202, False)
    row = came()
    assert (row.pk, row.outcome, row.door, row.sender) == (answer.json()["id"], "waiting", "webhook", "Github")
    assert row.headers["x-github-event"] == "deployment_status"
    assert not Deployment.objects.exists()


def test_what_proves_the_sender_is_kept_nowhere(github):
    send(github, payload("github_deployment_status"), "deployment_status", Cookie="a=b", Authorization="Bearer x")
    assert not {"x-hub-signature-256", "cookie", "authorization"} & came().headers.keys()
    assert SECRET not in str(
        list(Event.objects.values()) + list(ReportRequest.objects.values()) + list(Hook.objects.values())
    )


def test_a_deployment_status_of_github_is_a_report_of_its_run(github):
    bring(github, payload("github_deployment_status"), "deployment_status")
    deployment = Deployment.objects.get()
    assert came().outcome in ("created", "late") and came().deployment == deployment
    assert (deployment.service_identifier, deployment.environment_identifier) == ("checkout", "production")
    assert (deployment.status, deployment.commit, deployment.ref, deployment.actor) == ("success", SHA, "main", "dana")
    assert (deployment.provider, deployment.run, deployment.attempt) == ("github", "289782451", 2)
    assert (iso(deployment.started_at), iso(deployment.finished_at)) == (
        "2026-03-02T11:53:20.000Z",
        "2026-03-02T11:58:55.000Z",
    )
    assert deployment.run_url == "https://github.com/larder/checkout/actions/runs/289782451/job/12345678901"
    assert deployment.reported_by == "Github"


def test_what_github_tells_and_what_its_job_reports_are_one_deployment(github):
    body = {"service": "checkout", "environment": "prod", "version": "1.4.2", "commit": SHA}
    deployment_report(body | {"ci": {"provider": "github", "run": "289782451", "attempt": "2"}}, by=SETUP)
    bring(github, payload("github_deployment"), "deployment")
    bring(github, payload("github_deployment_status"), "deployment_status", "d2")
    assert (Deployment.objects.get().version, Deployment.objects.get().status) == ("1.4.2", "success")


def without_run(name, **changes):
    body = payload(name, **changes)
    del body["workflow_run"]
    return body


def test_any_order_of_what_github_tells_comes_to_the_same(github):
    told = [
        ("deployment", without_run("github_deployment"), "d1"),
        ("deployment_status", without_run("github_deployment_status", deployment_status__state="in_progress"), "d2"),
        ("deployment_status", without_run("github_deployment_status"), "d3"),
    ]
    seen = set()
    for order in (told, told[::-1], [told[2], told[0], told[1]]):
        Deployment.objects.all().delete()
        ReportRequest.objects.all().delete()
        for event, body, delivery in order:
            bring(github, body, event, delivery)
        found = Deployment.objects.get()
        seen.add((found.status, found.finished_at, found.started_at, found.run, found.commit))
    assert len(seen) == 1 and next(iter(seen))[3] == "deployment-145988746"


@pytest.mark.parametrize(
    ("state", "status"),
    [("queued", "pending"), ("waiting", "pending"), ("in_progress", "in_progress"), ("failure", "failure"), ("error", "failure")],
)  # fmt: skip
def test_every_state_of_github_has_its_status(github, state, status):
    bring(github, payload("github_deployment_status", deployment_status__state=state), "deployment_status")
    assert Deployment.objects.get().status == status


@pytest.mark.parametrize(
    ("event", "name", "changes", "why"),
    [
        ("deployment_status", "github_deployment_status", {"deployment_status__state": "inactive"}, "inactive"),
        (
            "deployment_status",
            "github_deployment_status",
            {"deployment_status__state": "odd"},
            "none that the portal knows",
        ),
        ("push", "github_deployment", {}, "“push”"),
        ("", "github_deployment", {}, "without a name"),
        ("workflow_run", "github_workflow_run", {"workflow_run__name": "Test"}, "not said to deploy"),
        ("workflow_run", "github_workflow_run", {"workflow_run__conclusion": "skipped"}, "skipped"),
    ],
)
def test_what_tells_of_no_deployment_is_ignored_and_says_why(github, event, name, changes, why):
    assert bring(github, payload(name, **changes), event).status_code == 202
    assert came().outcome == "ignored" and why in came().answer["message"]
    assert not Deployment.objects.exists()


def test_a_workflow_run_deploys_where_the_hook_says(github):
    bring(github, payload("github_workflow_run"), "workflow_run")
    found = Deployment.objects.get()
    assert (found.environment_identifier, found.status, found.run, found.attempt) == (
        "production",
        "success",
        "289782451",
        2,
    )
    assert (found.message, found.author, found.actor) == ("PAY-31: Round after the discount", "Erin", "erin")
    assert iso(found.finished_at) == "2026-03-02T11:59:07.000Z"


def test_a_version_comes_from_the_payload_or_from_a_tag(github):
    bring(github, without_run("github_deployment_status", deployment__ref="v1.4.2"), "deployment_status")
    own = {"version": "2.0", "service": "search"}
    bring(
        github,
        without_run("github_deployment_status", deployment__payload=own, deployment__id=2),
        "deployment_status",
        "d2",
    )
    found = Deployment.objects.order_by("id").values_list("service_identifier", "version")
    assert list(found) == [("checkout", "v1.4.2"), ("search", "2.0")]


def test_the_same_delivery_again_does_nothing(github):
    for expected in (202, 200, 200):
        assert bring(github, payload("github_deployment_status"), "deployment_status").status_code == expected
    assert (Deployment.objects.count(), ReportRequest.objects.count()) == (1, 1)
    assert events("deployment.", "report_request") == ["report_request.received", "deployment.reported"]


def test_a_worker_that_reads_it_twice_takes_it_in_once(github):
    send(github, payload("github_deployment_status"), "deployment_status")
    for _ in range(2):
        payload_map(came().pk)
    assert events("deployment.") == ["deployment.reported"]


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_take_it_in_once(github):
    from tests.locks.test_races import together

    send(github, payload("github_deployment_status"), "deployment_status")
    pk = came().pk
    together(4, lambda: payload_map(pk))
    assert events("deployment.") == ["deployment.reported"]


def test_a_lost_wake_up_loses_nothing(github):
    send(github, payload("github_deployment_status"), "deployment_status")
    assert Delivery.objects.get().state == "pending"
    deliver_due()
    assert (Delivery.objects.get().state, Deployment.objects.count()) == ("done", 1)


@pytest.mark.parametrize("kind", ["github", "gitlab", "cdevents", "signed"])
def test_a_wrong_signature_is_refused_and_logged_without_its_body(shop, client, alice, kind):
    wrong = {
        "github": {"X-Hub-Signature-256": "sha256=" + "0" * 64},
        "gitlab": {"X-Gitlab-Token": "guess"},
        "cdevents": {"Authorization": "Bearer guess"},
        "signed": {"X-Portcullis-Signature": "sha256=" + "0" * 64},
    }[kind]
    answer = send(hook(kind), payload("github_deployment"), "deployment", **wrong)
    assert (answer.status_code, answer.json()["error"]) == (403, "bad_signature")
    assert [(row.outcome, row.body, row.sender) for row in ReportRequest.objects.all()] == [
        ("refused", None, kind.title())
    ]
    client.force_login(alice)
    page = client.get(ReportRequest.objects.get().get_absolute_url()).content.decode()
    assert "its sender did not prove who it is" in page and "64 KiB" not in page


@pytest.mark.parametrize("kind", ["github", "gitlab", "cdevents", "signed"])
@pytest.mark.parametrize("body", [b"[]", b'"a"', b"", b"7"])
def test_what_is_no_object_is_refused_and_logged(shop, kind, body):
    assert send(hook(kind), body, "deployment").status_code == 422
    assert came().outcome == "refused"


def test_a_hook_that_is_switched_off_or_unknown_is_not_there(shop):
    off = hook("github", enabled=False)
    assert send(off, payload("github_deployment"), "deployment").status_code == 404
    off.key = "guess"
    assert send(off, payload("github_deployment"), "deployment").status_code == 404
    assert not ReportRequest.objects.exists()


def test_names_that_nobody_knows_wait_in_the_inbox_as_a_report(shop, page, alice):
    from deployments.commands import inbox_place

    own = hook("github")
    body = payload("github_deployment_status", deployment_status__environment="prod-eu", repository__name="till")
    bring(
        own,
        body | {"repository": body["repository"] | {"html_url": "https://github.com/larder/till"}},
        "deployment_status",
    )
    item = InboxItem.objects.get()
    assert (came().outcome, item.service, item.environment, item.reported_by) == ("inbox", "till", "prod-eu", "Github")
    placed = inbox_place(item, service="checkout", environment="production", by=page(alice))
    assert (placed.commit, placed.run) == (SHA, "289782451")


def test_a_repository_of_several_services_waits_under_its_whole_name_unless_a_name_says_which(github):
    write("service", "search", mode="patch", properties={"repository": "https://github.com/larder/checkout.git"})
    bring(github, payload("github_deployment_status"), "deployment_status")
    assert Deployment.objects.get().service_identifier == "checkout"
    write("service", "till", properties={"repository": "https://github.com/larder/checkout/"})
    write("service", "checkout", mode="patch", properties={"repository": None})
    bring(github, payload("github_deployment_status"), "deployment_status", "d2")
    assert InboxItem.objects.get().service == "larder/checkout"


def test_a_service_is_known_by_its_repository_whatever_it_is_called(shop):
    write("service", "search", mode="patch", properties={"repository": "https://github.com/Larder/checkout"})
    bring(hook("github"), payload("github_deployment_status"), "deployment_status")
    assert Deployment.objects.get().service_identifier == "search"


def test_a_hook_that_may_makes_the_services_that_nobody_knows_and_no_environment(shop):
    own = hook("github", creates_services=True)
    body = payload("github_deployment_status", repository__name="till")
    body["repository"]["html_url"] = "https://github.com/larder/till"
    bring(own, body, "deployment_status")
    from catalog.queries import service_named

    assert service_named("till").properties["repository"] == "https://github.com/larder/till"
    other = deepcopy(body)
    other["deployment_status"]["environment"] = "moon"
    other["repository"] |= {"name": "shed", "html_url": "https://github.com/larder/shed"}
    bring(own, other, "deployment_status", "d2")
    assert (came().outcome, InboxItem.objects.get().service) == ("inbox", "shed")
    with pytest.raises(Exception, match="no service"):
        service_named("shed")


def test_a_payload_is_replayed_as_of_its_arrival(github, page, alice):
    own = payload("github_deployment_status", deployment_status__environment="prod-eu")
    bring(github, own, "deployment_status")
    write("environment", "production", mode="patch", properties={"aliases": ["prod", "prod-eu"], "tier": "production"})
    row = report_replay(came(), by=page(alice))
    assert (row.outcome, row.deployment.environment_identifier) == ("late", "production")
    again = report_replay(row, by=page(alice))
    assert (again.outcome, Deployment.objects.count()) == ("late", 1)


def test_what_was_ignored_is_read_anew_when_the_hook_has_changed(github, page, alice):
    bring(github, payload("github_workflow_run", workflow_run__name="Ship"), "workflow_run")
    assert came().outcome == "ignored"
    hook_update(github, {"workflows": {"Ship": "staging"}}, by=SETUP)
    assert report_replay(came(), by=page(alice)).deployment.environment_identifier == "staging"


@pytest.mark.parametrize(
    ("wished", "secret", "path"),
    [
        ({"name": ""}, SECRET, "name"),
        ({"kind": "svn"}, SECRET, "kind"),
        ({}, "", "secret"),
        ({}, "short", "secret"),
        ({"workflows": {"a": 7}}, SECRET, "workflows"),
        ({"workflows": ["a"]}, SECRET, "workflows"),
    ],
)
def test_a_hook_that_makes_no_sense_is_refused(shop, wished, secret, path):
    with pytest.raises(Invalid) as refusal:
        hook_create({"name": "Forge", "kind": "github"} | wished, secret=secret, by=SETUP)
    assert refusal.value.details["errors"][0]["path"] == path
    assert not Hook.objects.exists()


def test_two_hooks_share_no_name_and_only_administrators_make_them(shop, page, bob):
    hook("github")
    with pytest.raises(Conflict):
        hook("github")
    with pytest.raises(Refused):
        hook_create({"name": "Mine", "kind": "github"}, secret=SECRET, by=page(bob))
    assert Hook.objects.count() == 1


def test_another_secret_takes_the_old_one_back(shop):
    own = hook("gitlab")
    hook_update(own, {}, secret="another secret of ours", by=SETUP)
    assert send(own, payload("gitlab_deployment")).status_code == 403
    assert events("hook") == ["hook.created", "hook.updated"]


@pytest.mark.parametrize("name", sorted(path.stem for path in FOLDER.glob("*.json")))
def test_no_part_of_a_payload_that_is_odd_brings_the_worker_down(shop, name):
    """Each part in turn is left out, or is something else."""
    kind = name.split("_")[0]
    own, event = hook(kind, workflows={"Deploy": "production"} if kind == "github" else {}), name.partition("_")[2]
    whole = payload(name)
    for number, (part, key) in enumerate(list(parts(whole))):
        kept, part[key] = part[key], ODD[number % len(ODD)]
        row = ReportRequest.objects.create(
            actor_key="hook:0",
            door="webhook",
            body=whole,
            hook=own,
            outcome="waiting",
            headers={"x-github-event": event},
        )
        payload_map(row.pk)
        row.refresh_from_db()
        assert row.outcome != "waiting", (number, key, part[key])
        part[key] = kept


ODD = [None, 7, "x" * 2000, {}, ["\ud83d\ude00"], "javascript:alert(1)", -1.5]


def parts(body):
    """Places that are read, and a few that are not."""
    for key in list(body):
        yield body, key
        if isinstance(body[key], dict) and key not in (
            "owner",
            "organization",
            "check_run",
            "sender",
            "head_repository",
        ):
            inner = body[key]
            for each in list(inner)[:40]:
                if not str(inner[each]).startswith("https://api.github.com"):
                    yield inner, each


def test_a_payload_whose_hook_has_gone_meanwhile_waits_no_longer_and_says_why(shop):
    made = hook("signed")
    sent = send(made, {"service": "checkout", "environment": "production", "version": "1.0"})
    assert sent.status_code == 202
    hook_delete(made, by=SETUP)
    deliver_due()
    row = ReportRequest.objects.get()
    assert (row.outcome, row.answer["message"]) == ("ignored", "Its hook is gone.")
    assert not Deployment.objects.exists()
