"""What GitLab, CDEvents and signed reports tell, in their own words."""

import json
import time

import pytest

from deployments.models import Deployment
from deployments.payloads.cdevents import version_of
from portal.kit.clock import iso
from tests.conftest import events
from tests.deployments.hooked import SHA, bring, came, hook, payload, send, signed


def test_a_signature_is_good_for_five_minutes_and_for_its_own_time_alone(shop):
    own, body = hook("signed"), {"service": "checkout", "environment": "prod", "version": "1"}
    raw = json.dumps(body).encode()
    for off in (-301, 301):
        stamp = str(int(time.time()) + off)
        answer = send(own, body, X_Portcullis_Timestamp=stamp, X_Portcullis_Signature=signed(raw, stamp))
        assert (answer.status_code, "5 minutes" in answer.json()["message"]) == (403, True)
    moved = send(own, body, X_Portcullis_Timestamp=str(int(time.time()) + 1), X_Portcullis_Signature=signed(raw, "1"))
    assert moved.status_code == 403
    assert send(own, body, X_Portcullis_Timestamp="soon", X_Portcullis_Signature=signed(raw, "soon")).status_code == 422
    assert not Deployment.objects.exists()


def test_a_signed_report_is_a_report_and_its_capture_is_worth_nothing(shop):
    own, body = hook("signed"), {"service": "checkout", "environment": "prod", "version": "1", "ci": {"run": "1"}}
    stamp = str(int(time.time()))
    proof = {"X_Portcullis_Timestamp": stamp, "X_Portcullis_Signature": signed(json.dumps(body).encode(), stamp)}
    assert [bring(own, body, **proof).status_code for _ in range(2)] == [202, 200]
    assert (Deployment.objects.get().version, came().outcome) == ("1", "created")


def test_a_signed_report_with_faults_is_refused_where_it_is_read(shop):
    bring(hook("signed"), {"service": "checkout", "status": "fine"})
    assert (came().outcome, came().answer["status"]) == ("refused", 422)
    bring(hook("signed", name="Other"), {"hello": "world"})
    assert came().outcome == "ignored"


def test_a_deployment_of_gitlab_is_a_report_of_its_job(shop):
    bring(hook("gitlab"), payload("gitlab_deployment"))
    found = Deployment.objects.get()
    assert (found.service_identifier, found.commit, found.actor, found.run) == ("checkout", SHA, "dana", "796")
    assert (found.status, iso(found.finished_at)) == ("success", "2026-03-02T11:58:55.000Z")
    assert found.run_url == "https://gitlab.example/larder/checkout/-/jobs/796"


@pytest.mark.parametrize(
    ("state", "status"),
    [("running", "in_progress"), ("failed", "failure"), ("canceled", "cancelled"), ("blocked", "pending")],
)
def test_every_status_of_gitlab_has_its_own(shop, state, status):
    bring(hook("gitlab"), payload("gitlab_deployment", status=state, status_changed_at="2026-03-02 11:58:55 UTC"))
    assert Deployment.objects.get().status == status


def test_an_approval_at_gitlab_and_other_events_change_nothing(shop):
    own = hook("gitlab")
    bring(own, payload("gitlab_deployment", status="approved"))
    assert came().outcome == "ignored"
    bring(own, {"object_kind": "push"}, "", "d2")
    assert came().outcome == "ignored" and "push" in came().answer["message"]
    bring(own, payload("gitlab_deployment", status_changed_at="yesterday"), "", "d3")
    assert (came().outcome, came().answer["details"]["errors"][0]["path"]) == ("refused", "status_changed_at")
    assert not Deployment.objects.exists()


def test_a_deployment_of_gitlab_without_a_job_is_a_run_of_its_own(shop):
    bring(hook("gitlab"), payload("gitlab_deployment", deployable_id=None, deployable_url=None))
    assert Deployment.objects.get().run == "deployment-15"


def modes(body):
    """The same event bare, and as a CloudEvent in structured and in binary mode."""
    context = body["context"]
    envelope = {"specversion": "1.0", "id": context["id"], "source": context["source"], "type": context["type"]}
    structured = envelope | {"time": context["timestamp"], "datacontenttype": "application/json", "data": body}
    return {
        "bare": (body, {}),
        "structured": (structured, {"Content-Type": "application/cloudevents+json"}),
        "binary": (body, {f"ce-{name}": value for name, value in envelope.items()}),
    }


@pytest.mark.parametrize("mode", ["bare", "structured", "binary"])
@pytest.mark.parametrize(("verb", "kind"), [("deployed", "deploy"), ("upgraded", "deploy"), ("rolledback", "rollback")])
def test_cdevents_are_taken_as_they_come(shop, mode, verb, kind):
    body, headers = modes(payload(f"cdevents_{verb}"))[mode]
    bring(hook("cdevents"), body, **headers)
    found = Deployment.objects.get()
    assert (found.service_identifier, found.environment_identifier, found.kind) == ("checkout", "production", kind)
    assert (found.version, found.status) == ("1.4.2", "success")
    assert found.artifact.startswith("pkg:oci/checkout@sha256%3A0b31")
    assert iso(found.finished_at) == "2026-03-02T11:58:55.315Z"


def test_one_cdevent_in_every_mode_is_one_delivery(shop):
    own = hook("cdevents")
    answers = [
        bring(own, body, **headers).status_code for body, headers in modes(payload("cdevents_deployed")).values()
    ]
    assert (answers, Deployment.objects.count()) == ([202, 200, 200], 1)


def test_a_removal_is_told_and_leaves_what_was_deployed_last(shop):
    own = hook("cdevents")
    bring(own, payload("cdevents_deployed"))
    bring(own, payload("cdevents_removed", context__id="another"))
    assert (came().outcome, events("deployment_config.removed")) == ("ignored", ["deployment_config.removed"])
    assert Deployment.objects.get().config.current.version == "1.4.2"


@pytest.mark.parametrize("change", [{"subject__id": "nobody"}, {"subject__content": {}}])
def test_a_removal_from_nowhere_tells_nothing(shop, change):
    bring(hook("cdevents"), payload("cdevents_removed", **change))
    assert came().outcome == "ignored" and not events("deployment_config")


@pytest.mark.parametrize(
    "kind", ["dev.cdevents.pipelinerun.finished.0.2.0", "dev.cdevents.service.published.0.2.0", ""]
)
def test_other_events_are_ignored(shop, kind):
    bring(hook("cdevents"), payload("cdevents_deployed", context__type=kind))
    assert came().outcome == "ignored" and not Deployment.objects.exists()


@pytest.mark.parametrize(
    ("artifact", "version"),
    [
        ("pkg:oci/app@sha256%3A0b31?tag=1.2", "1.2"),
        ("pkg:oci/app@sha256%3A0b31", "sha256:0b31"),
        ("pkg:generic/app@1.2?x=y#z", "1.2"),
        ("pkg:oci/app", ""),
        ("registry.example/app:1.2", "registry.example/app:1.2"),
        ("", ""),
    ],
)
def test_the_version_of_a_package_url(artifact, version):
    assert version_of(artifact) == version
