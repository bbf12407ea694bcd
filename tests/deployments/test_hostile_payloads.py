"""What comes to a hook from somebody who does not know its secret, or who knows it and means ill."""

import json
import time

import pytest
from django.test import Client

from deployments.commands import hook_update
from deployments.models import Deployment, ReportRequest
from portal.audit.models import Event
from tests.conftest import SETUP
from tests.deployments.hooked import SECRET, bring, came, hook, send, signed

KINDS = ["github", "gitlab", "cdevents", "signed"]
UNREADABLE = [b"{", b"\xff\xfe", b'{"a": "\\u0000"}', b'{"a": "\\ud800"}', b'{"a": 1e999}', b'{"a": 99999999999999999999}',
              b"[" * 20_000 + b"]" * 20_000]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", [*UNREADABLE, b"", b"{}"])
def test_nobody_reads_what_is_not_signed(shop, kind, raw):
    answer = Client().post(hook(kind).path, raw, content_type="application/json")
    assert (answer.status_code, answer.json()["error"]) == (403, "bad_signature")
    assert (came().outcome, came().body) == ("refused", None)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("raw", UNREADABLE)
def test_what_is_signed_and_cannot_be_read_is_refused_and_logged(shop, kind, raw):
    answer = send(hook(kind), raw)
    assert answer.status_code == 422 and answer.json()["details"]["errors"][0]["path"] == "body"
    assert (came().outcome, came().body, came().answer["status"]) == ("refused", None, 422)
    assert not Deployment.objects.exists()


def test_an_envelope_without_an_event_is_refused_and_logged(shop):
    answer = send(hook("cdevents"), {"specversion": "1.0", "id": "1", "source": "x", "data": [1]})
    assert answer.status_code == 422 and came().outcome == "refused"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("odd", [None, [], {}, [{}], 7, True, "", "x" * 20_000, {"a": {"b": []}}])
def test_whatever_stands_where_another_thing_is_expected_ends_in_the_log(shop, kind, odd):
    names = ("deployment", "deployment_status", "repository", "object_kind", "status", "environment", "project", "context",
             "subject", "data", "service", "ci", "changes", "instances", "commit", "user", "workflow_run", "extra")  # fmt: skip
    body = dict.fromkeys(names, odd) | {"object_kind": "deployment", "action": odd}
    answer = bring(hook(kind), body, "deployment_status")
    assert answer.status_code in (202, 422)
    assert came().outcome in ("refused", "ignored", "inbox")
    assert not Deployment.objects.exists()


def test_a_delivery_may_be_called_anything(shop):
    own = hook("github")
    for name in ("x" * 10_000, "\x7f", "a b", "ä", "'; drop table", ""):
        assert send(own, {"zen": name}, "ping", delivery=name).status_code == 202
    assert ReportRequest.objects.count() == 6


def test_a_signature_of_one_hook_is_worth_nothing_at_another(shop):
    one, other = hook("github"), hook("github", name="Other")
    raw = json.dumps({"zen": "x"}).encode()
    headers = {"X-GitHub-Event": "ping", "X-Hub-Signature-256": signed(raw)}
    assert Client().post(one.path, raw, content_type="application/json", headers=headers).status_code == 202
    hook_update(other, {}, secret="another secret altogether", by=SETUP)
    assert Client().post(other.path, raw, content_type="application/json", headers=headers).status_code == 403


def test_a_signed_report_that_somebody_has_caught_is_worth_nothing_under_another_name(shop):
    own, raw = hook("signed"), json.dumps({"service": "checkout", "environment": "production", "version": "1"}).encode()
    stamp = str(int(time.time()))
    proof = {"X_Portcullis_Timestamp": stamp, "X_Portcullis_Signature": signed(raw, stamp)}
    assert [bring(own, raw, **proof, Idempotency_Key=name).status_code for name in ("", "a", "b")] == [202, 200, 200]
    assert Deployment.objects.count() == 1


def test_a_signed_report_names_itself_in_what_is_signed(shop):
    own = hook("signed")
    body = {"service": "checkout", "environment": "production", "version": "1", "idempotency_key": "one"}
    assert [bring(own, body | {"ref": each}).status_code for each in ("a", "b")] == [202, 200]
    assert Deployment.objects.count() == 1


def test_the_secret_stands_in_no_answer_and_no_row(shop):
    for kind in KINDS:
        own = hook(kind)
        answers = [
            send(own, b"{"),
            send(own, {"token": "x"}),
            Client().post(own.path, b"{}", content_type="text/plain"),
        ]
        assert all(SECRET not in answer.content.decode() for answer in answers)
    assert SECRET not in str([*Event.objects.values(), *ReportRequest.objects.values()])
