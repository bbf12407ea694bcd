"""What the portal computes, in the blueprint editor."""

import json
from html import unescape

import pytest
from django.utils.html import strip_tags

from catalog import queries
from catalog.commands import blueprint_create, blueprint_update
from tests.catalog.test_admin import BOX, address, form
from tests.conftest import SETUP, events, write

COMPUTED = BOX | {
    "mirrorProperties": {"tier": {"path": "holds.tier", "title": "Tier of it"}},
    "calculationProperties": {
        "link": {
            "type": "string",
            "format": "url",
            "icon": "Link",
            "calculation": "'https://a.example/' + .identifier",
        },
        "state": {"type": "string", "calculation": "'ok'", "colorized": True, "colors": {"ok": "green", "a: b": "red"}},
        "names": {"type": "array", "items": {"type": "string"}, "calculation": "[.title]"},
    },
    "aggregationProperties": {
        "deployments": {
            "title": "Deployments a week",
            "description": "Of what it holds",
            "target": "deployment",
            "type": "number",
            "calculationSpec": {
                "calculationBy": "entities",
                "func": "average",
                "averageOf": "week",
                "measureTimeBy": "$createdAt",
            },
            "query": {"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "success"}]},
        },
        "weights": {
            "title": "Weight",
            "target": "service",
            "calculationSpec": {"calculationBy": "property", "func": "sum", "property": "size"},
            "pathFilter": [{"path": ["holds"]}],
        },
    },
}


@pytest.fixture
def box(shop):
    return blueprint_create(COMPUTED, by=SETUP)


@pytest.fixture
def browser(client, alice):
    client.force_login(alice)
    return client


def test_saving_what_is_computed_without_a_change_changes_nothing(browser, box):
    before = box.facts()
    assert browser.post(address(box), form(browser, address(box))).status_code == 302
    assert queries.blueprint("box").facts() == before and events("blueprint.updated") == []


def test_a_mirror_a_formula_and_a_number_are_made_in_the_form(browser, shop):
    box = blueprint_create(BOX | {"mirrorProperties": {}}, by=SETUP)
    sent = form(browser, address(box)) | {
        "mirrorProperties-0-name": "team",
        "mirrorProperties-0-title": "Their team",
        "mirrorProperties-0-path": "holds.$team",
        "calculationProperties-0-name": "state",
        "calculationProperties-0-type": "text",
        "calculationProperties-0-calculation": "if .properties.weight > 3 then 'heavy' else 'light' end",
        "calculationProperties-0-colours": "heavy: red\nlight: green",
        "aggregationProperties-0-name": "services",
        "aggregationProperties-0-title": "Services",
        "aggregationProperties-0-target": "service",
        "aggregationProperties-0-measure": "entities:count",
        "aggregationProperties-0-path": "holds",
        "aggregationProperties-0-query": '{"combinator": "and", "rules": []}',
    }
    assert browser.post(address(box), sent).status_code == 302
    made = queries.blueprint("box")
    assert made.mirror_properties == {"team": {"title": "Their team", "path": "holds.$team"}}
    assert made.calculation_properties["state"] == {
        "type": "string",
        "calculation": "if .properties.weight > 3 then 'heavy' else 'light' end",
        "colorized": True,
        "colors": {"heavy": "red", "light": "green"},
    }
    assert made.aggregation_properties["services"] == {
        "title": "Services",
        "target": "service",
        "calculationSpec": {"calculationBy": "entities", "func": "count"},
        "query": {"combinator": "and", "rules": []},
        "pathFilter": [{"path": ["holds"]}],
    }


def test_the_form_keeps_what_it_does_not_show_unless_the_type_changes(browser, box):
    sent = form(browser, address(box), **{"calculationProperties-1-type": "text", "calculationProperties-0-title": "L"})
    assert browser.post(address(box), sent).status_code == 302
    made = queries.blueprint("box").calculation_properties
    assert made["link"] == COMPUTED["calculationProperties"]["link"] | {"title": "L"}
    assert made["names"] == {"type": "string", "calculation": "[.title]"}


def test_a_row_that_is_removed_goes(browser, box):
    sent = form(browser, address(box)) | {
        f"{each}-0-DELETE": "on" for each in ("mirrorProperties", "aggregationProperties")
    }
    assert browser.post(address(box), sent).status_code == 302
    made = queries.blueprint("box")
    assert made.mirror_properties == {} and list(made.aggregation_properties) == ["weights"]


def test_paths_are_offered_the_near_ones_first(browser, box):
    html = browser.get(address(box)).content.decode()
    assert '<option value="holds.$title">' in html and '<option value="holds.tier">' in html


@pytest.mark.parametrize(
    ("wrong", "group", "field", "says"),
    [
        ({"mirrorProperties-0-path": "gone.tier"}, "mirrors", "path", "“gone” is not a relation of box."),
        ({"mirrorProperties-0-path": "tier"}, "mirrors", "path", "does not match"),
        (
            {"mirrorProperties-1-name": "size", "mirrorProperties-1-path": "holds.tier"},
            "mirrors",
            "name",
            "is taken by",
        ),
        ({"calculationProperties-0-calculation": ""}, "calculations", "calculation", "This field is required."),
        ({"calculationProperties-2-colours": "ok: mauve"}, "calculations", "colours", "mauve"),
        ({"aggregationProperties-0-measure": "property:sum"}, "aggregations", "property", "needs it."),
        ({"aggregationProperties-0-query": "{"}, "aggregations", "query", "This is not JSON"),
        ({"aggregationProperties-0-query": "[" * 5000}, "aggregations", "query", "This is not JSON"),
        ({"aggregationProperties-0-query": '{"combinator": "nor"}'}, "aggregations", "query", "Must be"),
        (
            {"aggregationProperties-1-path": "holds.gone"},
            "aggregations",
            "path",
            "“gone” is not a relation of service.",
        ),
        ({"aggregationProperties-1-against": "on"}, "aggregations", "path", "is not a relation of service."),
        ({"aggregationProperties-0-time": "$title"}, "aggregations", "time", "is not a date"),
        ({"aggregationProperties-0-target": "nothing"}, "aggregations", "target", "not one of the available choices"),
    ],
)
def test_what_is_refused_stands_at_its_field_and_changes_nothing(browser, box, wrong, group, field, says):
    before = box.facts()
    answer = browser.post(address(box), form(browser, address(box)) | wrong)
    assert answer.status_code == 422
    assert "Nothing is saved yet" in answer.content.decode()
    rows = getattr(answer.context["editor"], group)
    found = [str(error) for row in rows.forms for error in row.errors.get(field, [])]
    assert any(says in each for each in found), (found, [row.errors for row in rows.forms])
    assert queries.blueprint("box").facts() == before and events("blueprint.updated") == []


# Trying a definition.


def tried(answer):
    shown = answer.context["tried"]
    return [str(each) for each in shown["entities"]], {
        row["name"]: [error or unescape(strip_tags(html)) for html, error in row["values"]] for row in shown["rows"]
    }


def test_a_definition_is_tried_on_three_entities_and_nothing_is_saved(browser, box):
    for name in "abcd":
        write("box", name, properties={"size": "big", "weight": len(name)}, relations={"holds": ("checkout",)})
    before, said = box.facts(), events()
    sent = form(browser, address(box)) | {
        "calculationProperties-3-name": "double",
        "calculationProperties-3-type": "number",
        "calculationProperties-3-calculation": ".properties.weight * 2",
        "calculationProperties-1-calculation": ".title - 1",
        "mirrorProperties-0-path": "holds.$identifier",
        "aggregationProperties-0-measure": "entities:count",
        "aggregationProperties-0-target": "service",
        "aggregationProperties-0-query": "",
        "try": "Try",
    }
    answer = browser.post(address(box), sent)
    assert answer.status_code == 200 and "Nothing is saved yet" in answer.content.decode()
    entities, values = tried(answer)
    assert entities == ["d", "c", "b"]
    assert values["double"] == ["2", "2", "2"] and "checkout" in values["tier"][0]
    assert "cannot be subtracted" in values["names"][0] or "cannot be subtracted" in values["link"][0]
    assert values["deployments"] == ["1", "1", "1"]
    assert queries.blueprint("box").facts() == before and events() == said


def test_a_definition_that_would_be_refused_is_refused_when_it_is_tried(browser, box):
    answer = browser.post(
        address(box), form(browser, address(box)) | {"mirrorProperties-0-path": "gone.x", "try": "Try"}
    )
    assert answer.status_code == 422 and answer.context["tried"] is None
    assert "“gone” is not a relation of box." in answer.content.decode()


def test_json_is_tried_too(browser, box):
    write("box", "a", properties={"size": "big"})
    where = f"{address(box)}?mode=json"
    sent = {
        "definition": json.dumps(
            COMPUTED | {"calculationProperties": {"x": {"type": "string", "calculation": "'<b>'"}}}
        )
    }
    answer = browser.post(where, sent | {"try": "Try"})
    assert tried(answer)[1]["x"] == ["<b>"] and "<b>" not in answer.content.decode()
    assert "x" not in queries.blueprint("box").calculation_properties


def test_the_editor_says_of_which_entities_a_formula_fails_and_why(browser, box):
    write("box", "a", title="Heavy one", properties={"size": "big", "weight": 3})
    blueprint_update(
        box,
        {"calculationProperties": {"sum": {"type": "number", "calculation": ".properties.weight + 'x'"}}},
        partial=True,
        by=SETUP,
    )
    html = browser.get(address(box)).content.decode()
    assert "has no value for one entity, such as" in html and "Heavy one" in html and "cannot be added" in html


def test_who_may_not_write_the_blueprint_may_not_try_it(client, charlie, box):
    client.force_login(charlie)
    assert client.post(address(box), {"try": "Try"}).status_code in (302, 403)
