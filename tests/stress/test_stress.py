"""Sixteen processes on the real database, and nothing that must never be."""

import time
from collections import Counter

import pytest
from django.db import connection

from catalog import queries as catalog
from locks import scopes
from locks.commands import claims
from tests.stress import checker, herd, worker
from tests.stress.conftest import LONG

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
DEEDS = ["begin", "heartbeat", "finish", "kill", "pause", "dropped", "lock", "unlock", "extend", "override", "wait"]
RARE = {"kill", "pause"}  # too rare to be sure of in a short run


def lacking(done, seconds):
    """What has not been done often enough for the run to say anything: always denying is not safe, it is broken."""
    long = seconds >= LONG
    least = {"grant": 500 if long else 20} | {each: 50 if long else 1 for each in DEEDS if long or each not in RARE}
    return {each: done[each] for each in least if done[each] < least[each]}


def let_loose(places, folder, seconds):
    """Goes on for longer on a machine that has no time."""
    begun = time.monotonic()
    herd.let_loose(places, folder, seconds, enough=lambda: not lacking(checker.counts(checker.told(folder)), seconds))
    connection.close()
    history = checker.told(folder)
    return history, checker.counts(history), time.monotonic() - begun


def test_nothing_overlaps_goes_back_or_slips_through(places, seconds, tmp_path, capsys):
    history, done, took = let_loose(places, tmp_path, seconds)
    refused = Counter(f"{each['of']}: {each['code']}" for each in history if each["deed"] == "refused")
    with capsys.disabled():
        told = ", ".join(f"{done[each]} {each}" for each in ["grant", *DEEDS, "served", "woke"])
        print(f"\n{took:.0f} s: {told}; refused: {dict(refused)}")
    assert "\n".join(checker.faults(history, places)) == ""
    assert lacking(done, seconds) == {}


def test_the_checker_notices_claims_that_wait_for_nobody(places, tmp_path, monkeypatch):
    monkeypatch.setattr(scopes, "hold", lambda place: catalog.place_by_keys(place.service_id, place.environment_id))
    monkeypatch.setattr(scopes, "hold_pair", lambda service, environment: None)
    # No lock and no line keeps them out of this one place, and each dawdles between the check and the act.
    monkeypatch.setattr(worker, "CHANCES", {"deploy": 1})
    monkeypatch.setattr(claims, "_next_fence", lambda draw=claims._next_fence: time.sleep(0.02) or draw())
    try:
        herd.let_loose(places[:1], tmp_path, 4)
    except AssertionError as failed:
        # The constraint stood in the way of two live claims at once.
        assert "claim_one_live" in str(failed)
    else:
        connection.close()
        assert list(checker.faults(checker.told(tmp_path), places))
