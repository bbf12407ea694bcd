"""Sixteen processes on the real database, and nothing that must never be."""

from collections import Counter

import pytest
from django.db import connection

from catalog import queries as catalog
from locks import scopes
from tests.stress import checker, herd
from tests.stress.conftest import LONG

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.timeout(600)]
DEEDS = ["begin", "heartbeat", "finish", "kill", "pause", "dropped", "lock", "unlock", "extend", "override", "wait"]
RARE = {"kill", "pause"}  # too rare to be sure of in a short run


def let_loose(places, folder, seconds):
    def enough():
        done = checker.counts(checker.told(folder))
        return seconds >= LONG or (done["grant"] >= 20 and all(done[each] for each in DEEDS if each not in RARE))

    herd.let_loose(places, folder, seconds, enough=enough)
    connection.close()
    history = checker.told(folder)
    return history, checker.counts(history)


def test_nothing_overlaps_goes_back_or_slips_through(places, seconds, tmp_path, capsys):
    history, done = let_loose(places, tmp_path, seconds)
    refused = Counter(f"{each['of']}: {each['code']}" for each in history if each["deed"] == "refused")
    with capsys.disabled():
        print("\n" + ", ".join(f"{done[each]} {each}" for each in ["grant", *DEEDS, "served", "woke"]))
        print(f"refused: {dict(refused)}")
    assert "\n".join(checker.faults(history, places)) == ""
    least = 50 if seconds >= LONG else 1
    assert {each: done[each] for each in DEEDS if done[each] < least and (seconds >= LONG or each not in RARE)} == {}
    assert done["grant"] >= (500 if seconds >= LONG else 20)


def test_the_checker_notices_claims_that_wait_for_nobody(places, tmp_path, monkeypatch):
    monkeypatch.setattr(scopes, "hold", lambda place: catalog.place_by_keys(place.service_id, place.environment_id))
    monkeypatch.setattr(scopes, "hold_pair", lambda service, environment: None)
    try:
        history, _ = let_loose(places[:1], tmp_path, 4)
    except AssertionError as failed:
        # The constraint stood in the way of two live claims at once.
        assert "claim_one_live" in str(failed) or "ticket_once_a_run" in str(failed)
    else:
        assert list(checker.faults(history, places))
