"""What holds for every route of /v1."""

import pytest
from django.test import Client

from locks.models import Lock
from portal.accounts.commands import credential_create
from tests.conftest import SETUP, V1


@pytest.mark.parametrize("path", ["", "/", "/nothing", "/blueprints/", "/gate/", "/admin/"])
def test_an_unknown_route_is_json_for_everybody(db, path):
    for method in ("get", "post", "delete"):
        response = getattr(Client(enforce_csrf_checks=True), method)(f"/v1{path}")
        assert response.status_code in (401, 404)
        assert response.json()["ok"] is False


def test_a_wrong_method_is_405_in_json(ci):
    assert ci.delete("gate").json["error"] == "method_not_allowed"


def test_what_is_no_json_is_422(ci):
    answer = ci.post("locks", b"{'reason': 1}")
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "body")


@pytest.mark.parametrize("body", [b"[]", b'"x"', b"7", b"null", b"", b" "])
def test_json_that_is_no_object_is_422(ci, terraform, body):
    for program, path in (
        (ci, "locks"),
        (ci, "deployments"),
        (terraform, "blueprints"),
        (terraform, "blueprints/service/entities"),
    ):
        assert program.post(path, body).status == 422, path


def test_over_one_mebibyte_is_413(ci):
    answer = ci.post("locks", b'{"reason": "' + b"x" * 1024 * 1024 + b'"}')
    assert (answer.status, answer.json["error"]) == (413, "payload_too_large")
    assert not Lock.objects.exists()


def test_nul_is_refused_because_it_cannot_be_kept(terraform):
    answer = terraform.post("blueprints/service/entities", {"identifier": "a", "properties": {"description": "a\0b"}})
    assert answer.status == 422 and "U+0000" in answer.json["message"]


@pytest.mark.parametrize(
    "path",
    [
        "gate?service=a%00b&environment=b",
        "locks?environment=%00",
        "locks/a%00b",
        "locks/a?reason=%00",
        "blueprints/a%00b",
        "blueprints/service/entities/a%00b",
        "deployments/current?service=%00",
        "nothing/%00",
    ],
)
def test_nul_in_an_address_is_422_on_every_route(terraform, path):
    for answer in (terraform.get(path), terraform.send("patch", path, {}), terraform.delete(path)):
        assert (answer.status, answer.json["error"]) == (422, "invalid_request")
        assert len(answer.headers["X-Trace-Id"]) == 32


def test_nul_in_a_pages_address_is_a_page_with_400(db):
    for path in ("/catalog/service/entities/a%00b", "/locks/?service=%00", "/sign-in?next=%00"):
        response = Client().get(path)
        assert (response.status_code, response["Content-Type"]) == (400, "text/html; charset=utf-8")


def test_what_the_database_cannot_hold_is_422_and_not_503(terraform, monkeypatch):
    monkeypatch.setattr("catalog.wishes.LONGEST_TEAM", 10**6)
    monkeypatch.setattr("catalog.wishes.LONGEST_ICON", 10**6)
    import random

    noise = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=9000))
    for wish in ({"team": noise}, {"icon": noise}):
        answer = terraform.post("blueprints/service/entities", {"identifier": "a"} | wish)
        assert (answer.status, answer.json["error"]) == (422, "invalid_request"), wish.keys()
    assert terraform.get("blueprints/service/entities/a").status == 404


@pytest.mark.parametrize(
    ("wish", "path"),
    [({"team": "x" * 251}, "team"), ({"team": [str(n) for n in range(101)]}, "team"), ({"icon": "x" * 101}, "icon")],
)
def test_an_entitys_icon_and_teams_have_limits(terraform, wish, path):
    answer = terraform.post("blueprints/service/entities", {"identifier": "a"} | wish)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert terraform.get("blueprints/service/entities").json["entities"] == []


@pytest.mark.parametrize(
    "value",
    [b"1e20", b"-1e20", b"18446744073709551616", b"9223372036854775808", b"[" * 100 + b"]" * 100],
)
def test_what_could_not_be_read_back_is_refused_and_leaves_no_trace(terraform, value):
    for flags in ("", "?upsert=true"):
        body = b'{"identifier": "poison", "properties": {"n": ' + value + b"}}"
        answer = terraform.post(f"blueprints/service/entities{flags}", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "body")
    assert terraform.get("blueprints/service/entities").json["entities"] == []


def test_one_odd_row_does_not_cost_the_list(terraform):
    from catalog.models import Entity
    from tests.conftest import write

    write("service", "odd")
    deep = {"n": 10**20}
    for _ in range(300):
        deep = {"in": deep}
    Entity.objects.update(properties=deep | {"n": 2**64})
    assert terraform.get("blueprints/service/entities").json["entities"][0]["properties"] == deep | {"n": 2**64}


def test_the_greatest_numbers_and_depths_that_are_taken_come_back(terraform):
    deep = [1.5, -(2**63) + 1, 2**63 - 1]
    for _ in range(60):
        deep = [deep]
    wish = {"identifier": "a", "properties": {"deep": deep}}
    assert terraform.post("blueprints/service/entities", wish).status == 201
    assert terraform.get("blueprints/service/entities/a").json["entity"]["properties"] == {"deep": deep}


def test_a_mistake_of_ours_is_500_in_json_with_a_trace(ci, monkeypatch):
    monkeypatch.setattr("portal.api.locks.gate_ask", lambda *args, **kwargs: 1 / 0)
    from tests.conftest import write

    write("service", "a")
    write("environment", "b")
    answer = ci.get("gate", service="a", environment="b")
    assert (answer.status, answer.json["error"]) == (500, "internal_error")
    assert len(answer.headers["X-Trace-Id"]) == 32


def test_plain_http_is_refused_where_the_portal_is_reached_by_https(ci, settings):
    settings.HTTPS = True
    answer = ci.get("blueprints")
    assert (answer.status, answer.json["error"]) == (403, "forbidden")


def test_an_unknown_host_gets_json_too(db):
    response = Client(raise_request_exception=False).get("/v1/gate", headers={"Host": "evil.example"})
    assert (response.status_code, response.json()["ok"]) == (400, False)


def test_a_token_in_a_cookie_or_a_session_is_no_token_and_no_session_is_looked_for(alice, django_assert_num_queries):
    client = Client()
    client.force_login(alice)
    with django_assert_num_queries(0):
        assert client.get("/v1/locks").status_code == 401


def test_liveness_and_readiness_need_no_sign_in(db):
    assert Client().get("/healthz").json()["ok"] is True
    assert Client().get("/readyz").json() == {"ok": True}


def test_the_command_line_is_served_as_it_stands_in_ci(db, settings):
    response = Client().get("/ci/portcullis")
    served = b"".join(response.streaming_content)
    assert served == (settings.BASE_DIR / "ci" / "portcullis").read_bytes()


def test_json_is_what_everybody_gets_whatever_they_ask_for(ci):
    assert ci.get("blueprints", format="xml").status == 200
    for accept in ("text/html", "application/xml", "nonsense", "application/json; version=2"):
        response = Client().get("/v1/blueprints", headers={"Authorization": f"Bearer {ci.token}", "Accept": accept})
        assert (response.status_code, response["Content-Type"]) == (200, "application/json"), accept


def test_malformed_flags_and_unknown_parameters_are_ignored(terraform):
    answer = terraform.get(
        "blueprints/service/entities", exclude_calculated_properties="0xc0001234", other="1", run_id=""
    )
    assert answer.json == {"ok": True, "entities": []}


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("get", "gate?service=chekout&environment=production"),
        ("get", "locks?environment=productoin"),
        ("post", "locks"),
        ("get", "deployments/current?service=chekout"),
        ("get", "blueprints/servise"),
        ("put", "blueprints/servise"),
        ("patch", "blueprints/servise"),
        ("delete", "blueprints/servise"),
        ("get", "blueprints/servise/entities"),
        ("get", "blueprints/servise/entities-count"),
        ("get", "blueprints/service/entities/chekout"),
        ("delete", "blueprints/service/entities/chekout"),
    ],
)
def test_who_may_not_read_learns_no_names(shop, method, path):
    _, token = credential_create("Nothing", kind="ci", scopes=[], by=SETUP)
    program = V1(token)
    body = {"service": "chekout", "environment": "production", "reason": "curious"}
    answer = getattr(program, method)(path) if method in ("get", "delete") else program.send(method, path, body)
    assert (answer.status, answer.json["error"]) == (403, "forbidden")
    assert "checkout" not in str(answer.json)


def test_anonymous_is_told_how_to_sign_in(nobody):
    answer = nobody.get("locks")
    assert (answer.status, answer.json["message"]) == (401, "Send a token: Authorization: Bearer <token>")
