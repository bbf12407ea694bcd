"""T2: one key sent by many at once is one deployment and one notice, and whoever comes with another body is refused."""

import random

import pytest
from django.utils.module_loading import import_string

from deployments.commands import deployment_report, reports
from deployments.models import Deployment, ReportRequest
from portal.audit.models import Delivery, Event
from portal.kit.errors import Conflict
from tests.conftest import SETUP
from tests.deployments.histories import History
from tests.locks.mutants import plant, plant_in_sql
from tests.locks.test_races import together

pytestmark = pytest.mark.django_db(transaction=True)
ROUNDS, AT_ONCE = 12, 8
TOLD = ("deployment.reported", "deployment_config.changed")


def sent_at_once(seed):
    """A random report under a new key, and now and then another body under the same key in between."""
    draw = random.Random(seed)
    body, _ = draw.choice(History(draw).reports)
    if seed % 2:  # without a run only the key says that it is the same
        body = {name: value for name, value in body.items() if name != "ci"}
    key, other = f"key-{seed}", body | {"version": "of somebody else"}
    bodies = [body] * (AT_ONCE - 1) + [draw.choice([body, other])]
    draw.shuffle(bodies)
    given = list(bodies)
    before = Deployment.objects.count(), Event.objects.filter(name="deployment.reported").count()
    results = together(AT_ONCE, lambda: deployment_report(given.pop(), key=key, by=SETUP))
    return before, [each for each in results if not isinstance(each, Conflict)], results


def at_once(seed):
    (rows, told), done, results = sent_at_once(seed)
    assert all(not isinstance(each, Exception) or isinstance(each, Conflict) for each in results), results
    assert len({each.deployment.pk for each in done}) == 1
    assert sum(each.created for each in done) == 1
    assert Deployment.objects.count() == rows + 1
    assert Event.objects.filter(name="deployment.reported").count() == told + 1
    assert ReportRequest.objects.filter(key=f"key-{seed}").count() == 1
    noticed = Delivery.objects.filter(event__name__in=TOLD).values_list("event", "subscriber")
    assert len(set(noticed)) == len(noticed)


def test_a_key_sent_by_many_at_once_is_one_deployment_and_one_notice(shop):
    for seed in range(ROUNDS):
        Deployment.objects.all().delete()
        at_once(seed)


BUGS = {
    "a key that is taken is made anew": ("deployments.commands.reports._reported", "if earlier:", "if False:"),
}  # fmt: skip
SQL = {"a key is nobody's": ("deployments.commands.ingest", "_EARLIER", "key = %s)", "key = %s || ' ')")}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_planted_between_many_is_noticed(shop, monkeypatch, bug):
    where, right, wrong = BUGS[bug]
    assert where.startswith(reports.__name__)
    plant(monkeypatch, import_string(where), right, wrong)
    with pytest.raises(AssertionError):
        for seed in range(ROUNDS):
            Deployment.objects.all().delete()
            at_once(seed)


@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_between_many_is_noticed(shop, monkeypatch, bug):
    module, *change = SQL[bug]
    plant_in_sql(monkeypatch, __import__(module, fromlist=["x"]), *change)
    with pytest.raises(AssertionError):
        at_once(0)
