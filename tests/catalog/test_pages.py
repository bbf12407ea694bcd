"""The catalog in the browser."""

import json
import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import queries
from catalog.commands import blueprint_create
from catalog.models import Entity
from catalog.wishes import Wish
from locks import scopes
from locks.commands import lock_take
from tests.conftest import SETUP, write, write_all

EVIL = '<script>alert(1)</script>"><img src=x>'


@pytest.fixture
def browser(bob):
    client = Client()
    client.force_login(bob)
    return client


def read(client, address, status=200, **asked):
    answer = client.get(address, asked)
    assert answer.status_code == status
    return answer.content.decode()


def test_the_catalog_counts_what_each_blueprint_has(browser, shop):
    html = read(browser, "/catalog/")
    assert "/catalog/service/entities" in html and '<span class="chip chip-count">2</span>' in html


def test_the_list_finds_by_identifier_and_by_title(browser, shop):
    assert "checkout" in read(browser, "/catalog/service/entities")
    assert "entities/search" not in read(browser, "/catalog/service/entities", q="CHECK")
    assert "Nothing matches" in read(browser, "/catalog/service/entities", q="nothing like it")


def link(html, rel):
    return unescape(re.search(rf'rel="{rel}" href="([^"]+)"', html)[1])


def test_the_list_is_read_page_by_page_and_back(browser, shop):
    for number in range(60):
        write("service", f"s{number:02}")
    address = "/catalog/service/entities"
    first = read(browser, address)
    assert "entities/s48" in first and "entities/s49" not in first
    second = read(browser, address + link(first, "next"))
    assert "entities/s49" in second and "entities/s48" not in second
    assert "entities/s48" in read(browser, address + link(second, "prev"))


def test_an_entity_shows_its_properties_by_their_type(browser, shop):
    write("service", "cart", team=("payments",), properties={
        "tier": "mission critical", "repository": "https://git.example/cart", "onCall": "bob@example.org", "extra": {"a": 1},
    })  # fmt: skip
    html = read(browser, "/catalog/service/entities/cart")
    assert '<span class="chip chip-red">' in html and 'href="https://git.example/cart"' in html
    assert "payments" in html and "&quot;a&quot;: 1" in html


def test_live_properties_are_those_of_now(browser, shop, terraform, page, bob):
    assert (
        terraform.post("deployments", {"service": "checkout", "environment": "production", "version": "1"}).status
        == 201
    )
    config = queries.entities(SETUP, queries.blueprint("deploymentConfig")).get()
    address = f"/catalog/deploymentConfig/entities/{config.identifier}"
    assert "why not" not in read(browser, address)
    terraform.post("locks", {"service": "checkout", "environment": "production", "reason": "why not"})
    assert "why not" in read(browser, address)


def test_related_shows_both_ends_of_an_arrow(browser, shop):
    write("service", "cart", relations={"dependsOn": ("checkout",)})
    assert "entities/checkout" in read(browser, "/catalog/service/entities/cart", tab="related")
    overview = read(browser, "/catalog/service/entities/cart")
    assert "<h2>Relations</h2>" in overview and 'href="/catalog/service/entities/checkout"' in overview
    html = read(browser, "/catalog/service/entities/checkout", tab="related")
    assert "entities/cart" in html and "whose “Depends on” is this" in html


def test_related_is_a_table_like_any_other(browser, shop):
    for name, language in (("cart", "Go"), ("mail", "Java")):
        write("service", name, properties={"language": language}, relations={"dependsOn": ("checkout",)})
    address = "/catalog/service/entities/checkout"
    asked = {"tab": "related", "of": "in.service.dependsOn", "sort": "-language"}
    html = read(browser, address, **asked)
    assert html.index("entities/mail") < html.index("entities/cart") and "entities/search" not in html
    assert 'name="tab" value="related"' in html and "tab=related&amp;of=in.service.dependsOn&amp;sort=language" in html
    found = read(browser, address, **asked, property="language", operator="=", value="Go")
    assert "entities/cart" in found and "!cell/service/entities/mail" not in found
    kept = browser.post("/catalog/service/views", {
        "title": "Go", "query": "property=language&operator=%3D&value=Go", "here": f"{address}?tab=related",
    })  # fmt: skip
    assert kept["Location"].startswith(f"{address}?tab=related&property=language")
    away = browser.post("/catalog/service/views", {"title": "Go", "query": "q=go", "here": "//evil.example/?"})
    assert away["Location"].startswith("/catalog/service/entities?q=go")


def test_an_entity_can_be_read_and_copied_as_json(browser, shop):
    html = unescape(read(browser, "/catalog/service/entities/checkout", tab="json"))
    body = json.loads(re.search(r"<pre[^>]*>(.*?)</pre>", html, re.DOTALL)[1])
    assert (body["identifier"], body["blueprint"], body["team"]) == ("checkout", "service", ["payments"])
    assert 'data-action="copy"' in html


def test_the_page_of_an_environment_shows_its_locks(browser, shop, page, alice):
    html = read(browser, "/catalog/environment/entities/staging")
    assert 'hx-get="/locks/environment-panel/staging"' in html
    assert "Nothing is locked here" in read(browser, "/locks/environment-panel/staging")
    lock_take(scopes.pair(shop.checkout_staging), reason="one service", by=page(alice))
    lock_take(scopes.named("tier", tier="staging"), reason="a whole tier", by=page(alice))
    lock_take(scopes.pair(shop.checkout_production), reason="elsewhere", by=page(alice))
    html = read(browser, "/locks/environment-panel/staging")
    assert "one service" in html and "a whole tier" in html and "elsewhere" not in html


@pytest.mark.parametrize(
    "address",
    [
        "/catalog/!new/service",
        "/catalog/!edit/service/entities/checkout",
        "/catalog/!delete/service/entities/checkout",
        "/catalog/!bulk/edit/service",
    ],
)
def test_the_left_bar_shows_whose_page_it_is(browser, shop, address):
    html = read(browser, address)
    assert '<a href="/catalog/service/entities" aria-current="page">' in html


def test_the_service_page_loads_the_panels_of_other_apps(browser, shop):
    html = read(browser, "/catalog/service/entities/checkout")
    assert 'hx-get="/locks/panel/checkout"' in html and 'hx-get="/deployments/panel/checkout"' in html
    html = read(browser, "/catalog/service/entities/checkout", tab="changelog")
    assert 'hx-get="/audit/panel?blueprint=service&amp;entity=checkout"' in html


def test_an_unknown_entity_is_a_404_that_names_the_nearest(browser, shop):
    html = read(browser, "/catalog/service/entities/chekout", 404)
    assert "/catalog/service/entities/checkout" in html and "chekout" in html
    assert "no blueprint called" in read(browser, "/catalog/planet/entities", 404)
    read(browser, "/catalog/planet/entities/mars", 404)
    read(browser, "/catalog/service/entities/a%00b", 400)


def test_an_identifier_may_hold_slashes(browser, shop):
    write("service", "shop/cart/entities/a")
    assert "shop/cart/entities/a" in read(browser, "/catalog/service/entities/shop/cart/entities/a")


def test_a_strangers_html_and_script_links_stay_text(browser, shop):
    write("service", "cart", title=EVIL, team=(EVIL,))
    # Straight into the row: a write refuses such a link, a row may be older than that.
    Entity.objects.filter(identifier="cart").update(properties={
        "description": EVIL, "repository": "javascript:alert(1)", EVIL: EVIL, "list": [EVIL], "object": {EVIL: EVIL},
    })  # fmt: skip
    write("service", "shop", relations={"dependsOn": ("cart",)})
    for address in ("", "/cart", "/cart?tab=related", "/shop?tab=related", f"/{EVIL}", f"?q={EVIL}"):
        html = browser.get(f"/catalog/service/entities{address}").content.decode()
        assert "<script>alert" not in html and "<img src=x" not in html and 'href="javascript:' not in html


def test_values_that_do_not_fit_their_type_are_shown_as_they_are(browser, shop):
    blueprint_create(
        {
            "identifier": "box",
            "title": "Box",
            "schema": {"properties": {"made": {"type": "string", "format": "date-time"}}},
        },
        by=SETUP,
    )
    entity = write("box", "a")
    for value in ("2024-01-01", "2024-01-01T00:00:00Z", "yesterday", 7, {"a": []}, [{}], True, ""):
        entity.properties = {"made": value}
        entity.save()
        read(browser, "/catalog/box/entities/a")
        read(browser, "/catalog/box/entities")


def test_fifty_entities_cost_as_many_queries_as_one(browser, shop):
    def make(first, last):
        numbers = range(first, last)
        services = [
            Wish("service", f"s{number}", "create", relations={"dependsOn": ("checkout",)}) for number in numbers
        ]
        ends = [{"service": (f"s{number}",), "environment": ("production",)} for number in numbers]
        configs = [
            Wish("deploymentConfig", f"c{n}", "create", relations=each) for n, each in zip(numbers, ends, strict=True)
        ]
        write_all([*services, *configs])

    def asked():
        counts = {}
        for address in ("", "service/entities", "service/entities/checkout?tab=related", "deploymentConfig/entities"):
            read(browser, f"/catalog/{address}")
            with CaptureQueriesContext(connection) as queries:
                read(browser, f"/catalog/{address}")
            counts[address] = len(queries)
        return counts

    make(0, 1)
    few = asked()
    make(1, 50)
    assert asked() == few
