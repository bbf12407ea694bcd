"""Bugs planted in health, one at a time: each breaks a promise, and `broken` notices."""

from uuid import uuid4

import pytest

from deployments.health import prober, states
from deployments.health.commands import polling, prober_tell, probes_claim, readings, readings_take
from deployments.health.models import Flip, Probe, Reading
from deployments.health.results import Result
from portal.audit.models import Event
from tests.health.conftest import at, make_probe, result
from tests.locks.mutants import plant, plant_in_sql

BUGS = {
    "what comes twice counts twice": (readings._reading, "key=result.key", 'key=""'),
    "what was asked once is kept twice": (readings._unknown, "if asked:", "if not asked:"),
    "one failure less is enough": (
        states._bounds,
        "min(levels[:failures]) if len(levels) >= failures",
        "min(levels[: failures - 1]) if len(levels) >= failures - 1",
    ),
    "one success is a recovery": (states._bounds, "max(levels[:recoveries])", "max(levels[:1])"),
    "what stays as it was is told again": (readings._judge, "if found and state != probe.state", "if found"),
    "a prober without a network believes what it sees": (
        prober.Prober._learn,
        "replace(result, outcome=Outcome.NO_DATA, reason=reason) if lost else result",
        "result",
    ),
    "each look without a network is news": (polling.prober_tell, "row.up != up", "True"),
    "a flip is kept and not told": (readings._tell, "if entries:", "if not entries:"),
}
SQL = {
    "what came last decides": (readings, "RECENT", "order by at desc, outcome, answered, key", "order by id desc"),
    "a lease is nobody's": (polling, "CLAIM", "(lease is null or lease_until <= statement_timestamp())", "true"),
}
TOLD = ["ok", "failed", "failed", "ok", "ok", "failed", "failed", "failed", "no_data"]


def broken(place):
    """A sentence for each promise that does not hold."""
    yield from order_matters(place)
    yield from thresholds_do_not_hold(place)
    yield from network_is_blamed_on_others(place)
    yield from two_pollers_make_two(place)
    flips = {str(each) for each in Flip.objects.values_list("public_id", flat=True)}
    told = [each.payload["flip"] for each in Event.objects.filter(name="probe.flipped")]
    if sorted(told) != sorted(flips):
        yield "P4: each flip is not told once"


def order_matters(place):
    found = set()
    for name, turn in (("as it was", 1), ("the other way round", -1)):
        probe = make_probe(place, name)
        came = [result(probe, n, outcome, key=str(n)) for n, outcome in enumerate(TOLD)][::turn]
        for each in (*came, came[0], came[-1]):
            readings_take([each], now=at(100))
        probe.refresh_from_db()
        found.add((probe.state, probe.checked_at, Reading.objects.filter(probe=probe).count()))
    if found != {("failing", at(7), len(TOLD))}:
        yield f"P1: {found}"


def thresholds_do_not_hold(place):
    probe = make_probe(place, "thresholds")
    wanted = ["ok ", "ok healthy", "failed ", "failed ", "failed failing", "failed ", "ok ", "ok healthy", "ok "]
    for second, (outcome, state) in enumerate(each.split(" ") for each in wanted):
        turned = [each.to_state for each in readings_take([result(probe, second, outcome)], now=at(second))]
        if turned != [state] * bool(state):
            yield f"P2: {outcome} number {second} made it {turned}"


def network_is_blamed_on_others(place):
    probe = make_probe(place, "far away", failure_threshold=1, state="healthy")
    worker = prober.Prober("here", threads=2)
    worker.doubtful = [(0.0, result(probe, 0, "failed", answered=False))]
    worker._learn("Nothing answers.")
    if readings_take(worker.unwritten, now=at(1)):
        yield "P3: a service is told to be down by a prober without a network"
    for second in (1, 2):
        prober_tell("here", up=False, reason="Nothing answers.", now=at(second))
    if Event.objects.filter(name="prober.went_down").count() != 1:
        yield "P3: a prober without a network does not say so once"


def two_pollers_make_two(place):
    probe = make_probe(place, "asked", recovery_threshold=1, due_at=at(0))
    if [len(probes_claim(9, per_host=9)) for _ in range(2)] != [1, 0]:
        yield "P5: two pollers have the same probe"
    mine = Result(probe.pk, at(0), "ok", lease=uuid4())
    if [len(readings_take([mine], now=at(1))) for _ in range(2)] != [1, 0] or probe.readings.count() != 1:
        yield "P5: what was asked once made two"
    assert Probe.objects.get(pk=probe.pk).state == "healthy"


def test_without_a_bug_every_promise_holds(shop):
    assert list(broken(shop.checkout_production)) == []


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    assert any(broken(shop.checkout_production))


@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_is_noticed(shop, monkeypatch, bug):
    plant_in_sql(monkeypatch, *SQL[bug])
    assert any(broken(shop.checkout_production))
