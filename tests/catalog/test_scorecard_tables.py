"""A level is a column like any other: shown, filtered, sorted, grouped, counted under the table, exported."""

import csv
import io
import re

import pytest
from django.test import Client

from catalog import queries
from catalog.scorecards.commands import scorecard_create
from tests.catalog.test_scorecards import READY
from tests.conftest import SETUP, write

LEVEL, OWNED = "scorecard:ready", "scorecard:ready#owned"


@pytest.fixture
def browser(shop, bob):
    scorecard_create(queries.blueprint("service"), READY, by=SETUP)
    write("service", "cart", team=("payments",), properties={"description": "x"}, relations={"dependsOn": ("search",)})
    write("service", "old", properties={"lifecycle": "retired"})
    client = Client()
    client.force_login(bob)
    return client


def named(browser, **query):
    answer = browser.get("/catalog/service/entities", query)
    assert answer.status_code == 200, answer.content
    html = answer.content.decode()
    return re.findall(r'data-edit="/catalog/!cell/service/entities/(\w+)"', html), html


def test_the_level_is_a_column_from_the_start(browser):
    _, html = named(browser)
    assert html.count('data-name="scorecard:ready"') == 4
    assert "Gold" in html and "Bronze" in html
    assert f'data-name="{OWNED}"' not in html
    assert named(browser, column=OWNED)[1].count(">Not passed<") == 1


def test_levels_are_filtered_sorted_and_grouped_by(browser):
    assert named(browser, property=LEVEL, operator="=", value="Gold")[0] == ["cart"]
    assert named(browser, property=LEVEL, operator="in", value="Basic, Bronze")[0] == ["checkout", "search"]
    assert named(browser, property=LEVEL, operator="isEmpty", value="")[0] == ["old"]
    assert named(browser, property=OWNED, operator="=", value="Not passed")[0] == ["search"]
    assert named(browser, sort=LEVEL)[0] == ["search", "checkout", "cart", "old"]
    assert named(browser, sort=f"-{LEVEL}")[0] == ["cart", "checkout", "search", "old"]
    rows, html = named(browser, group=LEVEL, open="Bronze")
    assert rows == ["checkout"]
    assert "4 groups" in html
    assert named(browser, group=OWNED, open="Passed")[0] == ["cart", "checkout"]


def test_a_level_that_is_no_word_of_the_scorecard_finds_nothing_and_breaks_nothing(browser):
    assert named(browser, property=LEVEL, operator="=", value="Platinum")[0] == []
    assert (
        browser.get(
            "/catalog/service/entities", {"property": "scorecard:none", "operator": "=", "value": "a"}
        ).status_code
        == 422
    )
    assert (
        browser.get("/catalog/service/entities", {"sort": "scorecard:none", "group": "scorecard:none"}).status_code
        == 200
    )


def test_the_shares_stand_under_the_table(browser):
    html = browser.get("/catalog/service/entities", {"part": "spreads"}).content.decode()
    assert "How Production readiness is spread" in html
    assert 'aria-label="Gold: 1"' in html


def test_an_export_has_the_level(browser):
    answer = browser.get("/catalog/service/entities", {"export": "csv", "column": [LEVEL, OWNED]})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode().lstrip("\ufeff"))))
    assert [list(row.values())[-2:] for row in rows if "cart" in row.values()] == [["Gold", "Passed"]]
