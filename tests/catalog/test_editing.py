"""Entities made, changed and deleted in the page."""

import json

import pytest
from django.test import Client

from catalog.commands import blueprint_create
from catalog.models import Entity
from tests.conftest import SETUP, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {
        "properties": {
            "note": {"type": "string"},
            "size": {"type": "number", "title": "Size"},
            "open": {"type": "boolean"},
            "colour": {"type": "string", "enum": ["red", "blue"]},
            "level": {"type": "number", "enum": [1, 2]},
            "tags": {"type": "array", "items": {"type": "string"}},
            "sides": {"type": "array", "items": {"type": "string", "enum": ["left", "right"]}},
            "packed": {"type": "string", "format": "date-time"},
            "story": {"type": "string", "format": "markdown"},
            "extra": {"type": "object"},
            "site": {"type": "string", "format": "url"},
        },
        "required": ["note"],
    },
    "relations": {"in": {"target": "box"}, "near": {"target": "box", "many": True}},
    "ownership": {"type": "Direct"},
}
WHOLE = {
    "note": " two  spaces ",
    "size": 1.50,
    "open": False,
    "colour": "red",
    "level": 2,
    "tags": ["a", "b c"],
    "sides": ["right"],
    "packed": "2026-01-31T12:00:33.5+02:00",
    "story": "# One\n\nTwo",
    "extra": {"b": [1, None], "a": "é"},
    "site": "https://example.org/x",
    "undeclared": [1, "1", True],
}


@pytest.fixture
def boxes(shop, alice, bob):
    blueprint_create(BOX, by=SETUP)
    write("box", "one", title="One", team=("payments",), properties=WHOLE, relations={"near": ("one",)})
    write("box", "two", properties={"note": "n"})


@pytest.fixture
def browser(bob):
    client = Client()
    client.force_login(bob)
    return client


def filled(client, address):
    """The fields of the form at the address, as the browser would send them."""
    form = client.get(address).context["form"]
    return {field.html_name: "" if (value := field.value()) is None else value for field in form}


def edit(client, name="one", **changes):
    address = f"/catalog/!edit/box/entities/{name}"
    return client.post(address, filled(client, address) | changes)


def box(name="one"):
    return Entity.objects.get(blueprint__identifier="box", identifier=name)


def test_saving_without_a_change_writes_nothing(boxes, browser):
    before, seen = box(), events()
    assert edit(browser).status_code == 303
    assert box().properties == WHOLE == before.properties
    assert (box().updated_at, events()) == (before.updated_at, seen)


@pytest.mark.parametrize(
    ("name", "typed", "value"),
    [
        ("note", "other", "other"),
        ("size", "2", 2),
        ("size", "2.50", 2.5),
        ("size", "", None),
        ("open", "true", True),
        ("open", "", None),
        ("colour", "blue", "blue"),
        ("colour", "", None),
        ("level", "1", 1),
        ("tags", "x\r\n\r\n y ", ["x", "y"]),
        ("tags", "", None),
        ("sides", ["left", "right"], ["left", "right"]),
        ("sides", [], None),
        ("packed", "2026-03-01T10:30", "2026-03-01T10:30:00Z"),
        ("story", "a\r\nb", "a\nb"),
        ("extra", '{"z": 1}', {"z": 1}),
        ("extra", "", None),
        ("site", "https://example.org/y", "https://example.org/y"),
    ],
)
def test_one_value_is_changed_and_the_others_stay_to_the_letter(boxes, browser, name, typed, value):
    assert edit(browser, **{f"p-{name}": typed}).status_code == 303
    expected = {key: each for key, each in (WHOLE | {name: value}).items() if each is not None}
    assert box().properties == expected
    assert json.dumps(box().properties, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("p-note", "", "required"),
        ("p-size", "many", "is not a number"),
        ("p-size", "1e999", "is not a number"),
        ("p-size", "true", "is not a number"),
        ("p-packed", "soon", "is not a date and a time"),
        ("p-extra", "{", "is not JSON"),
        ("p-extra", "[1]", "is not of type"),
        ("p-site", "javascript:alert(1)", "is not a"),
        ("r-in", "nobody", "was not found"),
        ("r-in", "one, two", "takes one identifier"),
        ("identifier", "a b", "may not hold"),
        ("identifier", "two", "already exists"),
    ],
)
def test_a_wrong_value_is_told_at_its_field_and_nothing_is_written(boxes, browser, field, typed, sentence):
    before, seen = box(), events()
    answer = edit(browser, **{field: typed})
    assert answer.status_code == 422
    assert sentence.lower() in answer.content.decode().lower(), answer.context["form"].errors
    assert box().properties == before.properties and events() == seen


def test_title_team_relations_and_the_identifier_are_changed(boxes, browser):
    edit(browser, title="First", identifier="first", **{"r-in": "two", "r-near": "two, first"})
    entity = box("first")
    assert (entity.title, entity.team) == ("First", ["payments"])
    arrows = [(arrow.name, arrow.target.identifier) for arrow in entity.arrows.order_by("name", "position")]
    assert arrows == [("in", "two"), ("near", "two"), ("near", "first")]


def test_a_value_that_does_not_fit_its_type_is_edited_as_json(boxes, browser):
    Entity.objects.filter(identifier="one").update(properties=WHOLE | {"size": "big", "tags": [1, 2]})
    form = browser.get("/catalog/!edit/box/entities/one").context["form"]
    assert form["p-size"].value() == '"big"' and form["p-tags"].value() == "[\n  1,\n  2\n]"


def test_somebody_elses_change_is_not_overwritten(boxes, browser):
    address = "/catalog/!edit/box/entities/one"
    fields = filled(browser, address)
    write("box", "one", mode="merge", properties={"size": 9})
    answer = browser.post(address, fields | {"p-note": "mine"})
    assert answer.status_code == 422 and "meanwhile" in answer.content.decode()
    assert (box().properties["note"], box().properties["size"]) == (WHOLE["note"], 9)


def test_a_new_one_is_named_after_its_title(boxes, browser):
    fields = {"title": "Order history!", "team": ["payments"], "p-note": "x", "p-open": "false", "p-level": "1"}
    answer = browser.post("/catalog/!new/box", fields)
    assert answer["Location"] == "/catalog/box/entities/order-history"
    assert box("order-history").properties == {"note": "x", "open": False, "level": 1}
    again = browser.post("/catalog/!new/box", fields)
    assert again.status_code == 422 and "already exists" in again.content.decode()
    gone = browser.post("/catalog/!new/box", fields | {"title": "New", "seen": "2026-01-01T00:00:00+00:00"})
    assert gone.status_code == 422 and "not there any more" in gone.content.decode()
    assert not Entity.objects.filter(identifier="new").exists()


def test_as_json_it_is_what_the_api_would_be_sent(boxes, browser):
    address = "/catalog/!edit/box/entities/one?mode=json"
    form = browser.get(address).context["form"]
    body = json.loads(form["body"].value())
    assert body["properties"] == WHOLE and body["relations"] == {"near": ["one"]}
    body["properties"].pop("undeclared")
    answer = browser.post(address, {"body": json.dumps(body), "seen": form["seen"].value()})
    assert answer.status_code == 303 and "undeclared" not in box().properties
    stale = browser.post(address, {"body": json.dumps(body | {"title": "x"}), "seen": form["seen"].value()})
    assert stale.status_code == 422 and "meanwhile" in stale.content.decode()
    for odd in ("{", "[]", '{"properties": {"size": NaN}}', "[" * 9000):
        assert browser.post(address, {"body": odd}).status_code == 422


def test_a_stranger_finds_no_button_and_is_refused(boxes, charlie):
    client = Client()
    client.force_login(charlie)
    assert "!edit" not in client.get("/catalog/box/entities/one").content.decode()
    assert "!new" not in client.get("/catalog/box/entities").content.decode()
    assert edit(client, title="Mine").status_code == 422
    assert client.post("/catalog/!delete/box/entities/one").status_code == 409
    assert box().title == "One"


def test_a_deletion_says_what_goes_with_it_and_takes_only_that(boxes, browser, alice):
    blueprint_create(
        {
            "identifier": "lid",
            "title": "Lid",
            "schema": {"properties": {}},
            "relations": {"of": {"target": "box", "required": True}},
        },
        by=SETUP,
    )
    write("lid", "l1", team=("payments",), relations={"of": ("one",)})
    write("box", "two", mode="merge", relations={"in": ("one",)})
    address = "/catalog/!delete/box/entities/one"
    html = browser.get(address).content.decode()
    assert "1 entity needs it" in html and "1 other entity points at it" in html
    assert browser.post(address).status_code == 409
    write("lid", "l2", team=("payments",), relations={"of": ("one",)})
    assert browser.post(address, {"all": "1"}).status_code == 409
    assert Entity.objects.filter(blueprint__identifier="lid").count() == 2
    assert browser.post(address, {"all": "2"}).status_code == 303
    assert not Entity.objects.filter(blueprint__identifier="lid").exists()
    assert not Entity.objects.filter(identifier="one").exists()
    assert box("two").arrows.count() == 0


def test_what_is_locked_is_not_deleted(boxes, alice, ci):
    ci.post("locks", {"service": "checkout", "environment": "production", "reason": "a bad release"})
    client = Client()
    client.force_login(alice)
    answer = client.post("/catalog/!delete/service/entities/checkout")
    assert answer.status_code == 409 and "lock" in answer.content.decode()
    assert Entity.objects.filter(identifier="checkout").exists()


def test_live_values_are_not_typed(boxes, alice):
    write("deploymentConfig", "c", relations={"service": ("checkout",), "environment": ("production",)})
    client = Client()
    client.force_login(alice)
    form = client.get("/catalog/!edit/deploymentConfig/entities/c").context["form"]
    assert "p-locked" not in form.fields and "Locked" in form.kept
