"""What the portal computes in tables: typed, sorted, filtered, grouped and coloured as what it shows is."""

import pytest

from catalog import compute, queries
from catalog.commands import blueprint_create
from tests.conftest import SETUP, write

COLOURS = {"up": "green", "down": "red"}


@pytest.fixture
def fleet(db):
    """Ships of harbours; what a ship shows of its harbour is of the harbour's type."""
    blueprint_create(
        {
            "identifier": "harbour",
            "title": "Harbour",
            "schema": {
                "properties": {
                    "depth": {"type": "number", "title": "Depth"},
                    "state": {"type": "string", "enum": ["up", "down"], "enumColors": COLOURS},
                    "opened": {"type": "string", "format": "date-time"},
                    "site": {"type": "string", "format": "url"},
                    "kinds": {"type": "array", "items": {"type": "string", "enumColors": {"oil": "bronze"}}},
                }
            },
            "calculationProperties": {
                "word": {
                    "type": "string",
                    "calculation": "if .properties.depth > 9 then 'deep' else 'flat' end",
                    "colorized": True,
                    "colors": {"deep": "blue"},
                }
            },
        },
        by=SETUP,
    )
    blueprint_create(
        {
            "identifier": "ship",
            "title": "Ship",
            "schema": {"properties": {}},
            "relations": {"at": {"target": "harbour"}, "calls": {"target": "harbour", "many": True}},
            "mirrorProperties": {
                "depth": {"path": "at.depth"},
                "state": {"path": "at.state", "title": "State there"},
                "opened": {"path": "at.opened"},
                "site": {"path": "at.site"},
                "word": {"path": "at.word"},
                "kinds": {"path": "at.kinds"},
                "since": {"path": "at.$createdAt"},
                "states": {"path": "calls.state"},
                "gone": {"path": "at.nothing"},
            },
            "aggregationProperties": {
                "count": {
                    "title": "Calls",
                    "target": "harbour",
                    "calculationSpec": {"calculationBy": "entities", "func": "count"},
                    "pathFilter": [{"path": ["calls"]}],
                }
            },
        },
        by=SETUP,
    )
    blueprint_create(
        {
            "identifier": "crew",
            "title": "Crew",
            "schema": {"properties": {}},
            "relations": {"ship": {"target": "ship"}},
            "mirrorProperties": {"depth": {"path": "ship.depth"}, "states": {"path": "ship.states"}},
        },
        by=SETUP,
    )
    for name, depth, state in [("a", 100, "up"), ("b", 9, "down"), ("c", 20, "up")]:
        write(
            "harbour",
            name,
            properties={"depth": depth, "state": state, "opened": f"2026-01-0{len(name)}T00:00:00Z", "kinds": ["oil"]},
        )
    for name in "abc":
        write("ship", f"s{name}", relations={"at": (name,), "calls": ("a", "b")})
    while compute.sweep():
        pass


def defined(kind, name):
    return queries.computed_definitions(queries.blueprint(kind))[name]


def test_a_mirror_is_what_it_shows(fleet):
    assert defined("ship", "depth") == {"type": "number", "title": "Depth"}
    assert defined("ship", "state")["enumColors"] == COLOURS and defined("ship", "state")["title"] == "State there"
    assert defined("ship", "since") == {"type": "string", "format": "date-time"}
    assert defined("ship", "states")["items"]["enum"] == ["up", "down"]
    assert defined("ship", "word")["enumColors"] == {"deep": "blue"}
    assert defined("ship", "gone") == {"path": "at.nothing", "type": "string"} or defined("ship", "gone") == {
        "type": "string"
    }
    # Also a mirror of a mirror, and of a list along one more step.
    assert defined("crew", "depth")["type"] == "number" and defined("crew", "states")["items"]["enum"] == ["up", "down"]


def names(html):
    """The ships in the order they stand in."""
    return [part.split('"')[0] for part in html.split('href="/catalog/ship/entities/')[1:] if part.startswith("s")]


def page(client, query):
    answer = client.get(f"/catalog/ship/entities{query}")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def browser(client, alice, fleet):
    client.force_login(alice)
    return client


def test_numbers_sort_by_size_not_by_their_digits(browser):
    assert names(page(browser, "?sort=depth&column=depth")) == ["sb", "sc", "sa"]
    assert names(page(browser, "?sort=-depth&column=depth")) == ["sa", "sc", "sb"]


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("property=depth&operator=%3E&value=19", {"sa", "sc"}),
        ("property=state&operator=%3D&value=up", {"sa", "sc"}),
        ("property=word&operator=%3D&value=deep", {"sa", "sc"}),
        ("property=opened&operator=%3C&value=2026-06-01", {"sa", "sb", "sc"}),
        ("property=states&operator=%3D&value=down", {"sa", "sb", "sc"}),
        ("property=count&operator=%3D&value=2", {"sa", "sb", "sc"}),
        ("property=gone&operator=isEmpty&value=", {"sa", "sb", "sc"}),
    ],
)
def test_rows_are_found_by_what_is_computed(browser, line, found):
    assert set(names(page(browser, f"?{line}"))) == found


def test_rows_are_grouped_and_told_at_the_foot_by_it(browser):
    grouped = page(browser, "?group=state&column=state")
    assert "chip-green" in grouped and "chip-red" in grouped
    foot = page(browser, "?column=state&column=word")
    assert "State there" in foot and "chip-blue" in foot


def test_a_formula_has_its_colours_and_a_list_those_of_its_items(browser):
    assert "chip-blue" in page(browser, "?column=word") and "chip-bronze" in page(browser, "?column=kinds")


def test_it_is_taken_out_with_the_table(browser):
    answer = browser.get("/catalog/ship/entities?column=depth&column=count&column=states&sort=depth&export=json")
    rows = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    assert '"depth": 9' in rows and '"count": 2' in rows and '"states": ["up", "down"]' in rows
