"""The panel of a running service, from a server that answers as Prometheus does."""

import json
import threading
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest

from catalog.commands import permissions_update
from catalog.queries import blueprint
from deployments import prometheus
from deployments.commands import deployment_report
from deployments.prometheus import WINDOWS, Wrong, escaped, filled
from deployments.tables.metrics import shown
from deployments.views.metrics import READ
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, write

HOUR = WINDOWS["1h"]
URL = "/deployments/metrics/config/checkout-production"


class Prometheus:
    """`answers` are what it says to requests, errors and p95: (status, body), a body's text, or numbers."""

    def __init__(self):
        self.asked, self.tokens, self.answers = [], [], {}
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
                outer.asked.append(query)
                outer.tokens.append(self.headers.get("Authorization"))
                status, body = outer.answer(query)
                raw = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    def answer(self, query):
        name = "p95" if "duration" in query["query"] else "errors" if "5.." in query["query"] else "requests"
        found = self.answers.get(name, [1.0])
        return found if isinstance(found, tuple) else (200, matrix(query, found))


def matrix(query, values, **more):
    """The values one after the other at each step, again and again."""
    start, end, step = (int(query[name]) for name in ("start", "end", "step"))
    points = [[at, str(values[place % len(values)])] for place, at in enumerate(range(start, end + 1, step))]
    data = {"resultType": "matrix", "result": [{"metric": {}, "values": points}]}
    return {"status": "success", "data": data} | more


@pytest.fixture(scope="module")
def server():
    server = Prometheus()
    yield server
    server.server.shutdown()


@pytest.fixture
def counted(server, settings):
    settings.PROMETHEUS_URL = server.url
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    server.asked, server.tokens, server.answers = [], [], {}
    READ.clear()
    prometheus._silence.end()
    return server


@pytest.fixture
def seen(client, alice, shop, counted):
    """What the panel says, with its markup."""
    report = {"service": "checkout", "environment": "production", "commit": "4f2a9c1", "status": "success"}
    at = iso(database_now() - timedelta(minutes=20))
    deployment_report(report | {"version": "2.4.0", "started_at": at, "finished_at": at}, by=SETUP)
    client.force_login(alice)

    def see(url=URL, **headers):
        READ.clear()
        return client.get(url, headers=headers).content.decode()

    return see


def test_requests_errors_and_times_are_drawn_with_the_deployments(seen, counted):
    counted.answers = {"requests": [20, 40], "errors": [0.5], "p95": [0.24]}
    page = seen()
    assert 'aria-label="Requests: 20 a second last, between 20 and 40"' in page
    assert 'aria-label="Errors: 0.5 a second last, between 0.5 and 0.5"' in page
    assert 'aria-label="95 of 100 within: 240 ms last, between 240 ms and 240 ms"' in page
    assert page.count('class="metric-line"') == 3
    assert page.count("2.4.0 success, ") == 3
    assert "style=" not in page[page.index("metrics-panel") :]
    assert {each["query"] for each in counted.asked} == set(prometheus.queries_of(*_ends()).values())


def _ends():
    from deployments.models import DeploymentConfig

    config = DeploymentConfig.objects.get(entity__identifier="checkout-production")
    return config.service, config.environment


def test_many_viewers_ask_once_and_one_with_a_token(client, alice, bob, seen, counted, settings):
    settings.PROMETHEUS_TOKEN = "s3cret"
    seen()
    client.force_login(bob)
    assert "s3cret" not in client.get(URL).content.decode()
    assert counted.tokens == ["Bearer s3cret"] * 3


def test_who_may_not_see_the_service_is_shown_nothing_that_was_read_for_another(client, seen, counted, charlie):
    seen()
    permissions_update(blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    client.force_login(charlie)
    page = client.get(URL).content.decode()
    assert "It names no service" in page and "metric-line" not in page
    assert client.get("/deployments/metrics/service/checkout").status_code == 404
    assert len(counted.asked) == 3


ANSWERS = {
    "nothing": ((200, {"status": "success", "data": {"resultType": "matrix", "result": []}}), "no such series"),
    "nan": (["NaN"], "every value is NaN"),
    "infinite": ([1, "+Inf"], "Infinite values are left out."),
    "partial": ([1, "NaN"], "There are numbers for 50 % of this time only."),
    "vector": (
        (200, {"status": "success", "data": {"resultType": "vector", "result": []}}),
        "something else than numbers",
    ),
    "refused": (
        (422, {"status": "error", "errorType": "execution", "error": "many-to-many matching not allowed"}),
        "Prometheus refuses the question: many-to-many matching not allowed.",
    ),
    "away": ((503, "Service Unavailable"), "Prometheus could not answer: status 503."),
    "shut": ((401, ""), "Prometheus does not let the portal in (401)"),
    "moved": ((302, ""), "status 302"),
    "text": ((200, "<html>"), "status 200"),
    "deep": ((200, "[" * 60_000), "status 200"),
    "large": ((200, " " * 70_000), "larger than 64 KiB"),
    "shape": (
        (200, {"status": "success", "data": {"resultType": "matrix", "result": [{"values": [["x"]]}]}}),
        "something else",
    ),
    "list": ((200, {"status": "success", "data": {"resultType": "matrix", "result": ["x"]}}), "something else"),
    "huge": (
        (
            200,
            {
                "status": "success",
                "data": {"resultType": "matrix", "result": [{"values": [[1e308, "1"], ["1e999", "2"]]}]},
            },
        ),
        "NaN",
    ),
}


def test_whatever_comes_instead_of_numbers_is_a_sentence_and_the_others_are_drawn(seen, counted):
    for name, (answer, sentence) in ANSWERS.items():
        counted.answers = {"errors": answer}
        page = seen()
        assert sentence in page, name
        drawn = 3 if name in {"infinite", "partial"} else 2
        assert page.count('class="metric-chart') == drawn, name


def test_a_warning_and_more_than_one_series_are_told(seen, counted):
    def answer(query):
        body = matrix(query, [1], warnings=["1 of 2 stores is away"])
        body["data"]["result"] *= 2
        return 200, body

    counted.answer, usual = answer, counted.answer
    try:
        page = seen()
    finally:
        counted.answer = usual
    assert "Prometheus warns: 1 of 2 stores is away." in page
    assert "The question comes to 2 series; only the first is drawn." in page


def test_a_gap_breaks_the_line(seen, counted):
    counted.answers = {"requests": [1] * 100 + ["NaN"] * 20 + [1] * 121}
    assert seen().count('class="metric-line"') == 4


def test_one_that_does_not_answer_is_asked_once_and_then_left_alone(seen, counted, settings):
    settings.PROMETHEUS_URL = "http://127.0.0.1:9"
    page = seen()
    assert page.count("Prometheus gave no answer: 127.0.0.1 could not be reached") == 3
    settings.PROMETHEUS_URL = counted.url
    assert "Prometheus gave no answer" in seen()
    assert counted.asked == []
    prometheus._silence.end()
    assert "Prometheus gave no answer" not in seen()


def test_a_network_that_is_not_named_is_not_called(seen, counted, settings):
    settings.OUTGOING_NETWORKS = []
    page = seen()
    assert "Prometheus may not be called. 127.0.0.1 is inside a network" in page
    assert counted.asked == []


def test_the_panel_of_a_service_shows_the_environment_of_choice(seen, counted):
    deployment_report(
        {"service": "checkout", "environment": "staging", "version": "3", "commit": "abcdef1", "status": "success"},
        by=SETUP,
    )
    page = seen("/deployments/metrics/service/checkout")
    assert all('environment="production"' in each["query"] for each in counted.asked)
    counted.asked.clear()
    seen("/deployments/metrics/service/checkout?environment=staging&window=7d")
    assert all('environment="staging"' in each["query"] and each["step"] == "1800" for each in counted.asked)
    assert "environment=staging" in page
    assert "Nothing was deployed here yet." in seen("/deployments/metrics/service/search")


def test_an_unchanged_panel_is_not_made_again(client, seen, counted):
    from deployments.views import metrics

    answer = client.get(URL, headers={"HX-Request": "true"})
    asked = len(counted.asked)
    metrics.AGAIN, usual = 10**9, metrics.AGAIN
    try:
        first = client.get(URL, headers={"HX-Request": "true"})
        again = client.get(URL, headers={"HX-Request": "true", "X-Stamp": first["X-Stamp"]})
    finally:
        metrics.AGAIN = usual
    assert (answer.status_code, again.status_code, len(counted.asked)) == (200, 204, asked)


def test_a_service_asks_questions_of_its_own_only_where_the_operator_lets_it(seen, counted, settings):
    write("service", "checkout", mode="patch", properties={"metricQueries": {"requests": 'own{job="{service}"}'}})
    seen()
    assert not any(each["query"].startswith("own") for each in counted.asked)
    settings.PROMETHEUS_OWN_QUERIES = True
    seen()
    assert 'own{job="checkout"}' in {each["query"] for each in counted.asked}


def test_a_question_of_ones_own_that_is_none_is_said_at_its_place(seen, counted, settings):
    settings.PROMETHEUS_OWN_QUERIES = True
    for wrong in (7, "x" * 5000, "a{b=~`{service}`}", "nul\\u0000{service}"):
        write("service", "checkout", mode="patch", properties={"metricQueries": {"requests": wrong}})
        page = seen()
        assert page.count('class="metric-chart') == 2
        assert "question has to be" in page or "between double quotes" in page


@pytest.mark.parametrize(
    ("name", "written"),
    [
        ("checkout", "checkout"),
        ('a"} or vector(1) or x{y="', 'a\\"} or vector(1) or x{y=\\"'),
        ("back\\slash", "back\\\\slash"),
        ("new\nline\x7f", "new\\x0aline\\x7f"),
        ("ü{service}", "ü{service}"),
    ],
)
def test_a_name_cannot_leave_its_quotes(name, written):
    assert escaped(name) == written
    assert filled('m{s="{service}",e="{environment}"}', service=name, environment="e") == f'm{{s="{written}",e="e"}}'


@pytest.mark.parametrize(
    "template", ["{service}", "a{b='{service}'}", "a{b=`{service}`}", '"x" {environment}', '"\\"" {service}']
)
def test_a_place_for_a_name_outside_double_quotes_is_refused(template):
    with pytest.raises(Wrong, match="between double quotes"):
        filled(template, service="s", environment="e")


def test_numbers_are_said_as_one_says_them():
    assert [shown("requests", each) for each in (0, 0.0001, 0.04, 12.34, 1240.6)] == [
        "0",
        "under 0.001",
        "0.04",
        "12.3",
        "1,241",
    ]
    assert [shown("p95", each) for each in (0.24, 1.5)] == ["240 ms", "1.5 s"]
