"""What must never be of deployments (T1, T3, T4, T6), over random histories beside a model of them."""

import random
from datetime import timedelta
from statistics import median

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from catalog import queries as catalog
from deployments import badges
from deployments.commands import config_of, deployment_report
from deployments.models import Deployment, DeploymentConfig
from deployments.queries import cells_of, configs
from deployments.queries.dora import Scope, Span, dora
from deployments.queries.standings import standings
from portal.api.present import cell_json
from portal.kit.by import Actor, By
from tests.conftest import SETUP, write
from tests.deployments.histories import (
    ENVIRONMENTS,
    LEVELS,
    TEXTS,
    History,
    four_keys,
    latest_in,
    live_in,
    minute,
    runs_of,
)  # fmt: skip

LOOKER = By(Actor("user", "user:1", "Alice", is_admin=True), "page")
TICK = timedelta(microseconds=1)
AT_ONCE = 20  # histories, each of a service of its own: what is looked at afterwards is looked at once for all


def shelves(count):
    """The configs are there already, so that a history costs its reports and no more."""
    services = [f"s{number}" for number in range(count)]
    for service in services:
        write("service", service)
    found = [catalog.place(service, environment) for service in services for environment in ENVIRONMENTS]
    with transaction.atomic():
        for place in found:
            config_of(place, by=SETUP)
    return found


@pytest.fixture
def places(shop):
    return shelves(AT_ONCE)


def over_histories(count):
    """A thousand are fifty draws of twenty seeds."""
    seeds = st.lists(st.integers(0, 2**32 - 1), min_size=AT_ONCE, max_size=AT_ONCE)
    limits = {"max_examples": count // AT_ONCE, "deadline": None, "database": None, "phases": [Phase.generate]}
    setup = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], **limits)
    return lambda test: setup(given(seeds)(test))


def played(reports):
    """T3 is kept after each: what has come to an end never leaves it but to be rolled back."""
    stood = {}
    for body, key in reports:
        deployment = deployment_report(body, key=key, by=SETUP).deployment
        before = stood.setdefault(deployment.pk, deployment.status)
        assert LEVELS[deployment.status] > LEVELS[before] or deployment.status == before, (before, deployment.status)
        stood[deployment.pk] = deployment.status


def row(deployment):
    """As the model writes it."""
    over = LEVELS[deployment.status] >= 2
    finished = deployment.finished_at if deployment.finish_rank else "whenever it came"
    return (
        (deployment.service_identifier, deployment.environment_identifier),
        (deployment.provider, deployment.run, deployment.attempt),
        deployment.status, deployment.kind, deployment.version, deployment.commit, deployment.started_at,
        finished if over else None, deployment.fence,
        *(getattr(deployment, name) for name in sorted(TEXTS)),
        sorted((each["name"], each["status"]) for each in deployment.instances or []),
    )  # fmt: skip


def key_of(deployment):
    return (deployment.provider, deployment.run, deployment.attempt, deployment.finished_at) if deployment else None


def run_key(run):
    return (*run.key, run.finished) if run else None


def check_t1(runs):
    """What is there, what is live and what was tried last do not depend on the order in which the reports came."""
    rows = sorted((row(each) for each in Deployment.objects.all()), key=repr)
    assert rows == sorted((run.facts() for run in runs), key=repr)
    for config in DeploymentConfig.objects.select_related("entity", "service", "environment", "current", "latest"):
        pair = config.service.identifier, config.environment.identifier
        live, tried = live_in(runs, pair), latest_in(runs, pair)
        assert key_of(config.current) == run_key(live), pair
        assert (config.latest and row(config.latest)[:2]) == (tried and (tried.pair, tried.key)), pair
        told = config.entity.properties
        assert (told.get("version"), told.get("status")) == (live and live.said("version"), tried and tried.status), (
            pair
        )


def check_four_keys(runs):
    """T1 of the numbers of delivery, too."""
    for environment in ENVIRONMENTS:
        found = dora(LOOKER, Scope(environment=environment), Span(minute(-60), minute(600))).numbers
        deployed, changes, failed, mended = four_keys(runs, environment)
        assert (found.deployed, found.changes, found.failed) == (deployed, changes, failed), environment
        told = found.restore
        assert (told.count, told.median, told.most) == (
            len(mended),
            median(mended) if mended else None,
            max(mended, default=None),
        )


def check_t4(runs, at):
    """Looking back at an instant is playing what had ended by then."""
    for cell in configs(LOOKER, at=at):
        pair = cell.service.identifier, cell.environment.identifier
        assert key_of(cell.current) == run_key(live_in(runs, pair, at)), (pair, at)


def check_t6(runs, places):
    """The cell, the service's page, the API and the badge say the same of what is live."""
    cells = {(each.service.identifier, each.environment.identifier): each for each in configs(LOOKER)}
    on_page = {("s0", each.environment.identifier): each for each in cells_of(LOOKER, "s0")}
    badges = standings(places)
    for place in places:
        pair = place.service, place.environment
        live = live_in(runs, pair)
        version = live and live.said("version")
        assert key_of(cells[pair].current) == run_key(live), pair
        assert cell_json(cells[pair])["version"] == version, pair
        assert badges[place.service_id, place.environment_id].version == (version or ""), pair
        assert pair not in on_page or key_of(on_page[pair].current) == run_key(live), pair


def check(seeds, places):
    """Histories, one a seed, whose reports come in among each other, under every promise."""
    histories = [History(random.Random(seed), f"s{number}") for number, seed in enumerate(seeds)]
    reports = [report for history in histories for report in history.reports]
    draw = random.Random(sum(seeds))
    draw.shuffle(reports)
    played(reports)
    runs = runs_of(reports)
    check_t1(runs)
    check_four_keys(runs)
    for _ in range(2):
        check_t4(runs, minute(draw.randint(-3, 12)) + draw.choice([-TICK, timedelta(), TICK]))
    check_t6(runs, places)


@pytest.mark.timeout(600)
@over_histories(1000)
def test_any_history_keeps_its_promises(places, seeds):
    with transaction.atomic():
        check(seeds, places)
        transaction.set_rollback(True)


def test_every_door_says_the_same_of_what_is_live(shop, ci, alice, client):
    """T6 where people and programs come in: the matrix, the card, the service's page, /v1 and the badge."""
    client.force_login(alice)
    places = shelves(4)
    reports = [report for number in range(4) for report in History(random.Random(number), f"s{number}").reports]
    played(reports)
    runs = runs_of(reports)
    told = {
        (each["service"], each["environment"]): each
        for each in ci.get("deployments/current").json["deployment_configs"]
    }
    matrix = client.get("/deployments/").content.decode()
    seen = set()
    for place in places:
        pair = place.service, place.environment
        live = live_in(runs, pair)
        version = live.said("version") if live else None
        seen.add(version)
        assert told[pair]["version"] == version
        badge = client.get(badges.path(*pair, "version")).content.decode()
        assert (version or "not deployed") in badge
        card = client.get(f"/deployments/card/{pair[0]}/in/{pair[1]}").content.decode()
        panel = client.get(f"/deployments/panel/{pair[0]}").content.decode()
        row = panel.partition(f'id="live-{pair[1]}"')[2].partition("</tr>")[0]
        for shown in (card, row):
            assert (
                (f"{version}</span>" in shown)
                if version
                else ("deployed" in shown and "1." not in shown.partition("Links")[0][:400])
            )
        cell = matrix.partition(f'data-card="/deployments/card/{pair[0]}/in/{pair[1]}"')[2].partition("</a>")[0]
        assert (f">{version}<" in cell) if version else ("not deployed" in cell)
    assert len(seen) > 2


def test_histories_have_everything_in_them():
    """Whoever draws too little proves too little."""
    seen = set()
    for seed in range(300):
        history = History(random.Random(seed))
        runs = runs_of(history.reports)
        ends = [(run.pair, run.finished) for run in runs if run.is_live]
        levels = [[LEVELS[body["status"]] for body in run.bodies] for run in runs]
        seen |= {run.status for run in runs} | {run.kind for run in runs}
        seen |= {"a tie"} if len(ends) > len(set(ends)) else set()
        seen |= {"again"} if history.again else set()
        seen |= {"late"} if any(each != sorted(each) for each in levels) else set()
        seen |= {"instances"} if any(run.instances for run in runs) else set()
        seen |= {"fence"} if any(run.said("fence") for run in runs) else set()
        seen |= {"without a run"} if any(not run.key[1] for run in runs) else set()
    kinds = {"deploy", "rollback", "config", "flag"}
    assert seen == {*LEVELS, *kinds, "a tie", "again", "late", "instances", "fence", "without a run"}
