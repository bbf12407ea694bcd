"""Health where deployments are shown: in the matrix, the table and by `health` on a deploymentConfig."""

import random
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.models import Entity
from deployments import badges, healths
from deployments import queries as deployments
from deployments.commands import deployment_report
from deployments.health.models import Flip, Maintenance, Probe, Prober, Standing
from deployments.health.queries import health_of
from deployments.healths import verified_by
from deployments.models import Deployment, DeploymentConfig
from deployments.queries.timeline import Asked, happenings, stretches
from deployments.running import SETTLES, Verified, is_same, verified
from deployments.views.matrix import LINES
from portal.kit.by import Actor, By
from portal.kit.clock import database_now, iso
from tests.conftest import SETUP, write
from tests.health.conftest import make_probe

VIEWER = By(Actor("user", "user:0", "Alice", is_admin=True), "page")
CONFIG = "blueprints/deploymentConfig/entities/checkout-production"
HTMX = {"HX-Request": "true"}


def report(service="checkout", environment="production", version="2.4.0", minutes=60, **more):
    at = iso(database_now() - timedelta(minutes=minutes))
    body = {
        "service": service,
        "environment": environment,
        "version": version,
        "commit": "4f2a9c1d",
        "status": "success",
    }
    deployment_report(body | {"started_at": at, "finished_at": at} | more, by=SETUP)


def stand(place, state="healthy", *, fresh=60, since=5, **more):
    """`fresh`: seconds until nothing is known any more; `since`: minutes ago."""
    now = database_now()
    Standing.objects.filter(service_id=place.service_id, environment_id=place.environment_id).delete()
    return Standing.objects.create(
        service_id=place.service_id,
        environment_id=place.environment_id,
        state=state,
        since=now - timedelta(minutes=since),
        checked_at=now,
        stale_after=now + timedelta(seconds=fresh),
        version_at=now,
        is_polled=True,
        **more,
    )


@pytest.fixture
def signed_in(client, alice):
    client.force_login(alice)
    return client


def matrix(client, **headers):
    LINES.clear()
    return client.get("/deployments/", headers=headers)


def cell(client):
    page = matrix(client).content.decode()
    return page[page.index('data-label="production"') :].split("</td>")[0]


def test_a_cell_shows_health_and_that_the_reported_version_runs(signed_in, shop):
    report()
    assert "health-dot" not in cell(signed_in)
    stand(shop.checkout_production, run_version="2.4.0")
    shown = cell(signed_in)
    assert "health-healthy" in shown and "Healthy since" in shown and "Verified: 2.4.0 runs, as reported" in shown
    stand(shop.checkout_production, "failing", run_version="2.3.0")
    shown = cell(signed_in)
    assert "health-failing" in shown and ">failing<" in shown and "runs 2.3.0" in shown
    stand(shop.checkout_production, run_version="2.3.0<b>")
    assert "runs 2.3.0&lt;b&gt;" in cell(signed_in)


def test_the_card_of_a_cell_says_it_in_a_word(signed_in, shop):
    report()
    url = "/deployments/card/checkout/in/production"
    assert "Health" not in signed_in.get(url).content.decode()
    stand(shop.checkout_production, run_version="2.4.0")
    shown = signed_in.get(url).content.decode()
    assert "<span>healthy</span>" in shown and "as reported" in shown


def test_what_was_deployed_just_now_has_time_to_come_up(signed_in, shop):
    report(minutes=1)
    stand(shop.checkout_production, run_version="2.3.0")
    assert "Not yet: 2.3.0 still runs" in cell(signed_in)


def test_the_matrix_takes_no_query_more_for_health(signed_in, shop):
    report()
    matrix(signed_in, **HTMX)
    with CaptureQueriesContext(connection) as without:
        matrix(signed_in, **HTMX)
    stand(shop.checkout_production, run_version="2.4.0")
    matrix(signed_in, **HTMX)
    with CaptureQueriesContext(connection) as seen:
        matrix(signed_in, **HTMX)
    assert len(seen) == len(without) <= 12


@pytest.fixture
def config(shop):
    report()
    return Entity.objects.get(identifier="checkout-production")


def properties(program):
    return {name: value for name, value in program.get(CONFIG).json["entity"]["properties"].items() if "ealth" in name}


def test_health_is_read_at_the_instant_and_absent_without_a_probe(config, shop, terraform):
    assert properties(terraform) == {}
    row = stand(shop.checkout_production, "degraded", run_version="v2.4.0")
    assert properties(terraform) == {"health": "degraded", "healthSince": iso(row.since), "healthVerified": "verified"}
    stand(shop.checkout_production, "degraded", fresh=-1)
    assert properties(terraform)["health"] == "unknown"


def test_what_a_client_sends_back_changes_nothing(config, shop, terraform):
    stand(shop.checkout_production)
    read = terraform.get(CONFIG).json["entity"]
    sent = {key: read[key] for key in ("identifier", "title", "properties", "relations")}
    sent["properties"] = sent["properties"] | {"health": "down"}
    assert terraform.send("put", CONFIG, sent).status == 200
    assert properties(terraform)["health"] == "healthy"
    assert not {"health", "healthSince"} & Entity.objects.get(pk=config.pk).properties.keys()


def test_configs_are_found_sorted_and_grouped_by_health(signed_in, shop, terraform):
    report()
    report(environment="staging")
    report("search")
    stand(shop.checkout_production, "down")
    stand(shop.checkout_staging, "healthy")
    rule = {"property": "health", "operator": "=", "value": "down"}
    found = terraform.post("entities/search", {"combinator": "and", "rules": [{"property": "$blueprint", "operator": "=", "value": "deploymentConfig"}, rule]})  # fmt: skip
    assert [each["identifier"] for each in found.json["entities"]] == ["checkout-production"]
    page = signed_in.get("/deployments/configs?sort=-health").content.decode()
    rows = re.findall(r'data-edit="/catalog/!cell/deploymentConfig/entities/([^"]+)"', page)
    assert rows == ["checkout-production", "checkout-staging", "search-production"]
    assert "health-down" in page and "Unhealthy" in page
    quick = signed_in.get(
        "/deployments/configs?property=health&operator=in&value=degraded,failing,down"
    ).content.decode()
    assert "checkout-production" in quick and "checkout-staging" not in quick
    grouped = signed_in.get("/deployments/configs?group=health").content.decode()
    assert "down" in grouped and "healthy" in grouped


def asked_twice(client, url, change):
    """Whether the page is made anew after `change`, by its stamp alone."""
    stamp = client.get(url, headers=HTMX)["X-Stamp"]
    assert client.get(url, headers=HTMX | {"X-Stamp": stamp}).status_code == 204
    change()
    return client.get(url, headers=HTMX | {"X-Stamp": stamp}).status_code == 200


@pytest.mark.parametrize("url", ["/deployments/", "/deployments/configs", "/deployments/panel/checkout"])
def test_an_open_page_follows_what_goes_by_with_every_worker_stopped(signed_in, shop, url):
    report(minutes=11)
    row = stand(shop.checkout_production, run_version="2.3.0")

    def moved(**values):
        return lambda: Standing.objects.filter(pk=row.pk).update(**values)

    assert not asked_twice(signed_in, url, moved(checked_at=database_now()))
    assert asked_twice(signed_in, url, moved(run_version="2.4.0"))
    assert asked_twice(signed_in, url, moved(stale_after=database_now() - timedelta(seconds=1)))
    now = database_now()
    window = {"everything": True, "covers": "all", "reason": "x", "made_by": "x", "holder_key": "x"}
    assert asked_twice(signed_in, url, lambda: Maintenance.objects.create(starts_at=now, ends_at=now + timedelta(hours=1), **window))  # fmt: skip
    old = now - timedelta(minutes=2)
    assert asked_twice(signed_in, url, lambda: Prober.objects.create(name="one", up=False, since=old, seen_at=old))


def test_what_was_not_yet_becomes_a_mismatch_in_an_open_page(signed_in, shop):
    report(minutes=9)
    stand(shop.checkout_production, run_version="2.3.0")

    def settle():
        moment = database_now() - timedelta(minutes=11)
        Deployment.objects.update(finished_at=moment)

    assert asked_twice(signed_in, "/deployments/", settle)
    assert "runs 2.3.0" in cell(signed_in)


def test_the_matrix_keeps_services_that_are_not_well(signed_in, shop):
    report()
    report("search")
    stand(shop.checkout_production, "degraded")
    stand(shop.search_production)
    LINES.clear()
    page = signed_in.get("/deployments/?unhealthy=1").content.decode()
    assert 'id="row-checkout"' in page and 'id="row-search"' not in page


def test_a_badge_says_health_and_never_why(shop, client):
    url = badges.path("checkout", "production", "health")
    assert "not probed" in client.get(url).content.decode()
    stand(shop.checkout_production, "down")
    assert ">down<" in client.get(url).content.decode()
    stand(shop.checkout_production, fresh=-1)
    assert ">unknown<" in client.get(url).content.decode()


def flip(probe, before, after, minutes, **more):
    at = database_now() - timedelta(minutes=minutes)
    return Flip.objects.create(probe=probe, from_state=before, to_state=after, at=at, **more)


def test_flips_stand_in_the_timeline_and_last_until_the_next(shop, page, charlie):
    probe = make_probe(shop.checkout_production)
    flip(probe, "unknown", "healthy", 50)
    flip(probe, "healthy", "down", 40, reason="no answer")
    flip(probe, "down", "healthy", 30)
    now = database_now()
    asked = Asked(now - timedelta(hours=1), now, service=probe.service)
    found = happenings(VIEWER, asked, limit=9)
    assert [(each.kind, each.word) for each in found] == [("healthy", ""), ("unhealthy", "Down"), ("healthy", "")]
    assert found[1].detail == "no answer"
    (stretch,) = stretches(VIEWER, asked)
    assert round((stretch.until - stretch.since).total_seconds() / 60) == 10
    only = replace(asked, kinds=frozenset({"unhealthy"}))
    assert [each.word for each in happenings(VIEWER, only, limit=9)] == ["Down"]
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    assert list(happenings(page(charlie), asked, limit=9)) == list(stretches(page(charlie), asked)) == []


def test_the_sql_and_python_and_the_matrix_say_the_same_of_random_boards(shop):
    chance = random.Random(7)
    for number in range(12):
        write("service", f"s{number}")
    places = []
    for service in ["checkout", "search", *(f"s{number}" for number in range(12))]:
        for environment in ("production", "staging"):
            report(
                service,
                environment,
                chance.choice(["1.0", "v2.0"]),
                minutes=chance.choice([1, 5, 30]),
                commit="abcdef0123",
            )
            places.append(
                DeploymentConfig.objects.get(service__identifier=service, environment__identifier=environment)
            )
    probe = Probe.objects.create(name="p", kind="http", service=places[0].service, environment=places[0].environment, created_by="x")  # fmt: skip
    for _ in range(8):
        now = database_now()
        _board(chance, places, probe, now)
        loaded = healths.load(Entity.objects.filter(deployment_config__in=places))
        told = dict(DeploymentConfig.objects.values_list("entity_id", "entity__identifier"))
        by_python = health_of([(each.service_id, each.environment_id) for each in places], now=now)
        for each in places:
            health = by_python.get((each.service_id, each.environment_id))
            expected = health and [str(health.state), iso(health.since), str(verified_by(health, each.current, now))]
            found = loaded.get(each.entity_id)
            assert (found and [found["health"], found["healthSince"], found["healthVerified"]]) == expected
        found = deployments.matrix(VIEWER)
        spots = {spot.config: spot for _, row in found.rows for spot in row}
        for pk, identifier in told.items():
            expected = loaded.get(pk, {})
            spot = spots[identifier]
            assert (spot.health, spot.verified) == (expected.get("health", ""), expected.get("healthVerified", "")), (
                identifier
            )
            if expected:
                assert iso_of(spot.health_since) == expected["healthSince"]


def iso_of(seconds):
    from datetime import UTC, datetime

    return iso(datetime.fromtimestamp(seconds, UTC))


def _board(chance, places, probe, now):
    for model in (Standing, Maintenance, Prober):
        model.objects.all().delete()
    for each in places:
        if chance.random() < 0.8:
            Standing.objects.create(
                service=each.service,
                environment=each.environment,
                state=chance.choice(["unknown", "healthy", "degraded", "failing", "down", "paused"]),
                since=now - timedelta(minutes=chance.randint(1, 90)),
                stale_after=chance.choice(
                    [None, now - timedelta(minutes=2), now + timedelta(hours=1), now + timedelta(hours=2)]
                ),
                run_version=chance.choice(["", "1.0", "v1.0", "2.0", "abcdef0", "abcdef", "3"]),
                version_at=chance.choice([None, now - timedelta(minutes=3), now]),
                is_polled=chance.random() < 0.7,
            )
    for _ in range(chance.randint(0, 3)):
        which = chance.choice(["everything", "probe", "service", "environment", "pair"])
        place = chance.choice(places)
        start = now - timedelta(minutes=chance.choice([-30, 5, 60]))
        Maintenance.objects.create(
            everything=which == "everything",
            probe=probe if which == "probe" else None,
            service=place.service if which in ("service", "pair") else None,
            environment=place.environment if which in ("environment", "pair") else None,
            covers=which,
            reason="why",
            starts_at=start,
            ends_at=start + timedelta(minutes=chance.choice([20, 90])),
            made_by="x",
            holder_key="x",
        )
    for name in range(chance.randint(0, 2)):
        Prober.objects.create(
            name=str(name),
            up=chance.random() < 0.4,
            since=now - timedelta(minutes=name + 2),
            seen_at=now - timedelta(seconds=chance.choice([1, 300])),
        )


@pytest.mark.parametrize(
    ("version", "commit", "runs", "same"),
    [
        ("2.4.0", "", "2.4.0", True),
        ("v2.4.0", "", "2.4.0", True),
        ("2.4.0", "", "v2.4.0", True),
        ("vault", "", "ault", False),
        ("2.4.0", "4f2a9c1d", "4f2a9c1", True),
        ("", "4f2a9c1d", "4f2a9", False),
        ("", "", "2.4.0", False),
        ("2.4.0", "4f2a9c1d", "2.4.1", False),
    ],
)
def test_a_version_is_known_by_its_name_or_its_commit(version, commit, runs, same):
    assert is_same(version, commit, runs) is same


def test_a_mismatch_is_none_before_it_had_time_to_settle():
    def told(told_at, at):
        return verified("2", "", 100.0, "1", told_at, at)

    assert told(99.0, 5000.0) == told(101.0, 100 + SETTLES - 1) == Verified.NOT_YET
    assert told(101.0, 100 + SETTLES) == Verified.MISMATCH
    assert verified("2", "", 100.0, "", None, 101.0) == verified("", "", None, "1", 1.0, 2.0) == Verified.UNKNOWN
