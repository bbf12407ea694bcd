"""What the search at the top offers."""

import re

from catalog import queries as catalog
from catalog.commands import permissions_update
from portal.actions.commands import action_create
from portal.actions.editor import EXAMPLES
from tests.conftest import SETUP, write

HTMX = {"HX-Request": "true"}


def offered(client, text):
    page = client.get("/search", {"q": text}, headers=HTMX).content.decode()
    return re.findall(r'hit-name">([^<]*)<', page)[:-1]  # the last leads to the matrix


def test_it_offers_entities_by_name_before_those_by_value_then_pages_and_actions(shop, client, bob):
    write("service", "search-index", title="Index of search")
    write("service", "cart", title="Cart", properties={"repository": "https://git.example/search/cart"})
    action_create(EXAMPLES["webhook"][1] | {"title": "Rebuild search"}, by=SETUP)
    client.force_login(bob)
    assert offered(client, "search") == ["Search", "Index of search", "Cart", "Rebuild search"]
    assert offered(client, "dor") == ["DORA"] and offered(client, "deployment con")[:1] == ["Deployment configs"]
    assert offered(client, "nothing so") == [] and client.get("/search").status_code == 200
    page = client.get("/search", {"q": "<xq>&%_"}).content.decode()
    assert "Nothing is called so" in page and "<xq>&" not in page
    for number in range(9):
        write("service", f"many-{number}")
    assert len(offered(client, "many")) == 9 and offered(client, "many")[-1] == "All that is called so"
    assert client.get("/search", {"q": "many"}).content.decode().count("/entities/many-") == 9


def test_it_offers_nobody_what_is_hidden_from_him(shop, client, alice, charlie):
    permissions_update(catalog.blueprint("service"), {"read": {"roles": ["Admin"]}}, by=SETUP)
    client.force_login(charlie)
    assert "Checkout" not in offered(client, "checkout")
    client.force_login(alice)
    assert offered(client, "checkout") == ["Checkout"]
