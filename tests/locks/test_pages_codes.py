"""Break-glass codes in the browser: shown once, listed with what became of them, revoked."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from locks.commands import code_use, codes_issue
from locks.models import BreakGlassCode
from locks.runs import Run
from portal.kit.clock import database_now
from tests.conftest import SETUP, events, write
from tests.locks.test_pages_waiting import HTMX, at

CODE = re.compile(r"pcg-\w+-[0-9a-f]{4}")
WISH = {"environment": "production", "count": "2", "life": "90"}


@pytest.fixture
def code(shop):
    [(code, text)] = codes_issue(catalog.environment_named("production"), by=SETUP)
    code.text = text
    return code


def used(code, shop, run):
    return code_use(
        code.text, shop.checkout_production, Run(run), reason="payments are down", used_at=database_now(), by=SETUP
    )


@pytest.mark.parametrize("headers", [{}, HTMX])
def test_the_codes_are_shown_once_and_nowhere_again(shop, alice, headers):
    client = at(alice)
    answer = client.post("/locks/codes/new", WISH, headers=headers)
    shown = set(CODE.findall(answer.content.decode()))
    assert (answer.status_code, len(shown)) == (200, 2)
    assert "no-store" in answer["Cache-Control"]
    listed = client.get("/locks/codes").content.decode()
    assert not CODE.findall(listed)
    assert all(f"…{text[-4:]}" in listed for text in shown)
    assert not CODE.findall(client.get("/locks/codes/new").content.decode())
    assert events("break_glass_code") == ["break_glass_code.issued"] * 2


@pytest.mark.parametrize("wish", [{"count": "0"}, {"count": "51"}, {"life": "9999"}, {"environment": "nowhere"}])
def test_a_wish_that_is_wrong_issues_nothing(shop, alice, wish):
    answer = at(alice).post("/locks/codes/new", WISH | wish, headers=HTMX)
    assert answer.status_code == 422 and not CODE.findall(answer.content.decode())
    assert not BreakGlassCode.objects.exists() and not events("break_glass")


def test_only_who_may_issue_is_offered_to_and_is_obeyed(shop, code, bob, alice):
    write("environment", "staging", mode="patch", team=("payments",))
    client = at(bob)
    form = client.get("/locks/codes/new").content.decode()
    assert '<option value="staging"' in form and '<option value="production"' not in form
    assert client.post("/locks/codes/new", WISH).status_code == 422
    assert "Revoke it" not in client.get("/locks/codes").content.decode()
    refused = client.post(f"/locks/codes/{code.public_id}/revocation", headers=HTMX)
    assert refused.status_code == 422 and "may not issue break-glass codes" in refused["HX-Trigger"]
    assert BreakGlassCode.objects.get().revoked_at is None
    assert "Revoke it" in at(alice).get("/locks/codes").content.decode()


def test_who_owns_no_environment_is_told_who_issues_codes(shop, code, charlie):
    client = at(charlie)
    assert "Codes are issued by administrators" in client.get("/locks/codes/new").content.decode()
    assert "Issue codes" not in client.get("/locks/codes").content.decode()
    assert client.post("/locks/codes/new", WISH).status_code == 422
    assert BreakGlassCode.objects.count() == 1


def test_a_revoked_code_says_so_and_twice_is_once(shop, code, alice):
    client = at(alice)
    for _ in range(2):
        assert client.post(f"/locks/codes/{code.public_id}/revocation", headers=HTMX).status_code == 204
    assert "revoked" in client.get("/locks/codes").content.decode()
    assert events("break_glass_code") == ["break_glass_code.issued", "break_glass_code.revoked"]


def test_a_second_use_shows_up_red_and_so_does_a_code_of_nobody(shop, code, bob):
    used(code, shop, "gh:1:1")
    html = at(bob).get("/locks/codes").content.decode()
    assert "a code that was good, used once" in html and "payments are down" in html and "chip-red" not in html
    used(code, shop, "gh:2:1")
    code.text = "pcg-invented-0000"
    used(code, shop, "gh:3:1")
    html = at(bob).get("/locks/codes").content.decode()
    assert "a code that had been used before" in html and "no code of ours" in html and "Revoke it" not in html
    assert html.count("chip-red") == 3, "the code and its second use, and the one that nobody issued"
    assert "2 uses" in html


def test_an_unchanged_list_answers_204_until_a_code_is_used(shop, code, bob):
    client = at(bob)
    stamp = HTMX | {"X-Stamp": client.get("/locks/codes")["X-Stamp"]}
    assert client.get("/locks/codes", headers=stamp).status_code == 204
    used(code, shop, "gh:1:1")
    assert client.get("/locks/codes", headers=stamp).status_code == 200


def test_the_list_asks_as_often_for_many_codes_as_for_one(shop, code, alice):
    client = at(alice)
    client.get("/locks/codes")
    with CaptureQueriesContext(connection) as few:
        client.get("/locks/codes")
    codes_issue(catalog.environment_named("production"), count=30, by=SETUP)
    used(code, shop, "gh:1:1")
    with CaptureQueriesContext(connection) as many:
        client.get("/locks/codes")
    assert len(many) <= len(few) + 2
