"""Workers that the kernel kills half-way: nothing is lost, nothing is written twice, and a receiver knows the repeat."""

import re

import pytest

from catalog import queries as catalog
from catalog.models import Entity
from catalog.scorecards.commands import levels, scorecard_create
from catalog.webhooks.models import Received
from portal.audit.models import Delivery, Event
from portal.audit.outbox import deliver_due
from tests.catalog.conftest import TWO
from tests.catalog.test_changelog import bodies, deliveries, watched
from tests.catalog.test_scorecards import READY
from tests.catalog.test_webhooks import services
from tests.conftest import SETUP, events, write
from tests.killing import killed_at


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    "point",
    [("select webhooks_received",), ("update webhooks_received",), ("update audit_delivery", "done")],
    ids=["before it reads", "before the commit", "after the commit"],
)  # fmt: skip
def test_what_a_killed_worker_left_is_mapped_once(pager, sender, point):
    sender.send(TWO)
    killed_at(*point)
    deliver_due()
    deliver_due()
    assert services() == ["cart", "checkout", "search", "till"]
    received = Received.objects.get()
    assert (received.state, received.counts) == ("done", {"created": 2, "filtered": 1})
    assert events("entity.created").count("entity.created") == 6  # the shop's four, and two
    assert {each.state for each in Delivery.objects.all()} == {"done"}


@pytest.mark.django_db(transaction=True)
def test_a_change_whose_sender_was_killed_is_sent_again_under_the_same_name(there):
    watched(there.url)
    killed_at("update audit_delivery", "done")
    deliver_due()
    deliver_due()
    names = [re.search(rb"X-Portcullis-Delivery: (\S+)", each)[1] for each in there.came]
    assert len(names) == 2 and len(set(names)) == 1
    assert [each.state for each in deliveries()] == ["done"]
    assert len(bodies(there)) == 2


@pytest.mark.django_db(transaction=True)
def test_a_level_is_told_once_though_the_one_who_compares_is_killed_half_way(shop, monkeypatch):
    scorecard_create(catalog.blueprint("service"), READY, by=SETUP)
    monkeypatch.setattr(levels, "CHUNK", 2)
    for number in range(5):
        write("service", f"s{number}")
    levels.levels_compare()
    Entity.objects.filter(identifier__in=[f"s{number}" for number in range(5)]).update(team=["payments"])
    killed_at("select scorecards_answer", times=2, work=levels.levels_compare)  # told, and not committed
    told = Event.objects.filter(name="scorecard.level_changed").values_list("entity", flat=True)
    assert 0 < len(told) < 5
    levels.levels_compare()
    assert sorted(told.all()) == [f"s{number}" for number in range(5)]
