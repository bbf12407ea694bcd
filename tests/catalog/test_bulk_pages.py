"""Many entities changed, deleted and put back in the pages, and one value in its cell."""

import json
import re
from html import unescape

import pytest
from django.test import Client

from catalog.commands.bulk import MOST
from catalog.models import Entity
from portal.audit.models import Event
from tests.conftest import events, write

EDIT, DELETE = "/catalog/!bulk/edit/service", "/catalog/!bulk/delete/service"
CART = "/catalog/!cell/service/entities/cart"


@pytest.fixture
def browser(bob):
    client = Client()
    client.force_login(bob)
    return client


@pytest.fixture
def fleet(shop):
    write("service", "cart", title="Cart", team=("payments",), properties={"language": "Go"})
    write("service", "mail", team=("payments",), properties={"language": "Go"}, relations={"dependsOn": ("cart",)})
    write("service", "tax", properties={"language": "Go"})


def languages():
    rows = Entity.objects.filter(blueprint__identifier="service").order_by("identifier")
    return {each.identifier: each.properties["language"] for each in rows if "language" in each.properties}


def carried(html):
    """The hidden fields of the page's form."""
    fields: dict[str, list[str]] = {}
    for tag in re.findall(r'<input type="hidden"[^>]*>', html[html.index('id="bulk"') :]):
        name, value = (re.search(rf'{key}="([^"]*)"', tag) for key in ("name", "value"))
        fields.setdefault(name[1], []).append(unescape(value[1]) if value else "")
    return fields


def test_all_that_match_are_changed_after_a_preview_and_put_back(fleet, browser):
    asked = f"{EDIT}?property=language&operator=%3D&value=Go"
    form = browser.get(asked).content.decode()
    assert "Edit 3 entities of Service" in form
    before = events()
    chosen = carried(form) | {"set": ["p-language"], "p-language": ["Rust"]}
    preview = browser.post(asked, chosen | {"step": "preview"}).content.decode()
    assert "2 entities would be changed, 1 would be refused." in preview and "Bob may not change" in preview
    assert events() == before and set(languages().values()) == {"Go"}
    done = browser.post(asked, carried(preview) | {"step": "apply"}).content.decode()
    assert "2 entities are changed, 1 was refused." in done
    assert languages() == {"cart": "Rust", "mail": "Rust", "tax": "Go"}
    undo = re.search(r'formaction="([^"]+undo[^"]+)"', done)[1]
    assert "2 entities would be put back." in browser.get(undo).content.decode()
    assert "2 entities are put back." in browser.post(undo).content.decode()
    assert set(languages().values()) == {"Go"}


def test_what_is_ticked_and_empty_is_cleared_and_the_rest_stays(fleet, browser):
    chosen = {"entity": ["cart"], "set": ["p-language"], "p-language": [""], "p-tier": ["internal"]}
    browser.post(EDIT, chosen | {"step": "apply"})
    assert Entity.objects.get(identifier="cart").properties == {}


def test_nothing_ticked_or_a_wrong_value_is_told_on_the_form(fleet, browser):
    answer = browser.post(EDIT, {"entity": "cart", "step": "preview"})
    assert answer.status_code == 422 and "Tick what is to be set" in answer.content.decode()
    answer = browser.post(EDIT, {"entity": "cart", "step": "apply", "set": "r-dependsOn", "r-dependsOn": "nobody"})
    assert "was not found" in answer.content.decode() and languages()["cart"] == "Go"


def test_who_is_behind_the_preview_is_refused(fleet, browser):
    preview = browser.post(EDIT, {"entity": "cart", "step": "preview", "set": "p-language", "p-language": "C"})
    form = carried(browser.post(EDIT, {"entity": "cart"}).content.decode())
    assert preview.status_code == 200 and form["entity"] == ["cart"]
    seen = {"entity": "cart", "seen": Entity.objects.get(identifier="cart").updated_at.isoformat()}
    write("service", "cart", mode="merge", properties={"language": "Zig"})
    told = browser.post(EDIT, seen | {"step": "apply", "set": "p-language", "p-language": "C"}).content.decode()
    assert "meanwhile" in told and "Nothing was changed" in told and languages()["cart"] == "Zig"


def test_more_than_can_be_changed_at_once_are_cut_and_counted(fleet, browser):
    names = [f"s{number}" for number in range(MOST + 20)]
    html = browser.post(EDIT, {"entity": names}).content.decode()
    assert f"{MOST + 20} were chosen; {MOST} can be changed at once" in html
    assert len(carried(html)["entity"]) == MOST


def test_a_deletion_of_many_is_previewed_too(fleet, browser):
    preview = browser.post(DELETE, {"entity": ["cart", "tax"]}).content.decode()
    assert "1 entity would be deleted, 1 would be refused." in preview and "cart" in languages()
    done = browser.post(DELETE, carried(preview) | {"step": "apply"}).content.decode()
    assert "1 entity is deleted" in done and "cart" not in languages() and "tax" in languages()


def test_a_filter_that_cannot_be_read_changes_nobody(fleet, browser):
    assert browser.get(f"{DELETE}?property=nothing&operator=%3D&value=1").status_code == 422
    assert len(languages()) == 3


def test_after_an_edit_one_press_undoes_it(fleet, browser):
    address = "/catalog/!edit/service/entities/cart"
    form = browser.get(address).context["form"]
    said = {field.html_name: field.value() or "" for field in form} | {"title": "Basket"}
    browser.post(address, said)
    html = browser.get("/catalog/service/entities/cart").content.decode()
    undo = re.search(r'action="(/catalog/!undo/[^"]+)"', html)[1]
    assert "Basket is saved." in html
    assert browser.post(undo)["Location"] == "/catalog/service/entities/cart"
    assert Entity.objects.get(identifier="cart").title == "Cart"
    assert "Redo" in browser.get("/catalog/").content.decode()


def cell(client, name, **said):
    address = f"{CART}?cell={name}"
    if not said:
        return client.get(address)
    was = client.get(address).context["form"]["was"].value()
    return client.post(address, {"was": was} | said)


@pytest.mark.parametrize(
    ("name", "typed", "shown"),
    [
        ("language", {"p-language": "Rust"}, "Rust"),
        ("tier", {"p-tier": "internal"}, "internal"),
        ("$title", {"title": "Basket"}, "Basket"),
        ("$team", {"team": []}, "Cart"),
        ("relations.dependsOn", {"r-dependsOn": "tax, mail"}, "entities/tax"),
    ],
)
def test_a_value_is_changed_in_its_cell_and_the_row_comes_back(fleet, browser, alice, name, typed, shown):
    browser.force_login(alice)
    answer = cell(browser, name, **typed)
    assert answer.status_code == 200 and shown in answer.content.decode()
    assert events()[-1] == "entity.updated"
    told = json.loads(answer["HX-Trigger"])["announce"]
    browser.post(told["undo"])
    cart = Entity.objects.get(identifier="cart")
    assert (cart.title, cart.team, cart.properties) == ("Cart", ["payments"], {"language": "Go"})


def test_somebody_elses_change_of_the_value_is_not_overwritten_but_one_beside_it_is_no_matter(fleet, browser):
    was = cell(browser, "language").context["form"]["was"].value()
    write("service", "cart", mode="merge", properties={"tier": "internal"})
    assert browser.post(f"{CART}?cell=language", {"was": was, "p-language": "C"}).status_code == 200
    answer = browser.post(f"{CART}?cell=language", {"was": was, "p-language": "D"})
    assert answer.status_code == 422 and "meanwhile" in answer.content.decode()
    assert Entity.objects.get(identifier="cart").properties == {"language": "C", "tier": "internal"}


def test_a_wrong_value_is_told_in_its_place(fleet, browser):
    seen = events()
    answer = cell(browser, "repository", **{"p-repository": "javascript:alert(1)"})
    assert answer.status_code == 422 and "aria-invalid" in answer.content.decode() and events() == seen


@pytest.mark.parametrize("name", ["$updatedAt", "nothing", "relations.nothing"])
def test_what_is_not_typed_says_why(fleet, browser, name):
    answer = cell(browser, name)
    assert answer.status_code == 409 and "The portal keeps this value" in answer.content.decode()


def test_what_is_live_or_somebody_elses_says_why(fleet, browser, charlie):
    write("deploymentConfig", "c", relations={"service": ("cart",), "environment": ("production",)})
    answer = browser.get("/catalog/!cell/deploymentConfig/entities/c?cell=locked")
    assert answer.status_code == 409 and "such as a lock" in answer.content.decode()
    stranger = Client()
    stranger.force_login(charlie)
    answer = stranger.get(f"{CART}?cell=language")
    assert answer.status_code == 409 and "payments" in answer.content.decode()
    assert stranger.post(f"{CART}?cell=language", {"p-language": "C"}).status_code == 409
    assert languages()["cart"] == "Go" and not Event.objects.filter(actor_name="Charlie").exists()
