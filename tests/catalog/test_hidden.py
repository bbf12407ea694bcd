"""What is kept from somebody is told by no page and no route, and keeping it costs little."""

import json

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries
from catalog.commands import blueprint_create
from catalog.models import Entity
from portal.accounts.commands import credential_create
from tests.catalog.vaults import ALL, CLOSED, ONLY_ADMINS, QUERY, VAULT, allow, browser_of, token_of
from tests.conftest import SETUP, V1, events, write

SECRETS = ("The Pearl", "The Ruby", "swordfish", "herring")
SEARCH = {"combinator": "and", "rules": [{"property": "note", "operator": "isNotEmpty"}]}
TITLED = {
    "combinator": "and",
    "rules": [{"relation": "keeps", "operator": "beginsWith", "value": "The", "targetProperty": "$title"}],
}

# every way in which /v1 tells of entities
ASKED = {
    "list": lambda p: p.get("blueprints/vault/entities"),
    "one": lambda p: p.get("blueprints/vault/entities/pearl"),
    "misspelt": lambda p: p.get("blueprints/vault/entities/pearI"),
    "count": lambda p: p.get("blueprints/vault/entities-count"),
    "search": lambda p: p.post("entities/search", SEARCH),
    "search of the blueprint": lambda p: p.post("blueprints/vault/entities/search", {"query": SEARCH}),
    "words": lambda p: p.post("blueprints/vault/entities/search", {"search": "swordfish"}),
    "count of a search": lambda p: p.post("blueprints/vault/entities/search/count", {"query": ALL}),
    "datasource": lambda p: p.post("blueprints/entities/datasource-entities", {"datasource_prefix": "k8s"}),
    "what points at it, by its title": lambda p: p.post("blueprints/keeper/entities/search", {"query": TITLED}),
    "what points at it, with titles": lambda p: p.post("entities/search?attach_title_to_relation=true", ALL),
    "a write of it": lambda p: p.send("patch", "blueprints/vault/entities/pearl", {"title": "x"}),
    "a deletion": lambda p: p.delete("blueprints/vault/entities/pearl"),
    "a deletion of several": lambda p: p.post("blueprints/vault/bulk/entities/delete", {"entities": ["pearl"]}),
    "a misspelt write": lambda p: p.send("patch", "blueprints/vault/entities/pearI", {"title": "x"}),
    "a relation to what is not there": lambda p: p.post("blueprints/keeper/entities", {"identifier": "k", "relations": {"keeps": "pearI"}}),
}  # fmt: skip


@pytest.fixture
def keeper(vault):
    """Something that everybody sees and that points at what not everybody may."""
    relations = {"keeps": {"target": "vault", "required": False, "many": False}}
    blueprint_create(
        {"identifier": "keeper", "title": "Keeper", "schema": {"properties": {}}, "relations": relations}, by=SETUP
    )
    write("keeper", "hook", relations={"keeps": ("pearl",)})
    Entity.objects.filter(blueprint=vault).update(datasource="k8s")
    return queries.blueprint("keeper")


@pytest.mark.parametrize("asked", ASKED)
def test_nothing_of_what_is_kept_from_somebody_is_told_over_v1(keeper, charlie, asked):
    allow(ONLY_ADMINS)
    allow({"register": {"roles": ["Member"]}}, "keeper")
    for program in (
        token_of(charlie),
        V1(credential_create("Reader", kind="ci", scopes=["catalog:read"], by=SETUP)[1]),
    ):
        answer = ASKED[asked](program)
        text = json.dumps(answer.json, ensure_ascii=False)
        assert not [each for each in SECRETS if each in text], text
        assert answer.json.get("count", 0) == 0
        assert all(each["blueprint"] != "vault" for each in answer.json.get("entities", []))
        assert '"ruby"' not in text and "nearest" not in text or '"nearest": []' in text
    assert events("entity.") == events("entity.created")


PAGES = [
    "/catalog/",
    "/catalog/vault/entities",
    "/catalog/vault/entities?group=tier",
    "/catalog/vault/entities?part=spreads",
    "/catalog/vault/entities?export=csv",
    "/catalog/vault/entities?export=json",
    "/catalog/vault/entities/pearl",
    "/catalog/vault/entities/pearI",
    "/catalog/!edit/vault/entities/pearl",
    "/catalog/!delete/vault/entities/pearl",
    "/catalog/keeper/entities",
    "/catalog/keeper/entities?export=csv",
    "/catalog/keeper/entities/hook",
    "/catalog/keeper/entities/hook?tab=related",
    "/catalog/!new/keeper",
    "/catalog/service/entities/checkout?tab=related",
    "/audit",
    "/audit?q=pearl",
    "/audit/panel?blueprint=vault&entity=pearl",
    "/",
]


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_what_is_kept_from_somebody_is_on_a_page(keeper, alice, charlie, page):
    allow(ONLY_ADMINS)
    answer = browser_of(charlie).get(page)
    html = b"".join(answer.streaming_content).decode() if answer.streaming else answer.content.decode()
    assert not [each for each in SECRETS if each in html]
    assert "/catalog/vault/entities/ruby" not in html


def test_a_service_that_is_kept_from_somebody_is_in_no_matrix_and_no_lock(shop, bob, charlie):
    from deployments.commands import deployment_report
    from locks import scopes
    from locks.commands import lock_take

    for service in ("checkout", "search"):
        deployment_report({"service": service, "environment": "production", "version": "9.9.9-" + service}, by=SETUP)
    lock_take(scopes.pair(shop.search_production), reason="why", by=SETUP)
    allow({"read": {"ownedByTeam": True}}, "service")
    pages = ["/deployments/", "/deployments/configs", "/locks/", "/", "/audit", "/catalog/service/entities/checkout"]
    for user, seen in ((bob, True), (charlie, False)):
        browser, program = browser_of(user), token_of(user, "catalog:read", "gate")
        html = "".join(browser.get(page).content.decode() for page in pages)
        assert "9.9.9-search" not in html and "/service/entities/search" not in html
        assert ("9.9.9-checkout" in html) == seen
        configs = program.get("deployments/current").json["deployment_configs"]
        assert [each["service"] for each in configs] == (["checkout"] if seen else [])
        assert program.get("deployments/current", service="search").status == 404
        assert program.get("locks").json["locks"] == []


# What it costs.

LISTS = ["blueprints/vault/entities", "blueprints/service/entities", "deployments/current"]


@pytest.mark.parametrize("path", LISTS)
def test_where_nothing_is_restricted_nothing_more_is_asked(vault, charlie, terraform, path):
    member = token_of(charlie, "catalog:read")

    def asked(program):
        program.get(path)
        with CaptureQueriesContext(connection) as queries_:
            assert program.get(path).status == 200
        return len(queries_)

    # Who somebody is and what teams he is in takes one; an administrator's program has none.
    assert asked(member) == asked(terraform) + 1


def test_it_is_as_many_for_fifty_rows_as_for_one(vault, charlie):
    allow(CLOSED | {"read": {"policy": QUERY}})
    member = token_of(charlie, "catalog:read")

    def asked():
        with CaptureQueriesContext(connection) as queries_:
            assert member.get("blueprints/vault/entities").status == 200
            assert member.post("entities/search?attach_title_to_relation=true", ALL).status == 200
        return len(queries_)

    asked()
    one = asked()
    for number in range(30):
        write("vault", f"v{number}", properties={"keeper": "charlie@example.org"}, relations={"guards": ("checkout",)})
    assert asked() == one


def test_the_page_that_deletes_does_not_name_what_needs_it_and_is_kept_from_him(vault, charlie):
    relations = {"guards": {"target": "service", "many": False, "required": True}}
    definition = VAULT | {"identifier": "safe", "title": "Safe", "relations": relations}
    blueprint_create(definition, by=SETUP)
    write("safe", "opal", title="The Opal", relations={"guards": ("checkout",)})
    allow(ONLY_ADMINS, "safe")
    allow({"unregister": {"roles": ["Member"]}}, "service")
    html = browser_of(charlie).get("/catalog/!delete/service/entities/checkout").content.decode()
    assert "The Opal" not in html and "and 1 more" in html
