"""E6 and E7: what is odd is suspected after the grace time, people decide, and a mass stops and asks."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command

from deployments.environments.commands import (
    environment_extend,
    environment_pin,
    environment_request,
    environment_teardown,
    environments_tick,
    orphan_keep,
    sightings_take,
    sweep_release,
)
from deployments.environments.models import Environment, Sighting, Sweep
from deployments.environments.orphans import look
from deployments.environments.providers import Found
from portal.kit.clock import database_now, iso
from portal.kit.errors import Conflict, Refused
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, worked

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def looked(*moments):
    return [look(each) for each in moments]


def test_a_resource_whose_environment_was_torn_down_is_suspected_and_goes_by_decision(outside, ready):
    outside.faults(("teardown", "folder", "lie"), ("verify", None, "early"), ("verify", None, "early"))
    environment_teardown(ready, by=SETUP)
    assert worked(ready).state == "torn_down" and outside.has(ready), "a lie that two questions do not find"
    outside.faults()
    now = database_now()
    assert looked(now, now + HOUR - MINUTE) == [0, 0] and fresh(ready).state == "torn_down"
    assert looked(now + HOUR, now + HOUR) == [1, 0]
    suspect = fresh(ready)
    assert suspect.state == "orphan_suspected" and "no environment has" in suspect.suspicion
    assert outside.has(ready), "a suspect is left alone"
    environment_teardown(suspect, by=SETUP)
    assert worked(suspect).state == "torn_down" and not outside.has(ready)
    assert looked(now + 3 * HOUR, now + 9 * HOUR) == [0, 0] and not Sighting.objects.exists()
    assert events("environment.orphan_suspected") == ["environment.orphan_suspected"]


def test_one_that_its_provider_knows_no_more_is_suspected_and_comes_back_with_its_resource(outside, ready):
    now = database_now() + MINUTE
    place, aside = outside.folder / ready.label, outside.folder.parent / "aside"
    place.rename(aside)
    assert looked(now, now + HOUR / 2, now + HOUR) == [0, 0, 1]
    assert fresh(ready).state == "orphan_suspected"
    aside.rename(place)
    assert looked(now + 2 * HOUR) == [0]
    assert (fresh(ready).state, fresh(ready).suspicion) == ("ready", "")
    assert not Sighting.objects.exists()


def test_nothing_younger_than_the_grace_time_is_taken(outside, ready, preview):
    label, now = str(uuid4()), database_now()
    young = [Found(label, since=now + 2 * HOUR), Found(ready.label)]
    assert sightings_take(preview, young[1:] + [Found(label)], asked=now, now=now) == 0
    assert sightings_take(preview, young, asked=now, now=now + 2 * HOUR + MINUTE) == 0
    assert not Environment.objects.filter(public_id=label).exists(), "it was made anew meanwhile"
    sightings_take(preview, young, asked=now, now=now + 3 * HOUR)
    orphan = Environment.objects.get(public_id=label)
    assert (orphan.state, orphan.owner, orphan.entity) == ("orphan_suspected", None, None)


def test_a_resource_that_nobody_knows_becomes_the_environment_of_who_keeps_it(
    outside, ready, preview, alice, bob, page
):
    label, now = str(uuid4()), database_now()
    for moment in (now, now + HOUR):
        sightings_take(preview, [Found(label), Found(ready.label)], asked=now, now=moment)
    orphan = Environment.objects.get(public_id=label)
    with pytest.raises(Refused):
        orphan_keep(orphan, by=page(bob))
    assert fresh(orphan).state == "orphan_suspected"
    kept = orphan_keep(orphan, now=now + 2 * HOUR, by=page(alice))
    assert (kept.state, kept.owner, kept.deadline) == ("ready", alice, now + 10 * HOUR)
    assert kept.entity.identifier == kept.name
    with pytest.raises(Conflict):
        orphan_keep(kept, by=page(alice))


def test_what_is_being_made_or_taken_away_is_no_orphan(outside, preview):
    making = environment_request(preview, name="making", by=SETUP)
    going = environment_request(preview, name="going", by=SETUP)
    environment_teardown(going, by=SETUP)
    now = database_now() + DAY
    assert looked(now, now + 2 * HOUR) == [0, 0]
    assert (fresh(making).state, fresh(going).state) == ("requested", "tearing_down")
    assert sightings_take(preview, [Found(making.label), Found(going.label)], asked=now, now=now + 4 * HOUR) == 0
    assert not Sighting.objects.exists()


def test_a_provider_that_does_not_answer_tells_nothing(outside, ready, settings):
    settings.DEMO_PROVIDER = "http://127.0.0.1:9"
    now = database_now() + MINUTE
    assert looked(now, now + 2 * HOUR) == [0, 0]
    assert fresh(ready).state == "ready" and not Sighting.objects.exists()


def test_labels_that_are_none_of_the_portal_are_only_noted(outside, ready, preview):
    now = database_now()
    for moment in (now, now + 2 * HOUR):
        sightings_take(preview, [Found("somebody's"), Found(ready.label)], asked=now, now=moment)
    assert Sighting.objects.get().label == "somebody's" and Environment.objects.count() == 1


def several(template, number, *, ttl=DAY, now):
    return [environment_request(template, name=f"demo-{n}", ttl=ttl, now=now, by=SETUP) for n in range(number)]


def states():
    found = Environment.objects.order_by("pk").values_list("state", flat=True)
    return {state: list(found).count(state) for state in set(found)}


@pytest.mark.parametrize("most, percent", [(3, 100), (100, 50)])
def test_a_mass_in_one_pass_stops_all_of_it_and_asks_once(preview, settings, alice, bob, page, most, percent):
    settings.ENVIRONMENT_BRAKE, settings.ENVIRONMENT_BRAKE_PERCENT = most, percent
    start = database_now()
    demos = several(preview, 5, now=start)
    jumped = start + 2 * DAY
    for moment in (jumped, jumped + MINUTE, jumped + HOUR):
        environments_tick(moment)
    assert states() == {"expiring": 5}
    assert events("sweep.") == ["sweep.braked"]
    sweep = Sweep.objects.get()
    assert len(sweep.held) == 5 and "in one pass" in sweep.reason
    with pytest.raises(Refused):
        sweep_release(sweep, by=page(bob))
    environments_tick(jumped + 2 * HOUR)
    assert states() == {"expiring": 5}
    environment_extend(demos[0], DAY, now=jumped + 3 * HOUR, by=SETUP)
    sweep_release(sweep, now=jumped + 3 * HOUR, by=page(alice))
    environments_tick(jumped + 3 * HOUR)
    assert states() == {"requested": 1, "tearing_down": 4}, "what was extended meanwhile stays"
    with pytest.raises(Conflict):
        sweep_release(sweep, by=page(alice))


def test_while_the_brake_holds_nothing_else_runs_out_and_what_comes_later_is_held_too(preview, settings):
    settings.ENVIRONMENT_BRAKE = 3
    start = database_now()
    several(preview, 4, now=start)
    later = environment_request(preview, name="later", ttl=2 * DAY, now=start, by=SETUP)
    environments_tick(start + DAY)
    environments_tick(start + 2 * DAY)
    assert states() == {"expiring": 5} and fresh(later).state == "expiring"
    assert len(Sweep.objects.get().held) == 5 and events("sweep.") == ["sweep.braked"]


def test_many_small_passes_are_a_mass_too(preview, settings):
    settings.ENVIRONMENT_BRAKE = 3
    start = database_now()
    for number in range(6):
        environment_request(preview, name=f"demo-{number}", ttl=DAY + number * MINUTE, now=start, by=SETUP)
    for number in range(6):
        environments_tick(start + DAY + number * MINUTE)
    assert states() == {"tearing_down": 3, "expiring": 3}


def test_three_of_three_are_no_mass(preview):
    start = database_now()
    several(preview, 3, now=start)
    environments_tick(start + DAY)
    assert states() == {"tearing_down": 3}


def test_a_sweep_whose_environments_were_all_extended_is_over_by_itself(preview, settings):
    settings.ENVIRONMENT_BRAKE = 3
    start = database_now()
    demos = several(preview, 4, now=start)
    environments_tick(start + DAY)
    for each in demos:
        environment_extend(each, DAY, now=start + DAY + MINUTE, by=SETUP)
    environments_tick(start + DAY + 2 * MINUTE)
    assert Sweep.objects.get().state == "over" and events("sweep.") == ["sweep.braked", "sweep.ended"]


def test_a_list_that_is_suddenly_empty_suspects_nobody_without_an_administrator(preview, settings, alice, page):
    start = database_now()
    several(preview, 5, now=start)
    Environment.objects.update(state="ready", phase="", work_at=None, ready_at=start)
    for hours in (1, 3):
        sightings_take(preview, [], asked=start + MINUTE, now=start + hours * HOUR)
    assert states() == {"ready": 5} and Sweep.objects.get().kind == "orphans"
    sweep_release(Sweep.objects.get(), now=start + 4 * HOUR, by=page(alice))
    assert sightings_take(preview, [], asked=start + MINUTE, now=start + 4 * HOUR) == 5
    assert states() == {"orphan_suspected": 5}


def test_what_a_pass_would_do_is_said_without_doing_it(preview, settings, capsys):
    settings.ENVIRONMENT_BRAKE = 1
    start = database_now()
    environment_pin(several(preview, 3, now=start)[2], start + 3 * DAY, reason="a demo", now=start, by=SETUP)
    before = events()
    call_command("environments", "--at", iso(start + DAY + MINUTE))
    told = capsys.readouterr().out
    assert told.count("would be torn down") == 2 and "The brake would hold them" in told
    call_command("environments")
    assert "Nothing would be torn down." in capsys.readouterr().out
    with pytest.raises(CommandError):
        call_command("environments", "--at", "tomorrow")
    assert events() == before and states() == {"requested": 3}
