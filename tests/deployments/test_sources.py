"""Log sources: set once by an administrator, seen at every place that has the properties they take."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from deployments import queries, tables
from deployments.commands import log_source_create, log_source_delete, log_source_update
from deployments.models import Deployment, DeploymentConfig, LogSource
from deployments.presets import PRESETS
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, write
from tests.deployments.test_reports import NOON, report

KIBANA = {"name": "Kibana", "kind": "application", "template": "https://kibana.example/?q={{ logIndex }}"}
MARGIN = timedelta(minutes=10)


def config():
    return DeploymentConfig.objects.select_related("entity", "service", "environment", "current").get()


def links(**more):
    since = datetime(2026, 3, 2, 12, tzinfo=UTC)
    return {each["label"]: each["url"] for each in tables.sources(config(), since, since + timedelta(hours=1), **more)}


def test_every_preset_comes_installed_and_shows_nowhere_until_its_properties_are_there(shop):
    assert set(LogSource.objects.values_list("preset", flat=True)) == set(PRESETS)
    report("1.0")
    assert links() == {}


def test_a_log_group_on_the_service_and_a_region_on_the_environment_make_the_link(shop):
    report("1.0")
    write("service", "checkout", mode="patch", properties={"logGroup": "/aws/lambda/x[$y]"})
    write("environment", "production", mode="patch", properties={"awsRegion": "eu-west-1"})
    found = links()
    assert list(found) == ["CloudWatch Logs Insights"]
    assert "home?region=eu-west-1#logsV2" in found["CloudWatch Logs Insights"]
    assert found["CloudWatch Logs Insights"].endswith("~source~(~'*2faws*2flambda*2fx*5b*24y*5d))")


def test_what_stands_on_the_config_itself_comes_first(shop):
    report("1.0")
    log_source_create(KIBANA, by=SETUP)
    write("environment", "production", mode="patch", properties={"logIndex": "all"})
    assert links()["Kibana"] == "https://kibana.example/?q=all"
    write("service", "checkout", mode="patch", properties={"logIndex": "of-checkout"})
    assert links()["Kibana"] == "https://kibana.example/?q=of-checkout"
    write("deploymentConfig", "checkout-production", mode="patch", properties={"logIndex": "here"})
    assert links()["Kibana"] == "https://kibana.example/?q=here"


def test_what_the_portal_computes_fills_a_source_too(shop):
    report("1.0")
    log_source_create(KIBANA, by=SETUP)
    entity = config().service
    entity.computed = {"logIndex": "carts/live"}
    entity.save(update_fields=["computed"])
    assert links()["Kibana"] == "https://kibana.example/?q=carts%2Flive"


def test_plain_addresses_of_a_config_stay_links(shop):
    report("1.0", ci={"provider": "gh", "run": "1", "url": "https://ci.example/1"})
    plain = {
        "logsUrl": "https://logs.example",
        "tracesUrl": "https://traces.example",
        "metricsUrl": "https://m.example",
    }
    write("deploymentConfig", "checkout-production", mode="patch", properties=plain)
    assert links() == {
        "Logs": "https://logs.example",
        "Traces": "https://traces.example",
        "CI run": "https://ci.example/1",
        "Metrics": "https://m.example",
    }


@pytest.mark.parametrize("url", ["javascript:alert(1)", "https://me:secret@logs.example/"])
def test_an_address_that_is_none_or_holds_a_password_is_no_link_anywhere(shop, alice, url):
    report("1.0", ci={"provider": "gh", "run": "1", "url": "https://me:secret@ci.example/"})
    properties = {"logsUrl": url, "grafanaUrl": url, "lokiService": "checkout"}
    # As it came before the catalog minded.
    entity = config().entity
    entity.properties |= properties
    entity.save(update_fields=["properties"])
    assert links() == {}
    browser = Client()
    browser.force_login(alice)
    for page in ("/deployments/card/checkout/in/production", "/deployments/panel/checkout", "/deployments/configs"):
        assert "secret@" not in browser.get(page).content.decode()
        assert "javascript:alert" not in browser.get(page).content.decode()


def test_a_deployments_links_are_open_at_its_time_with_a_margin_and_what_is_live_until_now(shop):
    log_source_create(KIBANA | {"template": "https://k.example/{{ version }}/{{ since }}/{{ until }}"}, by=SETUP)
    first = report("1.0", at=10, started_at="2026-03-02T12:04:00Z").deployment
    second = report("1.1", at=20, started_at="2026-03-02T12:14:00Z").deployment
    now = NOON + timedelta(hours=5)
    spans = [queries.span_of(each, live=each == second, now=now) for each in (first, second)]
    assert (spans[0].since, spans[0].until) == (NOON - timedelta(minutes=6), NOON + timedelta(minutes=20))
    assert (spans[1].since, spans[1].until) == (NOON + timedelta(minutes=4), now)
    [link] = tables.deployment_sources(Deployment.objects.get(pk=first.pk))
    assert link["url"] == "https://k.example/1.0/2026-03-02T11%3A54%3A00Z/2026-03-02T12%3A20%3A00Z"


def test_a_source_that_is_off_shows_nowhere(shop):
    report("1.0")
    write("service", "checkout", mode="patch", properties={"logIndex": "x"})
    source = log_source_create(KIBANA, by=SETUP)
    assert "Kibana" in links()
    log_source_update(source, {"is_on": False}, by=SETUP)
    assert links() == {}


@pytest.mark.parametrize(
    ("wish", "path"),
    [
        ({"name": " "}, "name"),
        ({"kind": "poems"}, "kind"),
        ({"preset": "sentry"}, "preset"),  # and a template
        ({"template": ""}, "preset"),
        ({"template": "", "preset": "splunk"}, "preset"),
        ({"template": "javascript:{{ x }}"}, "template"),
        ({"template": "https://me:pw@k.example/"}, "template"),
        ({"template": "https://k.example/" + "x" * 2000}, "template"),
        ({"template": "", "preset": "sentry", "parameters": {"log_group": "x"}}, "parameters"),
        ({"template": "", "preset": "sentry", "parameters": {"project": 7}}, "parameters.project"),
        ({"template": "", "preset": "sentry", "parameters": []}, "parameters"),
    ],
)
def test_a_source_that_is_wrong_is_refused_with_the_place_of_the_fault(shop, wish, path):
    before = LogSource.objects.count()
    with pytest.raises(Invalid) as refusal:
        log_source_create(KIBANA | wish, by=SETUP)
    assert [each["path"] for each in refusal.value.details["errors"]] == [path]
    assert LogSource.objects.count() == before


def test_a_name_is_taken_once(shop):
    log_source_create(KIBANA, by=SETUP)
    with pytest.raises(Conflict, match="Kibana"):
        log_source_create(KIBANA, by=SETUP)


def test_only_administrators_change_sources(shop, page, bob):
    source = LogSource.objects.first()
    for deed in (
        lambda by: log_source_create(KIBANA, by=by),
        lambda by: log_source_update(source, {"is_on": False}, by=by),
        lambda by: log_source_delete(source, by=by),
    ):
        with pytest.raises(Refused, match="administrators may"):
            deed(page(bob))
    assert LogSource.objects.filter(is_on=True).count() == len(PRESETS)


def test_an_administrator_sets_a_source_in_the_admin(shop, alice):
    browser = Client()
    browser.force_login(alice)
    source = LogSource.objects.get(preset="cloudwatch-insights")
    where = f"/admin/deployments/logsource/{source.pk}/change/"
    assert browser.get(where).status_code == 200
    sent = {"name": "Logs", "kind": "application", "preset": source.preset, "template": "", "icon": "", "is_on": "on"}
    lines = "log_group = /ecs/{{ service }}\nquery = fields @message\\n| limit 5"
    assert browser.post(where, sent | {"parameters": lines}).status_code == 302
    source.refresh_from_db()
    assert source.parameters == {"log_group": "/ecs/{{ service }}", "query": "fields @message\n| limit 5"}
    assert "limit 5" in browser.get(where).content.decode()
    wrong = browser.post(where, sent | {"parameters": "group = x"})
    assert wrong.status_code == 200 and "is no parameter" in wrong.content.decode()
    source.refresh_from_db()
    assert "group" not in source.parameters
