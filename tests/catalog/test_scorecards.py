"""A service climbs as far as all rules of a level and of every level below it pass, at the instant of reading."""

import random

import pytest

from catalog.models import Entity
from catalog.scorecards.models import LEVELS, Scorecard
from catalog.scorecards.queries import level_of, results
from tests.conftest import events, write

OWNED = {"property": "$team", "operator": "isNotEmpty"}
READY = {
    "identifier": "ready",
    "title": "Production readiness",
    "filter": {"combinator": "and", "conditions": [{"property": "lifecycle", "operator": "!=", "value": "retired"}]},
    "rules": [
        {
            "identifier": "owned",
            "title": "Has an owner",
            "level": "Bronze",
            "query": {"combinator": "and", "conditions": [OWNED]},
        },
        {
            "identifier": "described",
            "title": "Says what it is",
            "description": "A sentence in the catalog",
            "level": "Silver",
            "query": {
                "combinator": "or",
                "conditions": [
                    {"property": "lifecycle", "operator": "=", "value": "experimental"},
                    {"not": True, "property": "description", "operator": "isEmpty"},
                ],
            },
        },
        {
            "identifier": "unlocked",
            "title": "Uses something",
            "level": "Gold",
            "query": {"combinator": "and", "conditions": [{"relation": "dependsOn", "operator": "isNotEmpty"}]},
        },
    ],
}


@pytest.fixture
def ready(shop, terraform):
    answer = terraform.post("blueprints/service/scorecards", READY)
    assert answer.status == 201, answer.json
    return terraform


def standing(v1, service):
    entity = v1.get(f"blueprints/service/entities/{service}").json["entity"]
    return entity.get("scorecards", {}).get("ready")


def test_a_service_stands_where_its_first_failed_level_is(ready):
    assert standing(ready, "checkout")["level"] == "Bronze"
    assert standing(ready, "search") == {
        "level": "Basic",
        "rules": [
            {"identifier": "owned", "status": "FAILURE", "level": "Bronze"},
            {"identifier": "described", "status": "FAILURE", "level": "Silver"},
            {"identifier": "unlocked", "status": "FAILURE", "level": "Gold"},
        ],
    }


def test_a_change_shows_at_once(ready):
    ready.send("patch", "blueprints/service/entities/checkout", {"properties": {"description": "Takes the money"}})
    assert standing(ready, "checkout")["level"] == "Silver"
    ready.send("patch", "blueprints/service/entities/checkout", {"team": []})
    assert standing(ready, "checkout")["level"] == "Basic"


def test_what_the_filter_leaves_out_is_not_judged(ready):
    ready.send("patch", "blueprints/service/entities/checkout", {"properties": {"lifecycle": "retired"}})
    assert standing(ready, "checkout") is None


def test_lists_tell_it_too(ready):
    found = ready.get("blueprints/service/entities").json["entities"]
    assert {each["identifier"]: each["scorecards"]["ready"]["level"] for each in found} == {
        "checkout": "Bronze",
        "search": "Basic",
    }


def test_nothing_is_said_where_nothing_is_judged(ready):
    """Clients compare what they read with what they wrote."""
    assert "scorecards" not in ready.get("blueprints/environment/entities/staging").json["entity"]
    plain = ready.get("blueprints/service/entities/checkout", exclude_calculated_properties="true").json["entity"]
    assert "scorecards" not in plain
    chosen = ready.get("blueprints/service/entities/checkout", include="title").json["entity"]
    assert chosen.keys() <= {"title", "identifier", "blueprint"}


def test_what_was_written_is_what_is_read(ready):
    shown = ready.get("blueprints/service/scorecards/ready").json["scorecard"]
    assert {name: shown[name] for name in READY} == READY
    assert "levels" not in shown
    again = ready.send("put", "blueprints/service/scorecards/ready", shown)
    assert again.status == 200
    assert events("scorecard") == ["scorecard.created"]


def test_levels_of_its_own(ready):
    levels = [{"title": "F", "color": "red"}, {"title": "C", "color": "yellow"}, {"title": "A", "color": "green"}]
    rule = READY["rules"][0] | {"level": "A"}
    ready.send("patch", "blueprints/service/scorecards/ready", {"levels": levels, "rules": [rule], "filter": None})
    assert standing(ready, "checkout")["level"] == "A"
    assert standing(ready, "search")["level"] == "C"  # no rule holds it back from C


def test_a_list_takes_the_place_of_all(ready):
    other = {"identifier": "fast", "title": "Fast", "rules": []}
    answer = ready.send("put", "blueprints/service/scorecards", [other])
    assert [each["identifier"] for each in answer.json["scorecards"]] == ["fast"]
    assert [each["identifier"] for each in ready.get("scorecards").json["scorecards"]] == ["fast"]
    assert events("scorecard") == ["scorecard.created", "scorecard.created", "scorecard.deleted"]


def test_one_fault_in_a_list_leaves_everything(ready):
    answer = ready.send(
        "put", "blueprints/service/scorecards", [{"identifier": "a", "title": "A", "rules": []}, {"title": "B"}]
    )
    assert answer.status == 422
    assert answer.json["details"]["errors"][0]["path"].startswith("1")
    assert [each["identifier"] for each in ready.get("scorecards").json["scorecards"]] == ["ready"]
    assert events("scorecard") == ["scorecard.created"]


RULE = READY["rules"][0]


@pytest.mark.parametrize(
    ("change", "where"),
    [
        ({"identifier": ".."}, "identifier"),
        ({"title": ""}, "title"),
        ({"levels": []}, "levels"),
        ({"levels": [{"title": "A"}, {"title": "A"}]}, "levels.1.title"),
        ({"levels": [{"title": "A", "color": "mauve"}]}, "levels.0.color"),
        ({"rules": [RULE | {"level": "Basic"}]}, "rules.0.level"),
        ({"rules": [RULE | {"level": "Platinum"}]}, "rules.0.level"),
        ({"rules": [RULE, RULE]}, "rules.1.identifier"),
        ({"rules": [RULE | {"identifier": "a b"}]}, "rules.0.identifier"),
        ({"rules": [RULE | {"query": {"combinator": "and", "conditions": []}}]}, "rules.0.query.conditions"),
        ({"rules": [RULE | {"query": {"combinator": "xor", "conditions": [OWNED]}}]}, "rules.0.query.combinator"),
        (
            {"rules": [RULE | {"query": {"combinator": "and", "conditions": [OWNED | {"operator": "is"}]}}]},
            "rules.0.query.conditions.0.operator",
        ),
        ({"filter": {"combinator": "and", "conditions": [{"operator": "="}]}}, "filter.conditions.0.property"),
    ],
)
def test_what_is_wrong_is_refused_with_its_place(ready, change, where):
    for answer in [
        ready.post("blueprints/service/scorecards", READY | {"identifier": "other"} | change),
        ready.send("put", "blueprints/service/scorecards/ready", READY | change),
    ]:
        assert answer.status == 422, answer.json
        assert answer.json["details"]["errors"][0]["path"] == where
    assert events("scorecard") == ["scorecard.created"]
    assert Scorecard.objects.get().facts() == READY


def test_a_taken_identifier_is_refused(ready):
    assert ready.post("blueprints/service/scorecards", READY).status == 409
    assert ready.get("blueprints/service/scorecards/none").status == 404
    assert ready.get("blueprints/nothing/scorecards").status == 404


def test_a_blueprint_takes_its_scorecards_with_it(terraform):
    terraform.post("blueprints", {"identifier": "box", "title": "Box", "schema": {"properties": {}}})
    terraform.post("blueprints/box/scorecards", {"identifier": "neat", "title": "Neat", "rules": []})
    assert terraform.delete("blueprints/box").status == 200
    assert terraform.get("scorecards").json["scorecards"] == []


def test_a_program_that_may_only_read_changes_no_scorecard(ready, ci):
    assert ci.get("blueprints/service/scorecards").status == 200
    assert ci.post("blueprints/service/scorecards", READY | {"identifier": "b"}).status == 403
    assert ci.send("put", "blueprints/service/scorecards", []).status == 403
    assert ci.delete("blueprints/service/scorecards/ready").status == 403
    assert events("scorecard") == ["scorecard.created"]


def test_levels_agree_with_a_plain_reading(db):
    """Every combination of passed rules, against the rule as the words have it."""
    chance = random.Random(4)
    for _ in range(300):
        levels = LEVELS[: chance.randint(1, 4)]
        rules = [{"level": chance.choice(levels[1:])["title"]} for _ in range(chance.randint(0, 5)) if levels[1:]]
        card = Scorecard(levels=levels, rules=rules)
        passed = [chance.random() < 0.6 for _ in rules]
        names = [each["title"] for each in levels]

        def reaches(level, names=names, rules=rules, passed=passed):
            below = names[: names.index(level) + 1]
            return all(ok for rule, ok in zip(rules, passed, strict=True) if rule["level"] in below)

        assert level_of(card, passed) == max((name for name in names if reaches(name)), key=names.index)


def test_two_hundred_services_cost_two_queries(ready, django_assert_num_queries):
    for n in range(5):
        write("service", f"s{n}", team=("payments",))
    entities = list(Entity.objects.filter(blueprint__identifier="service").select_related("blueprint"))
    with django_assert_num_queries(2):
        assert len(results(entities)) == 7


def search(v1, **rule):
    query = {"combinator": "and", "rules": [rule]}
    answer = v1.post("blueprints/service/entities/search", {"query": query})
    assert answer.status == 200, answer.json
    return sorted(each["identifier"] for each in answer.json["entities"])


def test_a_search_by_level_finds_those_that_stand_there(ready):
    chance = random.Random(11)
    for n in range(30):
        write(
            "service",
            f"s{n}",
            team=("payments",) if chance.random() < 0.7 else (),
            properties={"description": "x"} if chance.random() < 0.5 else {},
            relations={"dependsOn": ("checkout",)} if chance.random() < 0.5 else {},
        )
    stands = {each: standing(ready, each)["level"] for each in ["checkout", "search", *(f"s{n}" for n in range(30))]}
    assert len(set(stands.values())) == 4
    for level in ("Basic", "Bronze", "Silver", "Gold"):
        those = sorted(each for each, reached in stands.items() if reached == level)
        assert search(ready, scorecard="ready", operator="=", value=level) == those
        assert search(ready, scorecard="ready", operator="!=", value=level) == sorted(stands.keys() - set(those))
    high = sorted(each for each, reached in stands.items() if reached in ("Silver", "Gold"))
    assert search(ready, scorecard="ready", operator="in", value=["Silver", "Gold"]) == high


def test_a_search_by_one_rule_and_by_not_being_judged(ready):
    assert search(ready, scorecard="ready", scorecardRule="owned", operator="=", value="SUCCESS") == ["checkout"]
    assert search(ready, scorecard="ready", scorecardRule="owned", operator="=", value="FAILURE") == ["search"]
    ready.send("patch", "blueprints/service/entities/checkout", {"properties": {"lifecycle": "retired"}})
    assert search(ready, scorecard="ready", operator="isEmpty") == ["checkout"]
    assert search(ready, scorecard="ready", operator="isNotEmpty") == ["search"]


@pytest.mark.parametrize(
    ("rule", "status"),
    [
        ({"scorecard": "raedy", "operator": "=", "value": "Gold"}, 404),
        ({"scorecard": "ready", "scorecardRule": "none", "operator": "=", "value": "SUCCESS"}, 404),
        ({"scorecard": "ready", "operator": ">", "value": "Gold"}, 422),
        ({"scorecard": 7, "operator": "=", "value": "Gold"}, 422),
    ],
)
def test_a_search_by_a_scorecard_that_makes_no_sense_is_refused(ready, rule, status):
    query = {"combinator": "and", "rules": [rule]}
    assert ready.post("blueprints/service/entities/search", {"query": query}).status == status


def test_a_scorecard_may_not_ask_for_itself(ready):
    asks = {"combinator": "and", "conditions": [{"scorecard": "ready", "operator": "=", "value": "Gold"}]}
    answer = ready.send("patch", "blueprints/service/scorecards/ready", {"filter": asks})
    assert answer.status == 422
    assert answer.json["details"]["errors"][0]["path"] == "filter"


def test_how_many_stand_where(ready):
    query = {"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": "service"}]}
    answer = ready.post("entities/aggregate", {"func": "countValues", "scorecard": "ready", "query": query})
    assert answer.json["result"] == [{"value": "Basic", "count": 1}, {"value": "Bronze", "count": 1}]


def test_a_rule_may_ask_for_what_is_mirrored_and_is_right_at_once(ready):
    """A change of the neighbour is judged before any worker has come by."""
    blueprint = ready.get("blueprints/service").json["blueprint"]
    blueprint["mirrorProperties"] = {"needs": {"title": "Needs", "path": "dependsOn.description"}}
    assert ready.send("put", "blueprints/service", blueprint).status == 200
    asks = {"combinator": "and", "conditions": [{"property": "needs", "operator": "contains", "value": "found"}]}
    rule = READY["rules"][0] | {"query": asks}
    assert ready.send("patch", "blueprints/service/scorecards/ready", {"rules": [rule]}).status == 200
    ready.send("patch", "blueprints/service/entities/checkout", {"relations": {"dependsOn": ["search"]}})
    assert standing(ready, "checkout")["level"] == "Basic"
    ready.send("patch", "blueprints/service/entities/search", {"properties": {"description": "What is found"}})
    assert standing(ready, "checkout")["level"] == "Gold"


def test_a_scorecard_may_not_ask_who_looks(ready):
    mine = {"property": "onCall", "operator": "=", "value": {"context": "user", "property": "$identifier"}}
    asks = {"combinator": "and", "conditions": [mine]}
    answer = ready.send("patch", "blueprints/service/scorecards/ready", {"filter": asks})
    assert answer.status == 422
    assert answer.json["details"]["errors"][0]["path"] == "filter"
