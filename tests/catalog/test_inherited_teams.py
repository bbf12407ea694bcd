"""A blueprint that inherits its ownership shows, and is found by, the teams of what its entities belong to."""

import pytest

from catalog import queries
from tests.catalog.test_computed import blueprint, calculation, found, mirror, read, stored, swept, to, update
from tests.conftest import SETUP, write
from tests.deployments.test_reports import report


@pytest.fixture
def live(shop):
    report("1.0")
    return "blueprints/deploymentConfig/entities/checkout-production"


def test_v1_shows_the_teams_at_the_end_of_the_path(live, terraform):
    assert terraform.get(live).json["entity"]["team"] == ["payments"]
    raw = terraform.get(live, exclude_calculated_properties="true").json["entity"]
    assert raw["team"] == []  # what clients wrote


def test_a_search_finds_by_them(live, shop):
    report("1.0", service="search")
    assert found("deploymentConfig", "$team", "payments") == ["checkout-production"]
    assert found("deploymentConfig", "$team", None) == ["search-production"]


def test_a_table_shows_them(live, client, alice):
    client.force_login(alice)
    shown = client.get("/catalog/deploymentConfig/entities?column=$team&export=csv")
    assert "payments" in b"".join(shown.streaming_content).decode()


def test_mirrors_and_calculations_follow_them(live):
    blueprint("screen", relations={"of": to("deploymentConfig")}, mirrorProperties={"who": mirror("of.$team")})
    update("deploymentConfig", calculationProperties={"who": calculation(".team[0]")})
    write("screen", "s", relations={"of": ("checkout-production",)})
    swept()
    assert stored("screen", "s") == {"who": ["payments"]}
    write("service", "checkout", mode="merge", team=("tax",))
    assert read("screen", "s") == {"who": ["tax"]} and read("deploymentConfig", "checkout-production") == {"who": "tax"}
    swept()
    assert stored("screen", "s") == {"who": ["tax"]} and stored("deploymentConfig", "checkout-production") == {
        "who": "tax"
    }


def test_own_teams_come_first(live):
    write("deploymentConfig", "checkout-production", mode="merge", team=("ops",))
    entity = queries.entity(SETUP, "deploymentConfig", "checkout-production")
    assert queries.teams_of([entity]) == {entity.pk: ["ops"]}
