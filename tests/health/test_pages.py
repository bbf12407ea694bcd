"""The pages of probes, as somebody at a browser sees them."""

import re
from datetime import timedelta

import pytest
from django.test import Client

from catalog import queries as catalog
from catalog.commands import permissions_update
from deployments.commands import deployment_report
from deployments.health.commands import maintenance_begin, probe_create, probe_update, readings_roll_up, readings_take
from deployments.health.forms import _condition
from deployments.health.models import Maintenance, Probe, Reading, Summary
from deployments.health.queries.pictures import PICTURES, pictures
from deployments.health.results import Result
from deployments.health.tables import percent
from deployments.health.words import condition_line
from portal.embedded.target import Target
from portal.kit.clock import database_now
from tests.conftest import SETUP, events, write

HTMX = {"HX-Request": "true"}
LIMITS = {"interval": "30", "timeout": "5", "failure_threshold": "2", "recovery_threshold": "1"}


@pytest.fixture(scope="module")
def target():
    with Target({"checkout/production": {"version": "2.4.0"}}) as target:
        yield target


@pytest.fixture(autouse=True)
def reachable(settings, target):
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    target.town.mend()
    PICTURES.clear()


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def make(place="checkout", environment="production", name="front door", **more):
    spec = {"url": "https://checkout.example.org/health", "conditions": [{"path": "$.db", "equals": "ok"}]}
    wished = {
        "kind": "http",
        "service": place,
        "environment": environment,
        "name": name,
        "spec": spec,
        "failure_threshold": 2,
        "recovery_threshold": 1,
    }
    return probe_create(wished | more, by=SETUP)[0]


def read(probe, *outcomes, apart=10, **more):
    """Results up to now, the newest last."""
    now = database_now()
    Probe.objects.filter(pk=probe.pk).update(judged_from=now - timedelta(days=1))
    results = [
        Result(probe.pk, now - timedelta(seconds=apart * (len(outcomes) - place)), outcome, ms=120, **more)
        for place, outcome in enumerate(outcomes)
    ]
    readings_take(results, now=now)
    PICTURES.clear()


def text(client, url="/health/", **headers):
    answer = client.get(url, headers=headers)
    assert answer.status_code == 200, answer.content[:300]
    return answer.content.decode()


def url_of(probe, what=""):
    return f"/health/{probe.public_id}{what}"


def test_all_probes_stand_on_one_page_the_worst_first(signed_in, shop):
    assert "Nothing is probed yet" in text(signed_in)
    well, bad = make("search"), make()
    read(well, "ok", "ok")
    read(
        bad, "ok", "failed", "failed", answered=False, reason="checkout did not answer within 5 s.", run_version="2.4.0"
    )
    make(environment="staging")
    report = {"service": "checkout", "environment": "production", "version": "2.5.0", "status": "success"}
    deployment_report(report | {"finished_at": (database_now() - timedelta(hours=1)).isoformat()}, by=SETUP)
    page = text(signed_in)
    assert "reported <a" in page and ">2.5.0</a>" in page
    assert re.findall(r'id="probe-([\w-]+)"', page)[0] == str(bad.public_id)
    assert "checkout did not answer within 5 s." in page and "health-down" in page
    assert ">1 down</a>" in page and ">1 unknown</a>" in page and ">1 healthy</a>" in page
    assert "style=" not in page[page.index('id="health"') :]


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("state=healthy", {"search"}),
        ("state=unknown&environment=staging", {"staging"}),
        ("team=payments&tier=production", {"checkout"}),
        ("q=SEARCH", {"search"}),
        ("q=nothing-like-it", set()),
        ("state=nonsense&tier=x", {"search", "checkout", "staging"}),
        ("page=9999999999999", {"search", "checkout", "staging"}),
    ],
)
def test_the_filters_stand_in_the_address(signed_in, shop, query, names):
    known = {"search": make("search"), "checkout": make(), "staging": make(environment="staging")}
    read(known["search"], "ok")
    found = set(re.findall(r'id="probe-([\w-]+)"', text(signed_in, f"/health/?{query}")))
    assert found == {str(known[name].public_id) for name in names}


def test_the_page_of_a_probe_names_the_very_values_that_made_it_fail(signed_in, shop):
    probe = make()
    read(
        probe,
        "ok",
        "failed",
        "failed",
        reason="$.db is “lost”, and should be “ok”.",
        values={"$.db": "lost"},
        status=200,
    )
    deployment_report({"service": "checkout", "environment": "production", "version": "9.9.9", "commit": "4f2a9c1", "status": "success"}, by=SETUP)  # fmt: skip
    page = text(signed_in, url_of(probe))
    assert "$.db is “lost”, and should be “ok”." in page
    assert re.search(r"<dt>\$\.db</dt><dd[^>]*>lost</dd>", page)
    assert "after 2 results in a row that bad" in page
    assert "Deployed: 9.9.9 success" in page and "probe-flip-bad" in page
    assert "$.db equals ok" in page and "https://checkout.example.org/health" in page


def test_home_counts_the_places_that_are_not_well_and_says_nothing_where_nothing_is_probed(signed_in, shop):
    for number in range(20):
        report = {"service": "checkout", "environment": "production", "version": f"1.{number}", "status": "success"}
        deployment_report(report, by=SETUP)
    assert "Unhealthy" not in text(signed_in, "/")
    probe = make()
    read(probe, "ok")
    assert figure(text(signed_in, "/")) == "0"
    read(probe, "failed", "failed", apart=1)
    assert figure(text(signed_in, "/")) == "1"
    probe_update(probe, {"paused": True}, by=SETUP)
    assert figure(text(signed_in, "/")) == "0"


def figure(page):
    return re.search(r'Unhealthy</span><span class="figure">(\d+)<', page)[1]


def test_a_reading_says_in_which_zone_its_time_is(signed_in, shop, alice):
    read(probe := make(), "ok")
    assert re.search(r">\d\d:\d\d:\d\d UTC</time>", text(signed_in, url_of(probe)))


def test_no_data_is_said_to_be_no_failure(signed_in, shop):
    probe = make()
    read(probe, "ok")
    Probe.objects.filter(pk=probe.pk).update(checked_at=database_now() - timedelta(minutes=20))
    assert "That is no failure: nobody knows." in text(signed_in, url_of(probe))


def test_an_open_page_follows_each_reading_and_is_not_made_anew_without_one(signed_in, shop):
    probe = make()
    for url in ("/health/", url_of(probe), "/health/panel/service/checkout"):
        first = signed_in.get(url, headers=HTMX)
        assert signed_in.get(url, headers=HTMX | {"X-Stamp": first["X-Stamp"]}).status_code == 204
        read(probe, "ok")
        assert signed_in.get(url, headers=HTMX | {"X-Stamp": first["X-Stamp"]}).status_code == 200


def test_the_panels_of_service_environment_and_config_show_it(signed_in, shop):
    deployment_report(
        {"service": "checkout", "environment": "production", "version": "1", "commit": "4f2a9c1"}, by=SETUP
    )
    read(make(), "ok")
    for kind, name in (("service", "checkout"), ("environment", "production"), ("config", "checkout-production")):
        assert "front door" in text(signed_in, f"/health/panel/{kind}/{name}"), kind
    assert "Nothing probes it yet" in text(signed_in, "/health/panel/service/search")
    write("deploymentConfig", "nowhere")
    assert "It names no service" in text(signed_in, "/health/panel/config/nowhere")


# The editor


def sent(target, **more):
    return {"kind": "http", "name": "front door", "service": "checkout", "environment": "production", **LIMITS, "status": "200-204, 302", "conditions": '$.database equals ok\nheader:Content-Type contains json\nbody contains "status"', "version": "$.version", "headers": "X-Token: s3cret", "url": f"{target.url}checkout/production/health", **more}  # fmt: skip


def test_a_probe_is_made_and_changed_in_a_form_and_its_headers_are_never_shown(signed_in, shop, target):
    answer = signed_in.post("/health/new", sent(target))
    probe = Probe.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, url_of(probe))
    assert probe.spec["status"] == ["200-204", 302] and probe.spec["version"] == {"path": "$.version"}
    assert probe.spec["conditions"][2] == {"contains": '"status"'}
    assert (probe.interval, probe.failure_threshold) == (30, 2)
    page = text(signed_in, url_of(probe, "/edit"))
    assert "s3cret" not in page and "$.database equals ok" in page
    shown = re.search(r'name="headers"[^>]*>\s*([^<]*)</textarea>', page)[1]
    kept = probe.headers
    changed = sent(target, headers=shown, interval="60")
    assert signed_in.post(url_of(probe, "/edit"), changed).status_code == 303
    probe.refresh_from_db()
    assert (probe.interval, probe.headers) == (60, kept)
    assert events("probe") == ["probe.created", "probe.updated"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"url": ""}, "Say what to call."),
        ({"url": "ftp://x"}, "The address has to be http:// or https://"),
        ({"url": "http://x:22/"}, "Port 22 is none that probes may call"),
        ({"status": "2xx"}, "Must be a status such as 200"),
        ({"conditions": "nonsense"}, "Line 1:"),
        ({"conditions": "$..a equals 1"}, "Line 1:"),
        ({"headers": "Host: x"}, "is no header that a probe can send"),
        ({"interval": "5"}, "Must be whole seconds from 10"),
        ({"interval": "9" * 30}, "Must be whole seconds from 10"),
        ({"timeout": "40"}, "less than the interval"),
        ({"timeout": "nan"}, "Enter a number."),
        ({"failure_threshold": "0"}, "from 1 to 10"),
        ({"service": "chekout"}, "checkout"),
        ({"service": ""}, "a service and an environment"),
        ({"name": " "}, "required"),
        ({"kind": "smoke"}, "smoke"),
        ({"kind": "tcp", "host": "", "port": ""}, "Say what to call."),
        ({"slow_ms": "-1"}, "from 1 to 60,000"),
        ({"url": "http://x/" + "y" * 3000}, "2000 characters"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_made(signed_in, shop, target, wrong, said):
    answer = signed_in.post("/health/new", sent(target, **wrong))
    assert answer.status_code == 422
    assert said in answer.content.decode().replace("&#x27;", "'")
    assert not Probe.objects.exists() and events("probe") == []


def test_a_trial_calls_it_once_and_keeps_nothing(signed_in, shop, target):
    page = signed_in.post("/health/new", sent(target, trial="1")).content.decode()
    assert "Called once: ok" in page and "It answered 200" in page and "Every condition holds." in page
    assert '<span class="mono">2.4.0</span> runs' in page
    target.town.set("checkout/production", mode="database")
    page = signed_in.post("/health/new", sent(target, trial="1")).content.decode()
    assert "Called once: failed" in page and "$.database is “lost”, and should be “ok”." in page
    assert not Probe.objects.exists() and not Reading.objects.exists() and events("probe") == []


def test_a_trial_does_not_reach_what_the_operator_did_not_allow(signed_in, shop, target, settings):
    settings.OUTGOING_NETWORKS = []
    page = signed_in.post("/health/new", sent(target, trial="1")).content.decode()
    assert "inside a network that the portal does not call" in page and "2.4.0" not in page


def test_who_does_not_own_the_service_makes_and_tries_nothing(client, shop, charlie, target):
    probe = make()
    client.force_login(charlie)
    for body in (sent(target), sent(target, trial="1")):
        answer = client.post("/health/new", body)
        assert answer.status_code == 422 and "Called once" not in answer.content.decode()
    for what in ("/pause", "/deletion", "/address", "/maintenance"):
        client.post(url_of(probe, what), {"paused": "1", "reason": "x", "length": "2h"})
    assert events("probe") == ["probe.created"] and not Maintenance.objects.exists()
    page = text(client, url_of(probe))
    assert "Delete this probe" not in page and "/edit" not in page


def test_a_heartbeats_address_is_shown_once(signed_in, shop):
    body = {
        "kind": "heartbeat",
        "name": "nightly",
        "service": "checkout",
        "environment": "production",
        "grace": "60",
        "interval": "600",
    }
    answer = signed_in.post("/health/new", body)
    token = re.search(r"/v1/health/heartbeats/(pch_\w+)", answer.content.decode())[1]
    probe = Probe.objects.get()
    assert answer["Cache-Control"] == "no-store"
    assert token not in text(signed_in, url_of(probe)) and token not in text(signed_in, url_of(probe, "/edit"))
    again = signed_in.post(url_of(probe, "/address")).content.decode()
    assert token not in again and "/v1/health/heartbeats/pch_" in again


def test_buttons_pause_mute_and_delete(signed_in, shop):
    probe = make()
    read(probe, "ok")
    for _ in range(2):  # pressed twice it is the same as once
        signed_in.post(url_of(probe, "/pause"), {"paused": "1"})
    assert "health-paused" in text(signed_in)
    signed_in.post(url_of(probe, "/pause"), {"paused": "0"})
    refused = signed_in.post(url_of(probe, "/maintenance"), {"reason": "", "length": "2h"})
    assert refused.status_code == 422 and "Say why" in refused.content.decode() and not Maintenance.objects.exists()
    signed_in.post(url_of(probe, "/maintenance"), {"reason": "New disks", "length": "2h"})
    page = text(signed_in, url_of(probe))
    assert "In maintenance" in page and "New disks" in page and "its results say healthy" in page
    signed_in.post(f"/health/maintenance/{Maintenance.objects.get().public_id}/end")
    assert "In maintenance" not in text(signed_in, url_of(probe))
    assert signed_in.post(url_of(probe, "/deletion")).status_code == 303
    assert not Probe.objects.exists()
    assert events("probe").count("probe.updated") == 2


def test_what_a_viewer_may_not_see_is_nowhere(client, shop, charlie):
    probe = make()
    maintenance_begin(reason="hushhush", probe=probe, ends_at=database_now() + timedelta(hours=1), by=SETUP)
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    client.force_login(charlie)
    page = text(client)
    assert "front door" not in page and "hushhush" not in page and "payments" not in page
    for url in (url_of(probe), url_of(probe, "/edit"), "/health/panel/service/checkout"):
        assert client.get(url).status_code == 404, url
    assert "front door" not in text(client, "/health/panel/environment/production")
    assert "checkout" not in text(client, "/health/new")


def test_who_is_not_signed_in_sees_nothing():
    assert Client().get("/health/").status_code in (302, 303)


# What is drawn


def test_uptimes_come_from_hours_and_from_what_is_not_summed_up_yet(shop, page, alice):
    probe, now = make(), database_now()
    read(probe, *["ok"] * 6, *["failed"] * 6, apart=20)
    before = pictures([Probe.objects.get()], database_now())[probe.pk]
    assert 0.4 < before.uptimes[1] < 0.6 and before.uptimes[1] == before.uptimes[90]
    old = now.replace(minute=0, second=0, microsecond=0) - timedelta(days=3)
    lasted = {"ok": 3_600_000}
    Summary.objects.bulk_create(
        [Summary(probe=probe, span="hour", at=old + timedelta(hours=n), lasted=lasted) for n in range(24)]
    )
    readings_roll_up(now=now)
    PICTURES.clear()
    after = pictures([Probe.objects.get()], database_now())[probe.pk]
    assert after.uptimes[1] == pytest.approx(before.uptimes[1], abs=0.1) and after.uptimes[7] > 0.99
    assert len(after.hours) == 24 and sum(map(sum, after.hours)) > 0


def test_fifty_probes_ask_no_more_queries_than_one(signed_in, shop, django_assert_max_num_queries):
    read(make(), "ok")
    text(signed_in, "/health/", **HTMX)
    for number in range(20):
        make(name=f"p{number}")
    PICTURES.clear()
    with django_assert_max_num_queries(17) as asked:
        text(signed_in, "/health/", **HTMX)
    # Of those that are not on the page no more is read than what sorts and filters them.
    every = [each["sql"] for each in asked if 'FROM "health_probe"' in each["sql"]]
    whole = [each for each in every if '"properties"' in each]
    assert whole and all('"health_probe"."id" IN' in each for each in whole)


def test_a_share_is_never_rounded_up_to_all():
    assert [percent(each) for each in (None, 0.0, 0.5, 0.98765, 0.99999, 1.0)] == ["", "0.0 %", "50.0 %", "98.7 %", "99.99 %", "100 %"]  # fmt: skip


@pytest.mark.parametrize(
    "line",
    [
        "$.a equals 1",
        "$.a equals ok",
        "header:X-A contains b",
        "body exists true",
        '$["a b"] at_least 2.5',
        '$.a equals "1"',
    ],
)
def test_a_condition_is_read_as_it_is_written(line):
    assert _condition(condition_line(_condition(line))) == _condition(line)
