"""A service that some may not see is named to them by no list of the gate, at the API or in the pages."""

import pytest

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks import scopes
from locks.commands import claim_begin, code_use, codes_issue, gate_ask, lock_take, override_ask, ticket_join
from locks.runs import Run
from portal.accounts.commands import credential_create
from portal.kit.clock import database_now
from tests.conftest import SETUP, V1
from tests.locks.test_pages_waiting import at

LISTS = ["claims", "tickets", "overrides", "break-glass/uses"]
PAGES = ["/locks/waiting", "/locks/overrides", "/locks/codes", "/locks/?state=blocked"]


@pytest.fixture
def everywhere(shop, page, alice):
    """At checkout, Bob's, and at search: a deployment, somebody in line, an override, a used code, and a refusal."""
    for place in (shop.checkout_production, shop.search_production):
        claim_begin(place, Run(f"gh:{place.service}:1"), by=SETUP)
        ticket_join(place, Run(f"gh:{place.service}:2"), by=SETUP)
        lock = lock_take(scopes.pair(place), reason="debugging", by=page(alice))
        override_ask(place, [lock.public_id], commit="4f2a9c1", reason="payments are down", by=page(alice))
        [(_, text)] = codes_issue(catalog.environment_named("production"), by=SETUP)
        run = Run(f"gh:{place.service}:3")
        code_use(text, place, run, reason="payments are down", used_at=database_now(), by=SETUP)
    wide = lock_take(scopes.named("everything"), reason="the shop sleeps", by=page(alice))
    for place in (shop.checkout_production, shop.search_production):
        gate_ask(place, run=Run(f"gh:{place.service}:4"), by=SETUP)
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    return wide


def told(client, path):
    answer = client.get(path)
    assert answer.status_code == 200, path
    return answer.content.decode()


@pytest.mark.parametrize("path", LISTS)
def test_programs_of_a_person_are_told_what_the_person_may_see(everywhere, alice, bob, path):
    def services(person):
        _, token = credential_create(
            f"{person}'s", kind="ci", scopes=["gate", "catalog:read", "admin"], user=person, by=SETUP
        )
        [rows] = [value for value in V1(token).get(path).json.values() if isinstance(value, list)]
        return {each["service"] for each in rows}

    assert services(bob) == {"checkout"}
    assert services(alice) == {"checkout", "search"}


@pytest.mark.parametrize("path", PAGES)
def test_pages_name_what_the_person_may_see(everywhere, alice, bob, path):
    assert "search in production" in told(at(alice), path) or "gh:search" in told(at(alice), path)
    shown = told(at(bob), path)
    assert "checkout" in shown and "gh:search" not in shown and "search in production" not in shown


@pytest.mark.parametrize("path", ["/locks/{}", "/deployments/blocked/{}"])
def test_the_page_of_a_lock_names_the_runs_that_the_person_may_see(everywhere, alice, bob, path):
    path = path.format(everywhere.public_id)
    assert "search" in told(at(alice), path).partition('id="main"')[2]
    shown = told(at(bob), path).partition('id="main"')[2]
    assert "checkout" in shown and "deploy of search" not in shown and "gh:search" not in shown
