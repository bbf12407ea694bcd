"""Bugs of deployments, planted on purpose, that the histories of test_proofs.py must notice."""

import pytest
from django.db import transaction

from deployments import instances
from deployments.commands import configs, deployments
from deployments.queries import past, standings
from deployments.queries.dora import facts
from portal.api import present
from tests.deployments.test_proofs import check, shelves
from tests.locks.mutants import plant, plant_in_sql

FEW, DRAWS = 8, 12  # services, and how often each gets a new history

# T1, T3, T6
BUGS = {
    "whoever names an end last is believed": (deployments._finish, "rank > deployment.finish_rank", "rank >= 0"),
    "a kind is what was said first": (deployments._kind, "if report.kind == plain else report.kind", ""),
    "a message of a change is never overruled": (deployments._told, 'if known != of_change else ""', ""),
    "an instance stands where it was said last": (instances.merged, "_further(found[key], each) if key in found else each", "each"),
    "a tie is ahead": (configs.is_ahead, "new.finished_at > live.finished_at", "new.finished_at >= live.finished_at"),
    "a flag goes live": (configs._read_live, "list(Deployment.DEPLOYS)", "['deploy', 'rollback', 'flag']"),
    "an entity keeps what was rolled back": (configs._copy, "live = current or Deployment()", "live = current or Deployment()\n    if not current: return {}"),
    "a late report takes an end back": (deployments._raise_status, "if LEVEL[new] > LEVEL[old]:", "if new != old:"),
    "the badge shows what was tried last": (standings, "each.current for each", "each.latest for each"),
    "the API shows what was tried last": (present.cell_json, "live, first = cell.current", "live, first = cell.latest"),
}  # fmt: skip
SQL = {
    "what came last is live": (configs, "_LIVE", "order by finished_at desc, fence", "order by id desc, fence"),
    "no fence is the greatest": (configs, "_LIVE", "fence desc nulls last", "fence desc"),
    "a rollback is a change like any other": (facts, "_JUDGED", "when known.is_rollback then 'rollback'", ""),
    "what ends at an instant is not live then": (past, "_STOOD", "d.finished_at <= %(at)s", "d.finished_at < %(at)s"),
    "the past shows what is live now": (past, "_STOOD", "d.finished_at <= %(at)s", "%(at)s is not null"),
}  # fmt: skip


def draws():
    places = shelves(FEW)
    for draw in range(DRAWS):
        with transaction.atomic():
            check([draw * FEW + number for number in range(FEW)], places)
            transaction.set_rollback(True)


def test_without_a_bug_the_histories_keep_their_promises(shop):
    draws()


@pytest.mark.parametrize("bug", BUGS)
def test_a_planted_bug_is_noticed(shop, monkeypatch, bug):
    plant(monkeypatch, *BUGS[bug])
    with pytest.raises(AssertionError):
        draws()


@pytest.mark.parametrize("bug", SQL)
def test_a_bug_planted_in_sql_is_noticed(shop, monkeypatch, bug):
    plant_in_sql(monkeypatch, *SQL[bug])
    with pytest.raises(AssertionError):
        draws()
