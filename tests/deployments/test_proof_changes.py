"""T5: over any graph of commits, with rollbacks and merges, the change sets from the first to the last add up to the
difference of the two, and each is what the graph says."""

import random
from collections import Counter

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from deployments.commands import deployment_report
from deployments.models import Deployment, DeploymentConfig
from deployments.queries import lineage, order
from tests.conftest import SETUP
from tests.deployments.histories import text_of
from tests.locks.mutants import plant, plant_in_sql


class Code:
    """A graph of commits, and which of them were live one after the other. Nothing of the portal's code is used."""

    def __init__(self, draw):
        self.below = {}
        for number in range(draw.randint(2, 8)):
            known = list(self.below)
            parents = draw.sample(known, min(len(known), draw.choice([0, 1, 1, 1, 1, 2, 2])))
            self.below[f"{number:x}{draw.getrandbits(156):039x}"] = parents
        self.live = [draw.choice(list(self.below)) for _ in range(draw.randint(2, 5))]
        self.told = [{"sha": sha, "parents": parents, "message": sha[:3]} for sha, parents in self.below.items()]
        draw.shuffle(self.told)

    def reach(self, head):
        return {head}.union(*(self.reach(parent) for parent in self.below[head]))

    def step(self, old, new):
        """What it adds counts one, what it takes away one less."""
        before, after = self.reach(old), self.reach(new)
        return {sha: (sha in after) - (sha in before) for sha in before ^ after}


def signed(found):
    return {each.sha: 1 for each in found.added} | {each.sha: -1 for each in found.removed}


def tell(codes):
    """All at once, among each other: no commit of one code stands on one of another."""
    changes = [change for code in codes for change in code.told]
    random.Random(len(changes)).shuffle(changes)
    deployment_report({"service": "checkout", "environment": "staging", "version": "1", "changes": changes}, by=SETUP)


def check(code, service, graph):
    """Step by step, and all at once."""
    total = Counter()
    for old, new in zip(code.live, code.live[1:], strict=False):
        found = lineage.between(service, old, new, graph)
        assert signed(found) == code.step(old, new), (old[:2], new[:2])
        assert found.complete
        total.update(signed(found))
    whole = lineage.between(service, code.live[0], code.live[-1], graph)
    assert (
        {sha: count for sha, count in total.items() if count} == signed(whole) == code.step(code.live[0], code.live[-1])
    )


def check_deployed(code, service):
    """The same of deployments: which went before which is read from the rows, however they came in."""
    reports = [
        {
            "service": "checkout",
            "environment": "production",
            "version": f"1.{at}",
            "commit": sha,
            "finished_at": text_of(at),
        }
        for at, sha in enumerate(code.live)
    ]
    for body in sorted(reports, key=lambda body: body["commit"] + body["version"]):
        deployment_report(body, by=SETUP)
    config = DeploymentConfig.objects.get(environment__identifier="production")
    steps = order.steps([config.pk])
    shas = dict(Deployment.objects.values_list("pk", "commit"))
    assert [shas[step.deployment] for step in steps] == code.live
    total = Counter()
    for step in steps[1:]:
        total.update(signed(lineage.between(service, shas[step.previous], shas[step.deployment])))
    assert {sha: count for sha, count in total.items() if count} == code.step(code.live[0], code.live[-1])


def over(seeds, shop, deployed=False):
    service, codes = shop.checkout_staging.service_id, [Code(random.Random(seed)) for seed in seeds]
    with transaction.atomic():
        tell(codes)
        graph = lineage.graphs([service])[service]
        for code in codes:
            check(code, service, graph)
            if deployed:
                check_deployed(code, service)
                Deployment.objects.filter(environment_identifier="production").delete()
        transaction.set_rollback(True)


@pytest.mark.timeout(600)
@settings(max_examples=50, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(st.lists(st.integers(0, 2**32 - 1), min_size=20, max_size=20))
def test_change_sets_add_up_to_the_difference_of_the_first_and_the_last(shop, seeds):
    over(seeds, shop)


def test_change_sets_of_deployments_add_up_in_whatever_order_they_were_reported(shop):
    over(range(25), shop, deployed=True)


BUGS = {
    "a rollback takes nothing away": (lineage.between, "right - left, left - right", "right - left, set()"),
    "a step brings all that it stands on": (lineage.between, "right - left, left - right", "right, left - right"),
    "a merge brings its first parent only": (lineage.Graph.reach, "self.below.get(left.pop(), ())", "self.below.get(left.pop(), ())[:1]"),
}  # fmt: skip
SQL = {"what went before is what came before": (order, "STEPS", "order by d.finished_at desc, coalesce(d.fence, -1) desc, d.provider desc, d.run desc, d.attempt desc, d.id desc limit 1", "order by d.id desc limit 1")}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    with pytest.raises(AssertionError):
        over(range(20), shop)


@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_is_noticed(shop, monkeypatch, bug):
    plant_in_sql(monkeypatch, *SQL[bug])
    with pytest.raises(AssertionError):
        over(range(20), shop, deployed=True)
