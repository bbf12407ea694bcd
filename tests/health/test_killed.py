"""P1 to P3 and P5 with probers that are killed; P4 is in tests/journeys/test_probes_survive.py."""

from functools import partial

import pytest

from deployments.health.commands import prober_tell, probes_claim, readings_take
from deployments.health.models import Flip, Probe, Prober, Reading
from portal.audit.models import Event
from tests.conftest import events
from tests.health.conftest import at, make_probe, result
from tests.killing import dies, killed_at, killed_everywhere

pytestmark = pytest.mark.django_db(transaction=True)

STRIDE = 13  # statements; 1 is the long form
CAME = ["ok", "ok", "failed", "failed", "failed", "failed"]


def test_results_of_who_was_killed_come_again_and_say_the_same_and_alert_once(shop):
    """P1 and P2: brought one by one, the last first, and again by whoever comes next."""

    def world():
        for model in (Flip, Reading, Probe, Event):
            model.objects.all().delete()
        probe = make_probe(shop.checkout_production, "canary", failure_threshold=3)
        told = [result(probe, n, outcome, key=str(n)) for n, outcome in enumerate(CAME)]
        readings_take(told[:2], now=at(2))
        return lambda: [readings_take([each], now=at(9)) for each in reversed(told)]

    def check():
        probe = Probe.objects.get()
        assert (probe.state, Reading.objects.count()) == ("failing", len(CAME))
        assert list(Flip.objects.order_by("id").values_list("to_state", flat=True)) == ["healthy", "failing"]
        assert events("probe.flipped") == ["probe.flipped"] * 2

    assert killed_everywhere(world, check, stride=STRIDE) > 1


@pytest.mark.parametrize("up", [False, True])
def test_a_prober_that_is_killed_while_it_says_that_it_cannot_see_says_it_once(shop, up):
    """P3."""
    make_probe(shop.checkout_production, "canary", state="healthy")
    Prober.objects.create(name="here", up=not up, since=at(0), seen_at=at(0))
    tell = partial(prober_tell, "here", up=up, reason="Nothing answers.", now=at(1))
    killed_at("insert into audit_event", work=tell)
    assert events("prober.") == [] and Prober.objects.get().up is not up
    assert [tell(), tell()] == [True, False]
    assert events("prober.", "probe.") == ["prober.came_back" if up else "prober.went_down"]


def test_what_a_killed_prober_had_claimed_nobody_else_asks_before_its_lease_ends(shop):
    """P5."""
    probe = make_probe(shop.checkout_production, "canary", due_at=at(0))
    assert dies(lambda: probes_claim(9, per_host=9), lambda text, params: text.startswith("select health_probe"))
    probe.refresh_from_db()
    assert probe.lease and probes_claim(9, per_host=9) == []
    Probe.objects.update(lease_until=at(0))
    assert [each.pk for each in probes_claim(9, per_host=9)] == [probe.pk]
