"""Log sources: set once by an administrator, seen at every place that has the properties they take."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from catalog.commands import blueprint_update
from catalog.queries import blueprint
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
    index = {"type": "string", "title": "Index", "calculation": '.identifier + "/live"'}
    service = blueprint("service")
    blueprint_update(service, {"calculationProperties": {"logIndex": index}}, partial=True, by=SETUP)
    assert links()["Kibana"] == "https://kibana.example/?q=checkout%2Flive"


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


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def two_places():
    report("1.0", at=0)
    report("1.0", at=0, service="search")
    write("service", "checkout", mode="patch", properties={"logGroup": "/aws/lambda/x[$y]", "sentryProject": "cart"})
    write("environment", "production", mode="patch", properties={"awsRegion": "eu-west-1"})


def test_the_report_says_which_places_lack_a_link_and_what_would_make_one(shop, browser):
    two_places()
    page = browser.get("/deployments/sources").content.decode()
    assert "1 of 2 places lacks a link to application logs" in page
    assert "CloudWatch Logs Insights of checkout in production" in page
    only = browser.get("/deployments/sources?lacking=1").content.decode()
    assert "of checkout in production" not in only and "search" in only
    assert "CloudWatch Logs Insights takes <code>logGroup</code>" in only
    errors = browser.get("/deployments/sources?kind=errors").content.decode()
    assert "2 of 2 places lack a link to errors" in errors
    assert "Sentry takes <code>sentryOrganization</code></li>" in errors


@pytest.mark.parametrize("query", ["?kind=poems", "?tier=moon", "?team=nobody", "?kind[]=x", "?lacking=%00"])
def test_an_odd_filter_spoils_no_page(shop, browser, query):
    two_places()
    assert browser.get(f"/deployments/sources{query}").status_code in (200, 400)


def test_the_panels_open_at_the_time_that_was_chosen(shop, browser):
    log_source_create(KIBANA | {"template": "https://k.example/{{ since }}/{{ until }}"}, by=SETUP)
    report("1.0", at=10, started_at="2026-03-02T12:04:00Z")
    during = browser.get("/deployments/sources/config/checkout-production?span=deploy").content.decode()
    assert "https://k.example/2026-03-02T11%3A54%3A00Z/2026-03-02T12%3A20%3A00Z" in during
    since = browser.get("/deployments/sources/service/checkout").content.decode()
    assert "https://k.example/2026-03-02T11%3A54%3A00Z/" in since and "12%3A20%3A00Z" not in since
    assert (
        "https://k.example/2026-03-02"
        not in browser.get("/deployments/sources/service/checkout?span=hour").content.decode()
    )


def test_the_pages_of_a_service_and_of_a_config_have_the_panel(shop, browser):
    report("1.0")
    for page in ("service/entities/checkout", "deploymentConfig/entities/checkout-production"):
        assert "Logs and links" in browser.get(f"/catalog/{page}").content.decode()
    assert browser.get("/deployments/sources/config/nothing").status_code == 404


def test_nobody_is_shown_a_place_that_he_may_not_see(shop, terraform, page, bob, client):
    two_places()
    hide = {"read": {"ownedByTeam": True}}
    assert terraform.send("patch", "blueprints/service/permissions", {"entities": hide}).status == 200
    client.force_login(bob)
    shown = client.get("/deployments/sources").content.decode()
    assert "checkout in production" in shown and "entities/search" not in shown
    assert [each.config.service.identifier for each in queries.sources_everywhere(page(bob))] == ["checkout"]
    assert client.get("/deployments/sources/service/search").status_code == 404


def test_the_api_tells_the_links_and_what_is_lacking(shop, ci):
    two_places()
    answer = ci.get(
        "deployments/sources", service="checkout", since="2026-03-02T12:00:00Z", until="2026-03-02T12:30:05Z"
    )
    [place] = answer.json["places"]
    assert (place["service"], place["environment"], place["since"]) == (
        "checkout",
        "production",
        "2026-03-02T12:00:00.000Z",
    )
    [link] = place["links"]
    assert (link["kind"], link["url"][-41:]) == ("application", "source~(~'*2faws*2flambda*2fx*5b*24y*5d))")
    needs = {each["kind"]: each["needs"] for each in place["lacking"]}
    assert {"source": "Sentry", "missing": ["sentryOrganization"]} in needs["errors"]
    lacking = ci.get("deployments/sources", lacking="application").json["places"]
    assert [each["service"] for each in lacking] == ["search"]


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ({"service": "chekout"}, 404),
        ({"since": "yesterday"}, 422),
        ({"until": "2026-03-02T12:00:00Z"}, 422),
        ({"since": "2026-03-02T12:00:00Z", "until": "2026-03-02T11:00:00Z"}, 422),
        ({"lacking": "poems"}, 422),
    ],
)
def test_the_api_refuses_what_it_cannot_read(shop, ci, asked, status):
    assert ci.get("deployments/sources", **asked).status == status


def test_fifty_places_ask_no_more_queries_than_one_and_more_stand_on_pages(shop, browser):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def asked():
        with CaptureQueriesContext(connection) as queries_asked:
            assert browser.get("/deployments/sources").status_code == 200
        return len(queries_asked)

    report("1.0")
    asked()
    one = asked()
    for number in range(49):
        write("service", f"s{number}")
        report("1.0", service=f"s{number}")
    assert asked() == one
    write("service", "zoo")
    report("1.0", service="zoo")
    first, second = (browser.get(f"/deployments/sources{query}").content.decode() for query in ("", "?page=2"))
    assert "1 to 50 of 51" in first and "?page=2" in first and "entities/zoo" not in first
    assert "51 to 51 of 51" in second and "entities/zoo" in second and 'entities/s1"' not in second
    for odd in ("0", "-1", "99", "x", "9" * 50):
        assert browser.get(f"/deployments/sources?page={odd}").status_code == 200


@pytest.mark.django_db(transaction=True)
def test_of_two_who_give_one_name_at_once_one_is_told_that_it_is_taken():
    from tests.locks.test_races import together

    wish = {"name": "Kibana", "kind": "application", "template": "https://kibana.example/"}
    results = together(2, lambda: log_source_create(wish, by=SETUP))
    assert sorted(type(each).__name__ for each in results) == ["Conflict", "LogSource"]
    assert LogSource.objects.filter(name="Kibana").count() == 1
