"""One deployment: its page, its panel and its JSON, and the list of them."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog.commands import entity_delete
from catalog.models import Entity
from deployments import queries
from deployments.models import Deployment
from portal.accounts.commands import credential_create
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, V1, write
from tests.deployments.test_diffs import A, B, commit, ship
from tests.deployments.test_reports import NOON, report


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def page_of(client, deployment):
    answer = client.get(f"/deployments/d/{deployment.public_id}")
    assert answer.status_code == 200, answer.content[:500]
    return answer.content.decode()


def test_the_page_says_what_it_changed_who_when_and_how(shop, signed_in):
    first = ship("1.0", A, commit(A), at=0)
    second = ship(
        "1.1", B, commit(B, A, message="PAY-1: Second"), at=10, actor="Dana", artifact="registry/checkout:1.1",
        started_at=iso(NOON + timedelta(minutes=8)), extra={"region": "eu-west-1"},
        ci={"provider": "github", "run": "42", "url": "https://ci.example/42"},
    )  # fmt: skip
    shown = page_of(signed_in, second)
    for words in ("Changes since 1.0", "PAY-1: Second", "Dana", "registry/checkout:1.1", "eu-west-1", "2 min 0 s",
                  "https://ci.example/42", "live now", "ungated: reported without a decision", first.get_absolute_url()):  # fmt: skip
        assert words in shown, words
    assert "first here" in page_of(signed_in, first) and second.get_absolute_url() in page_of(signed_in, first)
    assert f"from={first.public_id}&amp;to={second.public_id}" in page_of(signed_in, first)


def test_the_card_of_a_cell_leads_to_what_it_changed(shop, signed_in):
    made = report("1.0").deployment
    assert made.get_absolute_url() in signed_in.get("/deployments/card/checkout/in/production").content.decode()


def test_a_rollback_and_a_redeploy_are_marked(shop, signed_in):
    made = [report(version, at=at).deployment for at, version in enumerate(["1.0", "1.1", "1.0", "1.0"])]
    assert "brought back" in page_of(signed_in, made[2])
    assert "were live already" in page_of(signed_in, made[3])
    assert "brought back" not in page_of(signed_in, made[1])


def test_a_late_report_says_how_late_it_came(shop, signed_in):
    ended = database_now() - timedelta(minutes=40)
    late = report("1.0", finished_at=iso(ended)).deployment
    soon = report("1.1").deployment
    assert "40 min after it happened" in page_of(signed_in, late)
    assert "arrived late" not in page_of(signed_in, soon)


def test_a_failed_one_shows_what_it_would_have_changed(shop, signed_in):
    ship("1.0", A, commit(A), at=0)
    failed = ship("1.1", B, commit(B, A, message="Broken"), at=10, status="failure")
    shown = page_of(signed_in, failed)
    assert "Changes since 1.0" in shown and "Broken" in shown and "Failure" in shown and "live now" not in shown


@pytest.mark.parametrize("kind", ["config", "flag"])
def test_a_setting_has_a_page_without_a_change_of_code(shop, signed_in, kind):
    report("1.0", at=0)
    shown = page_of(signed_in, report("dark-mode", at=1, kind=kind, message="Dark for all").deployment)
    assert "Dark for all" in shown and kind in shown and "Changes" not in shown.split("<main")[1]


def test_one_whose_place_is_gone_keeps_its_page_for_nobody(shop, signed_in, ci):
    made = report("1.0").deployment
    entity_delete(Entity.objects.get(blueprint__identifier="deploymentConfig"), by=SETUP)
    assert Deployment.objects.get().config is None
    shown = page_of(signed_in, made)
    assert "checkout" in shown and "What it changed is not known" in shown


def test_hostile_words_stay_words(shop, signed_in):
    made = ship("<b>1</b>", A, commit(A, message="<script>alert(1)</script>", url="javascript:alert(1)"), at=0,
                extra={"<i>": "<u>"}, actor="<s>", run="x")  # fmt: skip
    shown = page_of(signed_in, made)
    assert "<script>alert" not in shown and "javascript:" not in shown and "<u>" not in shown and "<b>1" not in shown


def test_the_entity_of_a_deployment_loads_the_same(shop, signed_in):
    made = ship("1.0", A, commit(A), at=0)
    page = signed_in.get(f"/catalog/deployment/entities/{made.entity.identifier}").content.decode()
    panel = f"/deployments/deployment-panel/{made.entity.identifier}"
    assert panel in page
    assert "first here" in signed_in.get(panel, headers={"HX-Request": "true"}).content.decode()


def test_an_entity_without_a_place_says_that_nothing_stands_behind_it(shop, signed_in):
    write("deployment", "loose")
    write("deploymentConfig", "loose")
    assert b"No deployment stands behind" in signed_in.get("/deployments/deployment-panel/loose").content
    assert b"names no service or no environment" in signed_in.get("/deployments/config-panel/loose").content


def test_the_page_of_a_config_has_the_history_of_its_pair_with_marks(shop, signed_in):
    for at, version in enumerate(["1.0", "1.1", "1.0"]):
        made = report(version, at=at).deployment
    report("9.9", at=1, environment="staging")
    page = signed_in.get("/catalog/deploymentConfig/entities/checkout-production").content.decode()
    assert "/deployments/config-panel/checkout-production" in page
    panel = signed_in.get("/deployments/config-panel/checkout-production").content.decode()
    assert panel.count("rollback") >= 1 and "first here" in panel and "9.9" not in panel
    assert made.get_absolute_url() in panel


def test_the_history_asks_as_often_for_many_as_for_one(shop, signed_in):
    def asked():
        with CaptureQueriesContext(connection) as statements:
            signed_in.get("/deployments/config-panel/checkout-production")
        return len(statements)

    report("1.0", at=0)
    asked()
    one = asked()
    for at in range(1, 20):
        report(f"1.{at}", at=at)
    assert asked() == one


@pytest.mark.parametrize("url", ["/deployments/compare", "/deployments/drift", "/deployments/d/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708",
                                 "/deployments/config-panel/x", "/deployments/deployment-panel/x"])  # fmt: skip
def test_who_is_signed_out_is_sent_to_the_sign_in(client, shop, url):
    assert client.get(url).status_code == 302


def test_v1_shows_one_with_its_place_in_the_order(shop, ci):
    first = ship("1.0", A, commit(A), at=0)
    second = ship("1.1", B, commit(B, A), at=10)
    told = ci.get(f"deployments/{second.public_id}").json["deployment"]
    assert (told["version"], told["live"], told["first"], told["previous"]) == (
        "1.1",
        True,
        False,
        str(first.public_id),
    )
    assert [each["sha"] for each in told["since_previous"]["commits"]["added"]] == [B]
    told = ci.get(f"deployments/{first.public_id}").json["deployment"]
    assert (told["first"], told["following"], told["since_previous"]["commits"]) == (True, str(second.public_id), None)
    assert ci.get("deployments/019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708").status == 404


def test_v1_lists_those_of_a_status(shop, ci):
    for at in range(4):
        report(f"1.{at}", at=at, status="failure" if at % 2 else "success")
    assert [each["version"] for each in ci.get("deployments", status="failure").json["deployments"]] == ["1.3", "1.1"]
    answer = ci.get("deployments", status="broken")
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "status")


@pytest.mark.parametrize("path", ["deployments", "deployments/diff?since=2026-03-02T12:00:00Z", "deployments/drift"])
def test_v1_shows_history_to_those_alone_who_may_read(shop, path):
    _, token = credential_create("Gate only", kind="ci", scopes=["gate"], by=SETUP)
    assert (V1(token).get(path).status, V1("").get(path).status) == (403, 401)


def test_cell_page_api_and_badge_tell_the_same(shop, ci, signed_in, page, alice):
    report("1.0", at=0)
    report("1.1", at=5, status="failure")
    by = page(alice)
    cell = queries.cell(by, "checkout", "production")
    [told] = ci.get("deployments/current", service="checkout", environment="prod").json["deployment_configs"]
    badge = queries.standing("checkout", "production")
    service = signed_in.get("/deployments/panel/checkout", headers={"HX-Request": "true"}).content.decode()
    assert (cell.current.version, told["version"], badge.version) == ("1.0", "1.0", "1.0")
    assert (cell.attempt_failed, told["attempt_failed"], told["status"]) == (True, True, "failure")
    assert "The last deployment failed" in service
    report("1.2", at=9)
    [told] = ci.get("deployments/current", service="checkout", environment="prod").json["deployment_configs"]
    assert (told["attempt_failed"], told["version"], queries.standing("checkout", "production").version) == (
        False, "1.2", "1.2",
    )  # fmt: skip


def test_a_secret_that_somebody_reported_beside_it_is_not_shown(shop, signed_in):
    made = report("1.0", at=0, extra={"region": "eu-west-1", "deployToken": "s3cr3t", "vault": {"password": "hunter2"}})
    page = signed_in.get(made.deployment.get_absolute_url()).content.decode()
    assert "eu-west-1" in page and "s3cr3t" not in page and "hunter2" not in page
