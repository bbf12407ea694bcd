"""A blueprint's table: found, filtered, sorted, grouped, kept and taken out, all by its address."""

import csv
import json
import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.commands import blueprint_create
from catalog.models import Entity, View
from tests.conftest import SETUP, events, write

SERVICES = "/catalog/service/entities"


@pytest.fixture
def browser(bob):
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def fleet(shop):
    """Five services: two critical, one internal, two without a tier."""
    write(
        "service",
        "cart",
        title="Cart",
        properties={"tier": "mission critical", "language": "Go", "onCall": "bob@example.org"},
    )
    write(
        "service",
        "mail",
        properties={"tier": "internal", "language": "Go", "description": "Sends letters"},
        relations={"dependsOn": ("search",)},
    )
    write(
        "service",
        "tax",
        properties={"tier": "mission critical", "language": "Java"},
        relations={"dependsOn": ("cart",)},
    )


def read(client, status=200, **asked):
    answer = client.get(SERVICES, asked)
    assert answer.status_code == status
    return answer.content.decode()


def shown(html):
    return re.findall(r'<th scope="row"[^>]*>(?:<label.*?</label>)?<a href="/catalog/service/entities/([^"]+)"', html)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (("tier", "=", "mission critical"), "cart tax"),
        (("tier", "!=", "mission critical"), "checkout mail search"),
        (("tier", "in", "internal, mission critical"), "cart mail tax"),
        (("tier", "isEmpty", ""), "checkout search"),
        (("language", "contains", "jav"), "tax"),
        (("$identifier", "beginsWith", "c"), "cart checkout"),
        (("$team", "=", "payments"), "checkout"),
        (("$team", "=", "my teams"), "checkout"),
        (("onCall", "=", "me"), "cart"),
        (("relations.dependsOn", "=", "cart"), "tax"),
        (("relations.dependsOn", "isEmpty", ""), "cart checkout search"),
        (("$updatedAt", "within", "last week"), "cart checkout mail search tax"),
        (("$createdAt", "<", "2020-01-01"), ""),
    ],
)
def test_a_line_of_the_filter(browser, fleet, line, expected):
    name, operator, value = line
    assert " ".join(shown(read(browser, property=name, operator=operator, value=value))) == expected


def test_lines_are_all_true_or_any(browser, fleet):
    two = {"property": ["tier", "language"], "operator": ["=", "="], "value": ["internal", "Java"]}
    assert shown(read(browser, **two)) == []
    assert shown(read(browser, **two, combinator="or")) == ["mail", "tax"]


def test_words_are_found_in_any_text(browser, fleet):
    assert shown(read(browser, q="letters send")) == ["mail"]
    assert "1 result" in read(browser, q="letters")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        (("nothing", "=", "1"), "there is no property “nothing”"),
        (("tier", "=", ""), "needs a value"),
        (("tier", "like", "x"), "is not a way to compare"),
        (("$updatedAt", "within", "long ago"), "is not one of today"),
        (("$updatedAt", ">", "soon"), "must be a number, or a date"),
    ],
)
def test_a_line_that_makes_no_sense_is_told_and_the_table_stays(browser, fleet, line, sentence):
    name, operator, value = line
    html = read(browser, status=422, property=name, operator=operator, value=value)
    assert sentence in unescape(html) and len(shown(html)) == 5


def test_a_head_sorts_and_turns_round(browser, fleet):
    assert shown(read(browser, sort="-$identifier")) == ["tax", "search", "mail", "checkout", "cart"]
    html = read(browser, sort="tier,-$title")
    assert shown(html) == ["tax", "cart", "mail", "search", "checkout"]
    assert 'aria-sort="ascending"' in html and "sort=-tier" in unescape(html)


def test_columns_are_chosen(browser, fleet):
    html = read(browser, column=["language", "$createdBy"])
    heads = re.findall(r'role="columnheader"[^>]*>(?:<label.*?</label>)?<a[^>]*>([^<]+?) <svg', html)
    assert heads == ["Service", "Language", "Created by"]


def test_groups_are_counted_and_one_is_unfolded(browser, fleet):
    html = read(browser, group="tier", open="mission critical")
    assert re.findall(r'chip-count">(\d+)<', html) == ["2", "2", "1"]
    assert shown(html) == ["cart", "tax"]
    assert shown(read(browser, group="tier", open="")) == ["checkout", "search"] or "(not set)" in html
    assert "3 groups, 5 results" in html


def test_services_are_grouped_by_the_teams_that_own_them(browser, fleet):
    write("service", "till", team=("payments", "retail"))
    html = read(browser, group="$team", open="payments, retail")
    assert shown(html) == ["till"]
    assert "payments" in html
    assert shown(read(browser, group="$team", open="payments")) == sorted(
        each.identifier for each in Entity.objects.filter(blueprint__identifier="service", team=["payments"])
    )


def test_a_column_of_few_values_shows_how_they_are_spread(browser, fleet):
    assert "part=spreads" in read(browser)
    html = read(browser, part="spreads")
    assert "mission critical: 2" in html and "(not set): 2" in html and "operator=isEmpty" in html


def test_all_rows_that_match_are_taken_out(browser, fleet):
    write("service", "evil", title="=cmd()", properties={"language": "-Go"})
    answer = browser.get(
        SERVICES, {"export": "csv", "column": ["language", "$team", "relations.dependsOn"], "sort": "$identifier"}
    )
    rows = list(csv.reader(b"".join(answer.streaming_content).decode().splitlines()))
    assert rows[0] == ["Identifier", "Title", "Language", "Team", "Depends on"]
    assert rows[2] == ["checkout", "Checkout", "", '["payments"]', "[]"]
    assert rows[3] == ["evil", "'=cmd()", "'-Go", "[]", "[]"]
    answer = browser.get(SERVICES, {"export": "json", "column": "tier", "q": "tax"})
    assert json.loads(b"".join(answer.streaming_content)) == [
        {"identifier": "tax", "title": None, "tier": "mission critical"}
    ]
    empty = browser.get(SERVICES, {"export": "json", "q": "nothing like it"})
    assert json.loads(b"".join(empty.streaming_content)) == []


def keep(client, title, query, **more):
    return client.post("/catalog/service/views", {"title": title, "query": query} | more)


def test_a_view_is_kept_and_stays_ones_own(browser, fleet, charlie):
    answer = keep(browser, "Critical", "property=tier&operator=%3D&value=mission+critical")
    assert answer.status_code == 303
    html = browser.get(answer["Location"]).content.decode()
    assert shown(html) == ["cart", "tax"] and "Save view" not in html
    assert re.search(r'aria-current="page">Critical', html)
    other = Client()
    other.force_login(charlie)
    assert "Critical" not in read(other)


def test_a_view_that_was_changed_can_be_saved_over(browser, fleet):
    keep(browser, "Go", "property=language&operator=%3D&value=Go")
    view = View.objects.get()
    html = read(browser, property="language", operator="=", value="Java", view=view.pk)
    assert "Save view" in html and 'value="Go"' in html
    keep(browser, "Go", "property=language&operator=%3D&value=Java")
    assert View.objects.get().query.endswith("Java")
    assert events("view.") == ["view.created", "view.updated"]


def test_only_moderators_share_views_with_everybody(browser, fleet, alice, charlie):
    assert keep(browser, "All Go", "q=go", shared="1").status_code == 403
    assert not View.objects.exists() and events("view.") == []
    boss = Client()
    boss.force_login(alice)
    keep(boss, "All Go", "q=go", shared="1")
    assert "All Go" in read(browser)
    view = View.objects.get()
    assert browser.post(f"/catalog/!views/{view.pk}/removal").status_code == 403
    assert boss.post(f"/catalog/!views/{view.pk}/removal").status_code == 303
    assert not View.objects.exists()


def test_nobody_removes_somebody_elses_view(browser, fleet, alice):
    boss = Client()
    boss.force_login(alice)
    keep(boss, "Mine", "q=go")
    assert browser.post(f"/catalog/!views/{View.objects.get().pk}/removal").status_code == 403
    assert View.objects.count() == 1


def test_a_view_needs_a_name(browser, fleet):
    assert keep(browser, "  ", "q=go").status_code == 422
    assert keep(browser, "x" * 101, "q=go").status_code == 422
    assert not View.objects.exists()


HOSTILE = ["'", "\\", "%", "<script>", "\u202e", "9" * 400, "null", "[]", "{}", "-", "$", "relations.", "ÿ" * 50]


@pytest.mark.parametrize(
    "key", ["q", "sort", "group", "open", "column", "from", "view", "property", "combinator", "export", "part"]
)
def test_whatever_stands_in_the_address_is_no_fault_of_ours(browser, fleet, key):
    for value in HOSTILE:
        answer = browser.get(SERVICES, {key: value})
        assert answer.status_code in (200, 422), (key, value)
        if not answer.streaming:
            assert "<script>" not in answer.content.decode().replace('<script src="', "")


@pytest.mark.parametrize(
    "asked", [{}, {"group": "tier", "open": "internal"}, {"part": "spreads"}, {"q": "s", "sort": "-tier"}]
)
def test_a_table_asks_as_often_for_fifty_rows_as_for_one(browser, fleet, asked):
    def queries():
        with CaptureQueriesContext(connection) as made:
            read(browser, **asked)
        return len(made)

    before = queries()
    for number in range(49):
        write("service", f"s{number}", properties={"tier": "internal"}, relations={"dependsOn": ("cart", "mail")})
    assert queries() == before


def test_what_the_portal_computes_is_a_column_like_others(browser, fleet):
    """A mirror looks like what it shows; values stand in `computed`, whoever puts them there."""
    blueprint_create(
        {
            "identifier": "lid",
            "title": "Lid",
            "schema": {"properties": {}},
            "relations": {"of": {"target": "service"}, "all": {"target": "service", "many": True}},
            "mirrorProperties": {
                "tier": {"path": "of.tier", "title": "Tier of it"},
                "deep": {"path": "of.dependsOn.tier"},
            },
            "calculationProperties": {"twice": {"calculation": ".x * 2", "type": "number"}},
        },
        by=SETUP,
    )
    lid = write("lid", "l1", relations={"of": ("cart",)})
    Entity.objects.filter(pk=lid.pk).update(computed={"tier": "mission critical", "twice": 4, "deep": ["internal"]})
    html = browser.get("/catalog/lid/entities").content.decode()
    assert "Tier of it" in html and 'chip-red"><span class="chip-word">mission critical' in html
    assert shown_lids(browser, "tier", "mission critical") == shown_lids(browser, "twice", "4") == ["l1"]
    assert shown_lids(browser, "twice", "5") == []
    page = browser.get("/catalog/lid/entities/l1").content.decode()
    assert 'chip-red"><span class="chip-word">mission critical' in page
    why = browser.get("/catalog/!cell/lid/entities/l1?cell=twice")
    assert why.status_code == 409 and "computed from others" in why.content.decode()


def shown_lids(client, name, value):
    answer = client.get("/catalog/lid/entities", {"property": name, "operator": "=", "value": value})
    return re.findall(r'data-edit="/catalog/!cell/lid/entities/([^"]+)"', answer.content.decode())
