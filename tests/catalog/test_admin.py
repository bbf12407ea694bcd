"""The blueprint editor of the admin."""

import json
import re
from pathlib import Path

import pytest
from django.test import Client

from catalog import queries
from catalog.commands import blueprint_create, blueprint_update
from catalog.icons import ICONS
from catalog.models import Blueprint
from portal.audit.models import Event
from tests.conftest import SETUP, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {
        "properties": {
            "size": {"type": "string", "title": "Size", "enum": ["small", "big"], "enumColors": {"big": "red"}},
            "weight": {"type": "number", "title": "Weight", "minimum": 0},
        },
        "required": ["size"],
    },
    "relations": {"holds": {"target": "service", "title": "Holds", "many": True, "required": False}},
    "mirrorProperties": {"tier": {"path": "holds.tier"}},
}


@pytest.fixture
def box(shop):
    return blueprint_create(BOX, by=SETUP)


@pytest.fixture
def browser(alice):
    client = Client()
    client.force_login(alice)
    return client


def address(blueprint, page="change/"):
    return f"/admin/catalog/blueprint/{blueprint.pk}/{page}"


def form(client, where, **changes):
    """What a browser would send for the form at the address, with some fields changed; `remove` names rows."""
    context = client.get(where).context
    editor = context["editor"]
    sent = {"seen": context["seen"]}
    for part in [
        editor.form,
        *(
            each
            for rows in (editor.properties, editor.relations, *editor.computed.values())
            for each in [rows.management_form, *rows.forms]
        ),
    ]:
        for field in part:
            value = field.value()
            if value is not None and value is not False and value != "":
                sent[field.html_name] = value
    return sent | changes


def test_the_editor_offers_icons_that_there_are_and_the_plain_types_first(browser, shop):
    html = browser.get("/admin/catalog/blueprint/add/").content.decode()
    assert '<option value="Cluster">' in html
    assert html.index(">Text</option>") < html.index(">Number</option>") < html.index(">Embedded URL</option>")
    drawn = set(re.findall(r'symbol id="([^"]+)"', Path("static/icons.svg").read_text()))
    assert set(ICONS.values()) <= drawn


def test_a_property_added_in_the_admin_shows_on_the_page_and_in_v1(browser, shop, terraform):
    service = queries.blueprint("service")
    row = {"properties-7-name": "cost", "properties-7-title": "Cost a month", "properties-7-type": "number"}
    answer = browser.post(address(service), form(browser, address(service), **row))
    assert answer.status_code == 302
    written = terraform.post(
        "blueprints/service/entities?upsert=true", {"identifier": "checkout", "properties": {"cost": 42}}
    )
    assert written.status in (200, 201)
    html = browser.get("/catalog/service/entities/checkout").content.decode()
    assert "Cost a month" in html and "42" in html
    assert terraform.get("blueprints/service").json["blueprint"]["schema"]["properties"]["cost"]["type"] == "number"
    wrong = terraform.post(
        "blueprints/service/entities?upsert=true", {"identifier": "checkout", "properties": {"cost": "x"}}
    )
    assert wrong.status == 422
    event = Event.objects.get(name="blueprint.updated")
    assert (event.actor_name, event.door) == ("Alice", "admin")


def test_saving_without_a_change_changes_nothing(browser, box):
    before = box.facts()
    assert browser.post(address(box), form(browser, address(box))).status_code == 302
    assert queries.blueprint("box").facts() == before
    assert events("blueprint.updated") == []


def test_the_form_keeps_what_it_does_not_show(browser, box):
    browser.post(address(box), form(browser, address(box), title="Crate"))
    crate = queries.blueprint("box")
    assert crate.title == "Crate" and crate.properties["weight"]["minimum"] == 0
    assert crate.mirror_properties == BOX["mirrorProperties"] and crate.schema["required"] == ["size"]


def test_properties_stand_in_the_order_people_give_them(browser, box):
    browser.post(address(box), form(browser, address(box), **{"properties-0-ORDER": "9"}))
    assert list(queries.blueprint("box").properties) == ["weight", "size"]
    assert events("blueprint.updated") == ["blueprint.updated"]


def test_a_new_blueprint_with_an_enum_and_a_relation(browser, shop):
    add = "/admin/catalog/blueprint/add/"
    sent = form(browser, add, identifier="queue", title="Queue") | {
        "properties-0-name": "state",
        "properties-0-type": "enum",
        "properties-0-enum": "up: green\nhalf: way down: red\nunknown",
        "properties-0-required": "on",
        "relations-0-name": "owner",
        "relations-0-target": "service",
    }
    assert browser.post(add, sent).status_code == 302
    queue = queries.blueprint("queue")
    assert queue.properties["state"]["enum"] == ["up", "half: way down", "unknown"]
    assert queue.properties["state"]["enumColors"] == {"up": "green", "half: way down": "red"}
    assert queue.schema["required"] == ["state"] and queue.relations["owner"]["target"] == "service"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"title": ""}, "This field is required"),
        ({"properties-2-name": "a b"}, "A key holds 1 to 100 of"),
        ({"properties-2-name": "size"}, "Another row has this identifier."),
        ({"properties-2-name": "x", "properties-2-type": "enum"}, "An enum needs its values"),
        ({"relations-0-required": "on"}, "A relation to many cannot be required."),
        ({"relations-1-name": "x"}, "This field is required"),
        ({"seen": "2001-01-01"}, "has changed this blueprint meanwhile"),
    ],
)
def test_what_the_command_refuses_stands_at_its_field_and_changes_nothing(browser, box, wrong, says):
    before = box.facts()
    answer = browser.post(address(box), form(browser, address(box), **wrong))
    assert answer.status_code == 422 and says in answer.content.decode()
    assert queries.blueprint("box").facts() == before and events("blueprint.updated") == []


def test_a_type_that_entities_have_values_of_stays(browser, box):
    write("box", "a", properties={"size": "big", "weight": 3})
    sent = form(browser, address(box), **{"properties-1-type": "text"})
    answer = browser.post(address(box), sent)
    assert answer.status_code == 422 and "1 entity has a value that would not fit, such as 3" in answer.content.decode()
    assert queries.blueprint("box").properties["weight"]["type"] == "number"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"properties-1-DELETE": "on"}, "“Weight” goes, and its value: 2 entities"),
        ({"relations-0-DELETE": "on"}, "the relation “Holds” goes, and what it points at: 1 entity"),
    ],
)
def test_a_change_that_loses_data_says_of_how_many_and_asks(browser, box, change, says):
    box = blueprint_update(box, {"mirrorProperties": {}}, partial=True, by=SETUP)
    write("box", "a", properties={"size": "big", "weight": 3}, relations={"holds": ("checkout",)})
    write("box", "b", properties={"size": "small", "weight": 4})
    before = box.facts()
    sent = form(browser, address(box), **change)
    asked = browser.post(address(box), sent)
    assert asked.status_code == 422 and says in asked.content.decode()
    assert queries.blueprint("box").facts() == before
    assert browser.post(address(box), sent | {"confirm": asked.context["confirm"]}).status_code == 302
    assert queries.blueprint("box").facts() != before


def test_a_change_that_entities_would_not_satisfy_is_refused_at_its_row(browser, box):
    write("box", "a", properties={"size": "big"})
    answer = browser.post(address(box), form(browser, address(box), **{"properties-0-enum": "small"}))
    assert answer.status_code == 422 and "1 entity has a value that would not fit" in answer.content.decode()
    assert queries.blueprint("box").facts() == box.facts()


def test_the_json_mode_edits_everything(browser, box):
    where = f"{address(box)}?mode=json"
    wished = BOX | {"title": "Crate", "mirrorProperties": {}}
    assert "holds.tier" in browser.get(where).content.decode()
    assert browser.post(where, {"definition": json.dumps(wished)}).status_code == 302
    crate = queries.blueprint("box")
    assert crate.title == "Crate" and crate.mirror_properties == {}


def test_a_form_that_was_tampered_with_is_refused(browser, box):
    for sent in ({"title": "x"}, {"title": "x", "properties-TOTAL_FORMS": "x"}):
        assert browser.post(address(box), sent).status_code == 422
    assert queries.blueprint("box").facts() == box.facts()


OTHER = '{"identifier": "other", "title": "x", "schema": {"properties": {}}}'


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"x": NaN}', "[" * 9000, OTHER])
def test_wrong_json_is_refused_in_place(browser, box, text):
    before = box.facts()
    assert browser.post(f"{address(box)}?mode=json", {"definition": text}).status_code == 422
    assert queries.blueprint("box").facts() == before


def test_a_blueprint_is_deleted_only_when_nothing_needs_it(browser, box):
    write("box", "a", properties={"size": "big"})
    answer = browser.post(address(box, "delete/"), {"post": "yes"}, follow=True)
    assert "still has 1 entities" in answer.content.decode() and Blueprint.objects.filter(identifier="box").exists()
    box.entities.all().delete()
    browser.post(address(box, "delete/"), {"post": "yes"})
    assert not Blueprint.objects.filter(identifier="box").exists()
    assert events("blueprint.deleted") == ["blueprint.deleted"]


def test_what_came_with_the_portal_cannot_be_deleted(browser, shop):
    service = queries.blueprint("service")
    assert browser.post(address(service, "delete/"), {"post": "yes"}).status_code == 403
    sent = form(browser, address(service), **{"properties-0-DELETE": "on"})
    assert browser.post(address(service), sent).status_code == 302
    assert "description" in queries.blueprint("service").properties


def test_entities_can_be_looked_up_not_changed(browser, shop):
    checkout = queries.service_named("checkout")
    html = browser.get("/admin/catalog/entity/?q=check").content.decode()
    assert "/catalog/service/entities/checkout" in html
    assert browser.post(f"/admin/catalog/entity/{checkout.pk}/change/", {"title": "x"}).status_code == 403
    assert queries.service_named("checkout").title == "Checkout"


def test_a_strangers_html_stays_text_in_the_editor(browser, shop):
    evil = "<script>alert(1)</script>"
    made = BOX | {"title": evil, "schema": {"properties": {"a": {"type": "string", "title": evil, "enum": [evil]}}}}
    blueprint = blueprint_create(made, by=SETUP)
    for where in (address(blueprint), f"{address(blueprint)}?mode=json", "/admin/catalog/blueprint/"):
        assert evil not in browser.get(where).content.decode()
