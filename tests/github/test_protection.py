"""A job of GitHub Actions waits at the gate and goes on by itself, with no change of its workflow."""

import time
from datetime import timedelta

import pytest
from django.test import Client

from locks import scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    lock_release,
    lock_take,
    pending_deployment_advance,
    pending_deployments_advance,
)
from locks.models import KeptDecision, PendingDeployment
from locks.runs import Run
from portal.audit.models import Delivery
from portal.kit.clock import database_now
from tests.conftest import events, write
from tests.github.conftest import SECRET, asks, send, work
from tests.locks.test_races import together

ROUTE = "/repos/larder/checkout/actions/runs/4711/deployment_protection_rule"


def lock(place, by, reason="debugging checkout"):
    return lock_take(scopes.pair(place), reason=reason, until=database_now() + timedelta(hours=2), by=by)


def states():
    return list(PendingDeployment.objects.order_by("id").values_list("state", flat=True))


def test_an_open_gate_approves_at_once(checkout, github):
    status, answer = send(asks(github))
    assert (status, answer["pending_deployment"]["state"]) == (202, "approved")
    assert github.asked == [], "GitHub is called by a worker, never by the request"
    work()
    [(path, told)] = github.told
    assert path == ROUTE
    assert told["state"] == "approved" and told["environment_name"] == "production"
    assert told["comment"].startswith("checkout in production is open.")
    assert github.tokens["ghs_0"] == ("99", {"repositories": ["checkout"], "permissions": {"deployments": "write"}})
    assert events("pending_deployment") == ["pending_deployment.approved"]


def test_a_lock_holds_it_and_the_release_lets_it_go_on(checkout, github, page, bob):
    held = lock(checkout, page(bob))
    assert send(asks(github))[1]["pending_deployment"]["state"] == "waiting"
    work()
    [(path, told)] = github.told
    assert path == ROUTE and "state" not in told
    assert "is locked by Bob until" in told["comment"] and "debugging checkout" in told["comment"]
    assert "/locks/explained?service=checkout" in told["comment"]
    pending_deployments_advance()
    work()
    assert len(github.told) == 1, "what has not changed is not said again"

    lock_release(held, reason="found it", by=page(bob))
    work()
    assert [each["state"] for _, each in github.told[1:]] == ["approved"]
    assert states() == ["approved"]
    assert events("pending_deployment") == ["pending_deployment.held", "pending_deployment.approved"]
    assert list(KeptDecision.objects.order_by("id").values_list("outcome", "run")) == [
        ("deny", "github:4711:1"),
        ("allow", "github:4711:1"),
    ]


def test_a_second_lock_is_told_and_only_the_last_release_opens(checkout, github, page, bob, alice):
    first = lock(checkout, page(bob))
    send(asks(github))
    second = lock_take(scopes.named("everything"), reason="the shop sleeps", by=page(alice))
    lock_release(first, reason="found it", by=page(bob))
    work()
    assert states() == ["waiting"]
    assert "the shop sleeps" in github.told[-1][1]["comment"] and "state" not in github.told[-1][1]
    lock_release(second, reason="good morning", by=page(alice))
    work()
    assert states() == ["approved"] and github.told[-1][1]["state"] == "approved"


def test_the_end_of_a_lock_opens_with_nobody_releasing_it(checkout, github, page, bob):
    lock_take(scopes.pair(checkout), reason="debugging", until=database_now() + timedelta(seconds=1), by=page(bob))
    send(asks(github))
    assert states() == ["waiting"]
    time.sleep(1.1)
    pending_deployments_advance()
    assert states() == ["approved"]


def test_a_freeze_holds_it_and_its_withdrawal_opens(checkout, github, terraform):
    now = f"{database_now():%Y-%m-%dT%H:%M}"
    wish = {"scope": "everything", "title": "Sales", "reason": "sales", "timezone": "UTC"}
    freeze = terraform.post("freezes", wish | {"starts": now, "duration": "2h"}).json["freeze"]
    send(asks(github))
    assert states() == ["waiting"] and "frozen" in PendingDeployment.objects.get().message
    assert terraform.delete(f"freezes/{freeze['id']}").status == 200
    work()
    assert states() == ["approved"]


def test_it_waits_for_another_run_that_deploys_there(checkout, github, page, bob):
    claim = claim_begin(checkout, Run("gh:1:1"), version="1.4.1", by=page(bob)).claim
    send(asks(github))
    assert states() == ["waiting"]
    assert "Bob is deploying 1.4.1" in PendingDeployment.objects.get().message
    claim_finish(claim, claim.fence, "success", by=page(bob))
    work()
    assert states() == ["approved"]


def test_the_same_delivery_is_taken_once(checkout, github):
    assert send(asks(github), delivery="d-1")[1] == send(asks(github), delivery="d-1")[1]
    work()
    assert states() == ["approved"] and len(github.told) == 1


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        (
            {"repository": "larder/nothing"},
            "No service of the catalog has the repository https://github.com/larder/nothing",
        ),
        ({"environment": "producton"}, "There is no environment called “producton”. Did you mean production?"),
    ],
)
def test_what_the_catalog_does_not_know_is_rejected_with_a_sentence(checkout, github, changes, sentence):
    send(asks(github, **changes))
    work()
    assert github.told[0][1]["state"] == "rejected" and sentence in github.told[0][1]["comment"]
    assert PendingDeployment.objects.get().service is None


@pytest.mark.parametrize("address", ["https://github.com/larder/checkout.git", "https://GitHub.com/Larder/checkout/"])
@pytest.mark.parametrize("environment", ["production", "prod", "checkout/Live"])
def test_the_service_is_found_by_its_repository_however_it_is_written(checkout, github, address, environment):
    write("service", "checkout", mode="patch", properties={"repository": address})
    send(asks(github, environment=environment))
    assert PendingDeployment.objects.get().where == "checkout in production"


def test_of_a_repository_with_several_services_the_environment_names_one(checkout, github, page, bob):
    write("service", "search", mode="patch", properties={"repository": "https://github.com/larder/checkout"})
    lock(checkout, page(bob))
    send(asks(github, environment="search/production"))
    send(asks(github, environment="checkout/production"))
    send(asks(github, environment="production"))
    assert states() == ["approved", "waiting", "rejected"]
    assert "such as checkout/production" in PendingDeployment.objects.last().message


@pytest.mark.parametrize(
    "callback",
    [
        "https://evil.example/repos/larder/checkout/actions/runs/4711/deployment_protection_rule",
        "{api}.evil.example/repos/larder/checkout/actions/runs/4711/deployment_protection_rule",
        "{api}/repos/larder/other/actions/runs/4711/deployment_protection_rule",
        "{api}/repos/larder/checkout/actions/runs/4711/deployment_protection_rule?x=1",
        "{api}/repos/larder/checkout/../../app",
        "http://169.254.169.254/latest",
    ],
)
def test_an_answer_is_owed_to_github_and_nowhere_else(checkout, github, callback):
    status, answer = send(asks(github, deployment_callback_url=callback.format(api=github.url)))
    assert (status, answer["details"]["errors"][0]["path"]) == (422, "deployment_callback_url")
    assert not PendingDeployment.objects.exists()


def test_who_does_not_sign_is_refused_and_leaves_nothing(checkout, github):
    for secret in ("guessed", ""):
        status, answer = send(asks(github), secret=secret or "x")
        assert (status, answer["error"]) == (403, "bad_signature")
    assert Client().post("/v1/github/webhook", b"{}", content_type="application/json").status_code == 403
    assert not PendingDeployment.objects.exists() and not events("pending")


def test_without_a_secret_the_door_is_closed(checkout, github, settings):
    settings.GITHUB_WEBHOOK_SECRET = ""
    assert send(asks(github), secret=SECRET)[0] == 404
    assert not PendingDeployment.objects.exists()


def test_a_link_that_is_none_is_not_kept_for_people_to_follow(checkout, github):
    hook = asks(github)
    hook["repository"]["html_url"] = "javascript:alert(1)"
    assert send(hook)[0] == 422
    assert not PendingDeployment.objects.exists()


@pytest.mark.parametrize(("event", "action"), [("ping", None), ("deployment_protection_rule", "completed")])
def test_other_events_are_taken_and_left_alone(checkout, github, event, action):
    assert send(asks(github, action=action), event=event) == (202, {"ok": True, "pending_deployment": None})
    assert not PendingDeployment.objects.exists()


@pytest.mark.parametrize("lacks", ["environment", "deployment_callback_url", "repository", "installation"])
def test_a_payload_that_is_not_whole_is_refused(checkout, github, lacks):
    body = {name: value for name, value in asks(github).items() if name != lacks}
    assert send(body)[0] == 422
    assert not PendingDeployment.objects.exists()


def owed():
    return Delivery.objects.filter(subscriber="github").order_by("id")


def test_an_answer_is_tried_again_until_github_takes_it(checkout, github):
    github.answers = [(502, {"message": "Bad gateway"}), (403, {"message": "rate limit"}, [("Retry-After", "7")])]
    send(asks(github))
    work()
    assert github.told[0][1]["state"] == "approved"
    assert owed().get().state == "done" and owed().get().attempts == 3


def test_what_github_takes_no_more_is_let_be_and_what_cannot_work_is_parked(checkout, github):
    github.answers = [(422, {"message": "No pending deployment"}), (404, {"message": "Not Found"})]
    send(asks(github))
    work()
    assert owed().get().result == {"told": False, "why": "GitHub answered 422: No pending deployment"}
    send(asks(github, run=4712))
    work()
    assert (owed().last().state, owed().last().last_error[:28]) == ("parked", "GitHub answered 404: Not Fou")
    assert github.told == []


def test_a_redirect_is_not_followed(checkout, github):
    github.answers = [(307, {"message": "moved"}, [("Location", f"{github.url}/elsewhere")])]
    send(asks(github))
    work()
    assert owed().get().state == "parked"
    assert [path for path in github.asked if "elsewhere" in path] == []


def test_a_comment_that_github_does_not_take_does_not_hold_up_the_answer(checkout, github, page, bob):
    held = lock(checkout, page(bob))
    github.answers = [(500, {"message": "down"})] * 3
    send(asks(github))
    work()
    assert owed().get().result["told"] is False
    lock_release(held, reason="found it", by=page(bob))
    work()
    assert [each.get("state") for _, each in github.told] == ["approved"]


def test_a_comment_that_comes_too_late_is_not_sent(checkout, github, page, bob):
    held = lock(checkout, page(bob))
    send(asks(github))
    lock_release(held, reason="found it", by=page(bob))
    pending_deployments_advance()
    work()
    assert [each.get("state") for _, each in github.told] == ["approved"]


def test_a_key_that_is_none_is_parked_with_what_to_set(checkout, github, settings):
    settings.GITHUB_PRIVATE_KEY = "not a key"
    send(asks(github))
    work()
    assert "PORTCULLIS_GITHUB_PRIVATE_KEY is no RSA key" in owed().get().last_error
    assert github.asked == []


def test_what_nobody_answered_for_thirty_days_is_given_up_without_a_call(checkout, github, page, bob):
    lock(checkout, page(bob))
    send(asks(github))
    work()
    PendingDeployment.objects.update(asked_at=database_now() - timedelta(days=30))
    pending_deployments_advance()
    work()
    assert states() == ["expired"] and len(github.told) == 1


def test_a_place_that_is_gone_is_rejected(checkout, github, page, bob):
    held = lock(checkout, page(bob))
    send(asks(github))
    PendingDeployment.objects.update(service=None)
    pending_deployments_advance()
    work()
    assert github.told[-1][1]["state"] == "rejected"
    assert "checkout in production is no longer in the catalog." in github.told[-1][1]["comment"]
    assert held.pk


def test_answered_once_is_answered(checkout, github):
    send(asks(github))
    pending_deployment_advance(PendingDeployment.objects.get().pk)
    assert events("pending_deployment") == ["pending_deployment.approved"]


def test_comments_are_spent_sparingly(checkout, github, page, alice):
    send_lock = [lock_take(scopes.named("everything"), reason="a lock", by=page(alice))]
    send(asks(github))
    for number in range(12):
        lock_release(send_lock[-1], reason="next", by=page(alice))
        send_lock.append(lock_take(scopes.named("everything"), reason=f"lock {number}", by=page(alice)))
        pending_deployments_advance()
    work()
    assert PendingDeployment.objects.get().comments == PendingDeployment.MOST_COMMENTS
    lock_release(send_lock[-1], reason="open", by=page(alice))
    work()
    assert github.told[-1][1]["state"] == "approved"


def test_a_program_lists_what_waits(checkout, github, page, bob, ci):
    lock(checkout, page(bob))
    send(asks(github))
    [shown] = ci.get("github/pending-deployments").json["pending_deployments"]
    assert (shown["repository"], shown["service"], shown["state"]) == ("larder/checkout", "checkout", "waiting")
    assert ci.get("github/pending-deployments", state="approved").json["pending_deployments"] == []
    assert ci.get("github/pending-deployments", state="gone").status == 422


def test_who_waits_on_github_shows_on_the_page_with_what_the_catalog_does_not_know(checkout, github, page, bob, client):
    lock(checkout, page(bob))
    send(asks(github))
    send(asks(github, repository="larder/nothing"))
    client.force_login(bob)
    html = client.get("/locks/waiting").content.decode()
    assert "https://github.com/larder/checkout/actions/runs/4711" in html and "is locked by Bob until" in html
    assert "No service of the catalog has the repository https://github.com/larder/nothing" in html


@pytest.mark.django_db(transaction=True)
def test_the_same_delivery_twice_at_the_same_moment_is_taken_once(checkout, github, page, bob):
    lock(checkout, page(bob))
    results = together(4, lambda: send(asks(github), delivery="d-1"))
    assert len({str(each) for each in results}) == 1 and results[0][0] == 202
    assert events("pending_deployment") == ["pending_deployment.held"]


@pytest.mark.django_db(transaction=True)
def test_a_release_at_the_same_moment_leaves_no_job_waiting_for_ever(checkout, github, page, bob):
    for run in range(1, 6):
        held = lock(checkout, page(bob))
        deeds = iter([lambda run=run: send(asks(github, run=run)), lambda held=held: lock_release(held, by=page(bob))])
        together(2, lambda deeds=deeds: next(deeds)())
    pending_deployments_advance()
    assert states() == ["approved"] * 5
