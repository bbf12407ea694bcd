"""Every command records exactly one event for each noun that it changes, and none when it changes nothing."""

import inspect
from datetime import timedelta
from importlib import import_module

import pytest

from locks.commands import lock_extend, lock_release
from portal.audit.models import Event
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.house.cases import accounts, catalog, deployments, environments, locks, portal
from tests.house.cases.locks import held

MODULES = [
    "catalog.commands",
    "catalog.importers.commands",
    "catalog.integrations.commands",
    "catalog.scorecards.commands",
    "catalog.starters.commands",
    "catalog.webhooks.commands",
    "deployments.commands",
    "deployments.health.commands",
    "deployments.environments.commands",
    "locks.commands",
    "portal.accounts.commands",
    "portal.accounts.feeds",
    "portal.accounts.organization",
    "portal.actions.commands",
    "portal.github.imports",
    "portal.github.reruns",
    "portal.notifications.commands",
    "portal.sidebars.commands",
    "portal.slackbot.waiting",
    "portal.audit.outbox",
]
AREAS = [catalog, accounts, locks, deployments, environments, portal]
# command: (how to call it, the events it must record), in the shop of tests/conftest.py
CASES = {verb: case for area in AREAS for verb, case in area.CASES.items()}


def commands():
    for name in MODULES:
        module = import_module(name)
        for verb, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = function.__module__.startswith(name) and not verb.startswith("_")
            if is_ours and "by" in inspect.signature(function).parameters:
                yield verb, function


def test_every_command_stands_in_the_table():
    assert {verb for verb, _ in commands()} == set(CASES)


@pytest.mark.parametrize("verb", sorted(CASES))
def test_a_command_records_one_event_for_each_noun_it_changes(shop, verb):
    start = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    call, expected = CASES[verb]
    call(dict(commands())[verb], shop)
    fresh = Event.objects.filter(id__gt=start).order_by("id")
    assert [event.name for event in fresh] == expected
    changed = [(event.noun, event.noun_id, event.name) for event in fresh]
    assert len(changed) == len(set(changed))


def test_replaying_the_events_of_a_noun_gives_what_it_is_now(shop, page, bob):
    lock = held(shop)
    lock_extend(lock, database_now() + timedelta(hours=9), by=SETUP)
    lock = lock_release(lock, reason="done", by=SETUP)
    told = list(Event.objects.filter(noun="lock").order_by("id"))
    assert [one.after for one in told[:-1]] == [one.before for one in told[1:]]
    assert told[-1].after == lock.facts()
