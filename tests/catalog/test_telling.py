"""Mo moderates services and boxes, and may not see the vault. What he defines is shown to everybody, so it may not tell of it."""

import json

import pytest

from catalog import queries
from catalog.commands import blueprint_create, permissions_update
from catalog.models import Blueprint
from catalog.scorecards.models import Scorecard
from portal.accounts.commands import user_update
from tests.catalog.vaults import ONLY_ADMINS, VAULT, browser_of, make, token_of
from tests.conftest import SETUP, events, write

BOX = {
    "identifier": "box",
    "title": "Box",
    "schema": {"properties": {}, "required": []},
    "relations": {"near": {"target": "service", "many": True, "required": False}},
}
TO_VAULT = {"relations": {"spy": {"target": "vault", "many": True, "required": False}}}


def count(target, **more):
    spec = {"calculationBy": "entities", "func": "count"}
    return {"n": {"title": "N", "type": "number", "target": target, "calculationSpec": spec, **more}}


def rules(rule, key="rules"):
    return {"combinator": "and", key: [rule]}


def judge(condition):
    rule = {"identifier": "r", "title": "R", "level": "Gold", "query": rules(condition, "conditions")}
    return {"identifier": "spy", "title": "Spy", "rules": [rule]}


@pytest.fixture
def mo(shop):
    blueprint_create(VAULT, by=SETUP)
    write("vault", "pearl", properties={"note": "swordfish"}, relations={"guards": ("checkout",)})
    permissions_update(queries.blueprint("vault"), ONLY_ADMINS, by=SETUP)
    blueprint_create(BOX, by=SETUP)
    return user_update(make("mo"), {"moderates": ["box", "service"]}, by=SETUP)


SWORDFISH = {"property": "note", "operator": "=", "value": "swordfish"}
RELATED = {"operator": "relatedTo", "blueprint": "vault", "value": "pearl"}
NAMED = {"property": "$title", "operator": "isNotEmpty"}
TITLED = {"relation": "spy", "targetProperty": "$title", "operator": "=", "value": "The Pearl"}
# what Mo wishes of a blueprint
TELLING = {
    "a number against the arrows": ("service", {"aggregationProperties": count("vault", query=rules(SWORDFISH))}),
    "a query that asks further": ("box", {"aggregationProperties": count("service", query=rules(RELATED))}),
    "a number along the arrows": ("box", TO_VAULT | {"aggregationProperties": count("vault")}),
    "a mirror": ("box", TO_VAULT | {"mirrorProperties": {"note": {"title": "Note", "path": "spy.note"}}}),
    "titles at the ends of arrows": ("box", TO_VAULT | {"aggregationProperties": count("box", query=rules(TITLED))}),
}  # fmt: skip


@pytest.mark.parametrize("case", TELLING)
def test_nobody_lets_a_property_tell_of_what_he_may_not_see(mo, terraform, case):
    name, wished = TELLING[case]
    before, told = Blueprint.objects.get(identifier=name).facts(), events()
    answer = token_of(mo).send("patch", f"blueprints/{name}", wished)
    assert answer.status == 403 and "tell of Vault" in answer.json["message"], answer.json
    assert Blueprint.objects.get(identifier=name).facts() == before
    assert [each for each in events() if each.startswith("blueprint")] == [
        each for each in told if each.startswith("blueprint")
    ]
    assert terraform.send("patch", f"blueprints/{name}", wished).status == 200
    # What an administrator decided to show is no hindrance to Mo's own work.
    assert token_of(mo).send("patch", f"blueprints/{name}", {"title": "Renamed"}).status == 200


def test_nor_by_turning_a_relation_that_another_property_follows(mo, terraform):
    terraform.send("patch", "blueprints/service", {"relations": {"kept": {"target": "box", "many": False, "required": False}}})  # fmt: skip
    mirror = {"mirrorProperties": {"where": {"title": "Where", "path": "near.kept.$title"}}}
    assert token_of(mo).send("patch", "blueprints/box", mirror).status == 200
    turned = {"relations": {"kept": {"target": "vault", "many": False, "required": False}}}
    assert token_of(mo).send("patch", "blueprints/service", turned).status == 403
    assert queries.blueprint("service").relations["kept"]["target"] == "box"


def test_what_he_may_see_he_may_show(mo):
    wished = {
        "mirrorProperties": {"what": {"title": "What", "path": "near.$title"}},
        "aggregationProperties": count("service", query=rules(NAMED), pathFilter=[{"path": ["near"]}]),
        "calculationProperties": {"c": {"title": "C", "type": "array", "calculation": ".relations.near"}},
    }
    answer = token_of(mo).send("patch", "blueprints/box", wished)
    assert answer.status == 200, answer.json
    # What an entity points at is its own, so a formula and a rule may ask for that.
    formula = {"c": {"title": "C", "type": "array", "calculation": ".relations.spy"}}
    spied = {"relations": BOX["relations"] | TO_VAULT["relations"], "calculationProperties": formula}
    assert token_of(mo).send("patch", "blueprints/box", spied).status == 200
    asked = judge({"relation": "spy", "operator": "=", "value": "pearl"})
    assert token_of(mo).post("blueprints/box/scorecards", asked).status == 201


@pytest.mark.parametrize("part", ["rules", "filter"])
def test_nor_a_level(mo, terraform, part):
    plain = judge({"property": "$title", "operator": "isNotEmpty"})
    wished = judge(RELATED) if part == "rules" else plain | {"filter": rules(RELATED, "conditions")}
    program = token_of(mo)
    assert program.post("blueprints/service/scorecards", wished).status == 403
    assert not Scorecard.objects.exists()
    assert program.post("blueprints/service/scorecards", plain).status == 201
    assert program.send("put", "blueprints/service/scorecards/spy", wished).status == 403
    assert terraform.send("put", "blueprints/service/scorecards/spy", wished).status == 200
    assert program.send("put", "blueprints/service/scorecards/spy", wished | {"title": "Named"}).status == 200


def test_nor_the_preview_of_a_scorecard(mo):
    answer = browser_of(mo).post("/scorecards/preview", {"blueprint": "service", "body": json.dumps(judge(RELATED))})
    assert answer.status_code == 403 and "tell of Vault" in answer.content.decode()
