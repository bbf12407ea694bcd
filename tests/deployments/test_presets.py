"""Addresses into other tools, beside addresses written by hand from what the tools document and make themselves."""

from datetime import UTC, datetime

import pytest

from deployments.models import LogSource
from deployments.presets import PRESETS, Span
from deployments.sources import filled, link, web

SPAN = Span(datetime(2026, 3, 2, 12, 0, tzinfo=UTC), datetime(2026, 3, 2, 12, 30, 5, tzinfo=UTC))
IRELAND = {"awsRegion": "eu-west-1"}
INSIGHTS = (
    "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:logs-insights$3FqueryDetail$3D"
    "~(end~'2026-03-02T12*3a30*3a05.000Z~start~'2026-03-02T12*3a00*3a00.000Z~timeType~'ABSOLUTE~tz~'UTC"
    "~editorString~'fields*20*40timestamp*2c*20*40message*0a*7c*20sort*20*40timestamp*20desc*0a*7c*20limit*201000"
    "~source~("
)
LOG_GROUP = "https://console.aws.amazon.com/cloudwatch/home?region=eu-west-1#logsV2:log-groups/log-group/"
AT = "/log-events$3Fstart$3D1772452800000$26end$3D1772454605000"
TRACES = (
    "https://console.aws.amazon.com/xray/home?region=eu-west-1#/traces"
    "?timeRange=2026-03-02T12:00:00~2026-03-02T12:30:05&filter="
)
MAP = TRACES.replace("traces", "service-map")
SENTRY = "https://sentry.io/organizations/larder/issues/"
WHEN = "start=2026-03-02T12%3A00%3A00&end=2026-03-02T12%3A30%3A05&utc=true"
GRAFANA = "https://grafana.example/explore?schemaVersion=1&panes="
RANGE = "%22range%22%3A%7B%22from%22%3A%221772452800000%22%2C%22to%22%3A%221772454605000%22%7D%7D%7D&orgId=1"
LOKI = (
    "%7B%22a%22%3A%7B%22datasource%22%3A%22loki%22%2C%22queries%22%3A%5B%7B%22refId%22%3A%22A%22%2C%22datasource%22%3A"
    "%7B%22type%22%3A%22loki%22%2C%22uid%22%3A%22loki%22%7D%2C%22expr%22%3A%22"
)
TEMPO = LOKI.replace("loki", "tempo").replace("%22expr%22", "%22queryType%22%3A%22traceql%22%2C%22query%22")
PROMETHEUS = LOKI.replace("%22type%22%3A%22loki%22", "%22type%22%3A%22prometheus%22").replace(
    "%22loki%22", "%22mimir%22"
)

# preset, properties, the address
CASES = {
    "a lambda": ("cloudwatch-insights", {"logGroup": "/aws/lambda/x[$y]"}, INSIGHTS + "~'*2faws*2flambda*2fx*5b*24y*5d))"),
    "two groups": ("cloudwatch-insights", {"logGroup": "/a b\n/c%d"}, INSIGHTS + "~'*2fa*20b~'*2fc*25d))"),
    "quotes and words": ("cloudwatch-insights", {"logGroup": "it's \"é中😀~(x)"}, INSIGHTS + "~'it*27s*20*22*e9**4e2d**d83d**de00*7e*28x*29))"),
    "a group of streams": ("cloudwatch-log-group", {"platformLogGroup": "/aws/lambda/x[$y]"}, f"{LOG_GROUP}$252Faws$252Flambda$252Fx$255B$2524y$255D{AT}"),
    "a group with a space": ("cloudwatch-log-group", {"platformLogGroup": "a b%'é"}, f"{LOG_GROUP}a$2520b$2525$2527$25C3$25A9{AT}"),
    "traces": ("xray-traces", {"xrayService": "api.example.com"}, f"{TRACES}service%28%22api.example.com%22%29"),
    "odd traces": ("xray-traces", {"xrayService": 'a/"b" [$c] é%'}, f"{TRACES}service%28%22a%2F%5C%22b%5C%22%20%5B%24c%5D%20%C3%A9%25%22%29"),
    "a map": ("xray-map", {"xrayService": "cart"}, f"{MAP}service%28%22cart%22%29"),
    "sentry by number": ("sentry", {"sentryOrganization": "larder", "sentryProject": "4711", "environment": "production", "version": "1.4.2"},
        f"{SENTRY}?project=4711&environment=production&query=release%3A%221.4.2%22&{WHEN}"),
    "sentry by name": ("sentry", {"sentryOrganization": "larder", "sentryProject": "cart-api", "environment": "pro/d [$1]", "version": 'cart@1 "é"'},
        f"{SENTRY}?environment=pro%2Fd%20%5B%241%5D&query=project%3A%22cart-api%22%20release%3A%22cart%401%20%5C%22%C3%A9%5C%22%22&{WHEN}"),
    "logrocket": ("logrocket", {"logRocketApp": "larder/shop [$] é"}, "https://app.logrocket.com/larder/shop%20%5B%24%5D%20%C3%A9/sessions"),
    "datadog": ("datadog-logs", {"datadogService": 'cart/[$] "é%', "environment": "production"},
        "https://app.datadoghq.com/logs?query=service%3A%22cart%2F%5B%24%5D%20%5C%22%C3%A9%25%22%20env%3A%22production%22"
        "&from_ts=1772452800000&to_ts=1772454605000&live=false"),
    "datadog's own words": ("datadog-logs", {"datadogQuery": "service:cart status:error"},
        "https://app.datadoghq.com/logs?query=service%3Acart%20status%3Aerror&from_ts=1772452800000&to_ts=1772454605000&live=false"),
    "loki": ("loki", {"grafanaUrl": "https://grafana.example/", "lokiService": "cart"},
        f"{GRAFANA}{LOKI}%7Bservice_name%3D%5C%22cart%5C%22%7D%22%7D%5D%2C{RANGE}"),
    "odd loki": ("loki", {"grafanaUrl": "https://grafana.example", "lokiService": 'a/"b" [$c]'},
        f"{GRAFANA}{LOKI}%7Bservice_name%3D%5C%22a%2F%5C%5C%5C%22b%5C%5C%5C%22%20%5B%24c%5D%5C%22%7D%22%7D%5D%2C{RANGE}"),
    "loki's own words": ("loki", {"grafanaUrl": "https://grafana.example", "lokiQuery": '{app="é"} |= "100%"'},
        f"{GRAFANA}{LOKI}%7Bapp%3D%5C%22%C3%A9%5C%22%7D%20%7C%3D%20%5C%22100%25%5C%22%22%7D%5D%2C{RANGE}"),
    "tempo": ("tempo", {"grafanaUrl": "https://grafana.example", "tempoService": "cart"},
        f"{GRAFANA}{TEMPO}%7B%20resource.service.name%20%3D%20%5C%22cart%5C%22%20%7D%22%7D%5D%2C{RANGE}"),
    "metrics": ("grafana-explore", {"grafanaUrl": "https://grafana.example", "grafanaDatasource": "mimir", "grafanaQuery": 'up{job="a/b"}'},
        f"{GRAFANA}{PROMETHEUS}up%7Bjob%3D%5C%22a%2Fb%5C%22%7D%22%7D%5D%2C{RANGE}"),
}  # fmt: skip


def source(preset, **more):
    return LogSource(name=preset, kind="application", preset=preset, **more)


@pytest.mark.parametrize("case", CASES)
def test_an_address_is_to_the_letter_what_the_tool_makes_itself(case):
    preset, values, url = CASES[case]
    assert link(source(preset), IRELAND | values, SPAN).url == url


def test_every_preset_has_an_address_written_by_hand():
    assert {preset for preset, _, _ in CASES.values()} == set(PRESETS)


@pytest.mark.parametrize("preset", PRESETS)
def test_a_preset_without_its_properties_says_which_it_needs(preset):
    found = link(source(preset), {"environment": "production"}, SPAN)
    assert found.url == ""
    assert all(name for name in found.missing)
    assert found.missing != ()


def test_one_of_a_group_will_do_and_the_group_is_named_while_there_is_none():
    assert link(source("tempo"), {"grafanaUrl": "https://g.example"}, SPAN).missing == ("tempoService or tempoQuery",)


def test_traces_are_of_six_hours_at_most_and_of_the_last():
    day = Span(datetime(2026, 3, 1, 12, tzinfo=UTC), datetime(2026, 3, 2, 12, tzinfo=UTC))
    url = link(source("xray-map"), IRELAND | {"xrayService": "cart"}, day).url
    assert "timeRange=2026-03-02T06:00:00~2026-03-02T12:00:00" in url


def test_the_regions_of_china_and_of_the_government_have_their_own_consoles():
    url = "https://console.amazonaws.cn/xray/home?region=cn-north-1#/service-map?"
    assert link(source("xray-map"), {"awsRegion": "cn-north-1", "xrayService": "x"}, SPAN).url.startswith(url)


def test_an_administrators_own_words_stand_for_those_of_the_preset():
    own = source(
        "cloudwatch-insights", parameters={"log_group": "/ecs/{{ service }}-{{environment}}", "query": "fields @log"}
    )
    values = IRELAND | {"service": "cart", "environment": "prod"}
    assert link(own, values, SPAN).url.endswith("~editorString~'fields*20*40log~source~(~'*2fecs*2fcart-prod))")


def test_a_template_is_filled_with_what_is_fit_to_stand_in_an_address():
    own = LogSource(
        name="Kibana", kind="application", template="https://k.example/?q={{ index }}&t={{ since }},{{until_ms}}"
    )
    found = link(own, {"index": "a/b [$c]&x", "since": "2026-03-02T12:00:00Z", "until_ms": "7"}, SPAN)
    assert found.url == "https://k.example/?q=a%2Fb%20%5B%24c%5D%26x&t=2026-03-02T12%3A00%3A00Z,7"
    assert link(own, {"since": "x"}, SPAN).missing == ("index", "until_ms")


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://me:secret@grafana.example", "https://me@grafana.example", "//grafana.example", "data:x", "https://", "https://[", "https://a:99999", 7, None],
)  # fmt: skip
def test_what_is_no_address_or_holds_a_password_is_no_link(url):
    assert web(url) == ""
    assert link(source("tempo"), {"grafanaUrl": str(url), "tempoService": "cart"}, SPAN).url == ""


def test_a_value_is_filled_in_once_and_never_read_as_a_template_again():
    assert filled("{{ a }}", {"a": "{{ b }}", "b": "secret"}) == "{{ b }}"
