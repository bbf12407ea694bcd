"""What depends on the clock is computed for whoever reads it, never stored, and nothing is found by it."""

import re

import pytest

from catalog import queries
from catalog.models import Entity
from catalog.queries import place
from locks import scopes
from locks.commands import lock_take
from portal.kit.errors import Invalid
from tests.catalog.test_computed import blueprint, calculation, mirror, read, stored, swept, to, update
from tests.conftest import SETUP, write
from tests.deployments.test_reports import report

AGE = "(now - (.createdAt | sub('[.][0-9]+'; '') | fromdate)) / 86400 | floor"


@pytest.fixture
def letter(db):
    blueprint("letter", calculationProperties={"age": calculation(AGE, "number"), "name": calculation(".identifier")})
    write("letter", "l")
    Entity.objects.filter(identifier="l").update(created_at="2020-01-01T00:00:00Z")


def test_it_is_read_and_not_stored(letter):
    assert read("letter", "l")["age"] > 2000 and stored("letter", "l") == {"name": "l"}
    swept()
    assert stored("letter", "l") == {"name": "l"}


def test_what_follows_from_it_is_not_stored_either(letter):
    blueprint("bag", relations={"one": to("letter")}, mirrorProperties={"age": mirror("one.age")})
    write("bag", "b", relations={"one": ("l",)})
    swept()
    assert read("bag", "b")["age"] > 2000 and stored("bag", "b") == {}


def test_a_search_by_it_is_refused_with_the_reason(letter, terraform):
    rule = {"combinator": "and", "rules": [{"property": "age", "operator": ">", "value": 1}]}
    answer = terraform.post("blueprints/letter/entities/search", {"query": rule})
    assert answer.status == 422 and "depends on the clock" in answer.json["message"]


def test_its_table_shows_it_and_does_not_offer_to_find_by_it(letter, client, alice):
    client.force_login(alice)
    assert client.get("/catalog/letter/entities?sort=age&group=age").status_code == 200
    shown = client.get("/catalog/letter/entities").content.decode()
    assert re.search(r"<th[^>]*>\s*age", shown) and "sort=name" in shown and "sort=age" not in shown
    assert not re.search(r'<option value="age"', shown)


def test_an_aggregation_may_not_count_by_it(letter):
    total = {"calculationBy": "property", "func": "sum", "property": "age"}
    sums = {"ages": {"title": "Ages", "target": "letter", "calculationSpec": total}}
    with pytest.raises(Invalid) as refused:
        blueprint("bag", relations={"all": to("letter", many=True)}, aggregationProperties=sums)
    assert "depends on the clock" in str(refused.value.details)
    assert "bag" not in queries.blueprints_known()


def test_a_word_in_a_text_is_no_clock(letter):
    update("letter", calculationProperties={"said": calculation("'now: \\(.identifier)' # now")})
    assert queries.blueprint("letter").derived["live"] == []


def test_a_mirror_of_a_lock_is_as_true_as_the_lock(shop):
    report("1.0")
    update(
        "deploymentConfig",
        calculationProperties={"sign": calculation("if .properties.locked then 'closed' else 'open' end")},
    )
    blueprint(
        "screen",
        relations={"place": to("deploymentConfig")},
        mirrorProperties={"locked": mirror("place.locked"), "sign": mirror("place.sign")},
    )
    write("screen", "s", relations={"place": ("checkout-production",)})
    swept()
    assert read("screen", "s") == {"locked": False, "sign": "open"}
    lock_take(scopes.pair(place("checkout", "production")), reason="why", by=SETUP)
    assert read("screen", "s") == {"locked": True, "sign": "closed"}
    assert stored("screen", "s") == {}
