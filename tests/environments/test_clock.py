"""E1 and E2, and what holds an environment whose time is over. Time is given; the clock of the database is not asked."""

import random
from datetime import timedelta

import pytest

from deployments.environments.commands import (
    environment_extend,
    environment_pin,
    environment_request,
    environment_teardown,
    environment_unpin,
    environments_tick,
    pull_request_closed,
    work_claim,
)
from deployments.environments.models import Environment, Warning
from locks import scopes
from locks.commands import lock_release, lock_take
from portal.accounts.commands import user_delete, user_update
from portal.accounts.models import User
from portal.audit.models import Event
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, make

pytestmark = pytest.mark.django_db

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
TOLD = ("environment.expiry_warned", "environment.expired", "environment.teardown_started")


def ticked(*moments):
    for each in moments:
        environments_tick(each)


def minutes():
    return [each.payload["minutes"] for each in Event.objects.filter(name="environment.expiry_warned").order_by("id")]


def test_it_is_torn_down_at_its_end_and_not_a_moment_before(demo, start):
    Environment.objects.update(next_at=start)
    ticked(start + 2 * DAY - MINUTE / 60)
    assert fresh(demo).state == "requested" and events("environment.expired") == []
    ticked(start + 2 * DAY)
    demo = fresh(demo)
    assert (demo.state, demo.cause, demo.phase) == ("tearing_down", "expired", "teardown")
    assert events(*TOLD)[-2:] == ["environment.expired", "environment.teardown_started"]


def test_each_warning_is_told_once_and_again_after_an_extension(demo, start, bob, page):
    end = start + 2 * DAY
    ticked(*[end - DAY, end - DAY + MINUTE, end - 2 * HOUR, end - HOUR, end - 15 * MINUTE, end - 14 * MINUTE])
    assert minutes() == [1440, 120, 15]
    payload = Event.objects.filter(name="environment.expiry_warned").first().payload
    assert payload["owner_key"] == f"user:{bob.pk}" and payload["expires_at"]
    environment_extend(demo, 2 * DAY, now=end - MINUTE, by=page(bob))
    ticked(end, end + DAY - 2 * MINUTE, end + DAY, end + 2 * DAY - 10 * MINUTE)
    assert minutes() == [1440, 120, 15, 1440, 15], "the one of two hours was missed: it is no longer true"
    assert fresh(demo).state == "requested"


def test_two_ticks_at_once_and_a_clock_that_goes_back_tell_nothing_twice(demo, start):
    end = start + 2 * DAY
    Environment.objects.update(next_at=start)
    ticked(end - HOUR, end - HOUR)
    Environment.objects.update(next_at=start)
    ticked(end - DAY, end - HOUR)
    assert minutes() == [120, 1440] and Warning.objects.count() == 2
    ticked(end - HOUR, start)
    assert minutes() == [120, 1440]


def test_an_extension_from_the_last_moment_saves_it_and_one_after_it_is_refused(demo, start, bob, page):
    end = start + 2 * DAY
    lock = locked(end + HOUR, start)
    ticked(end)
    assert (fresh(demo).state, fresh(demo).held_by) == ("expiring", "setup holds a lock: debugging")
    saved = environment_extend(demo, DAY, now=end + MINUTE, by=page(bob))
    assert (saved.state, saved.cause, saved.held_by, saved.deadline) == ("requested", "", "", end + MINUTE + DAY)
    lock_release(lock, by=SETUP)
    ticked(end + 2 * MINUTE)
    assert fresh(demo).state == "requested"
    ticked(end + MINUTE + DAY)
    before = fresh(demo).facts()
    with pytest.raises(Conflict) as refused:
        environment_extend(demo, DAY, now=end + 2 * DAY, by=page(bob))
    assert refused.value.code == "tearing_down" and fresh(demo).facts() == before


def locked(until, start, kind="environment", **scope):
    """A lock, as the database's clock sees it: it ends when the test says, and holds until then."""
    scope = scopes.named(kind, **(scope or {"environment": "demo-1"}))
    return lock_take(scope, reason="debugging", until=until if until > database_now() else start + HOUR, by=SETUP)


def test_a_lock_holds_it_beyond_its_end_up_to_the_hard_cap(demo, start):
    end = start + 2 * DAY
    locked(end + 3 * DAY, start)
    ticked(end, end + 2 * DAY)
    assert fresh(demo).state == "expiring"
    ticked(end + 3 * DAY)
    assert fresh(demo).state == "tearing_down"


def test_the_hard_cap_ends_it_whatever_holds_it(bob, page, start):
    short = make(hard_cap="3d", soft_cap="3d", quiet_hours={"from": "00:00", "to": "23:59", "days": list(range(7))})
    demo = environment_request(short, name="demo-1", ttl=2 * DAY, now=start, by=page(bob))
    locked(start + 10 * DAY, start)
    environment_pin(demo, start + 3 * DAY, reason="for the board", now=start, by=page(bob))
    ticked(start + 2 * DAY, start + 3 * DAY - MINUTE)
    assert fresh(demo).state == "requested"
    ticked(start + 3 * DAY)
    assert fresh(demo).state == "tearing_down"


def test_one_that_is_locked_is_not_torn_down_by_hand_either(demo, start, bob, page):
    lock = locked(start + DAY, start)
    with pytest.raises(Conflict) as refused:
        environment_teardown(demo, by=page(bob))
    assert refused.value.code == "locked_environment" and fresh(demo).state == "requested"
    lock_release(lock, by=SETUP)
    assert environment_teardown(demo, by=page(bob)).state == "tearing_down"


def test_a_pin_puts_the_end_off_to_its_date_and_takes_a_reason(demo, start, bob, page):
    with pytest.raises(Invalid):
        environment_pin(demo, start + 5 * DAY, reason=" ", now=start, by=page(bob))
    with pytest.raises(Invalid):
        environment_pin(demo, start + 31 * DAY, reason="for ever", now=start, by=page(bob))
    assert fresh(demo).pinned_until is None
    environment_pin(demo, start + 5 * DAY, reason="a demo", now=start, by=page(bob))
    ticked(start + 2 * DAY, start + 5 * DAY - MINUTE)
    assert fresh(demo).state == "requested"
    environment_unpin(demo, now=start + 5 * DAY - MINUTE, by=page(bob))
    ticked(start + 5 * DAY - MINUTE)
    assert fresh(demo).state == "tearing_down"


def test_in_the_quiet_hours_of_its_owner_nothing_ends(bob, page, start):
    user_update(bob, {"timezone": "America/New_York"}, by=SETUP)
    office = make(quiet_hours={"from": "09:00", "to": "18:00", "days": list(range(7))}, hard_cap="30d")
    noon = start.replace(hour=16, minute=0)  # of New York, more or less
    demo = environment_request(office, name="demo-1", ttl=DAY, now=noon - DAY, by=page(bob))
    ticked(noon)
    demo = fresh(demo)
    assert demo.state == "expiring" and "quiet hours" in demo.held_by
    assert 18 <= demo.held_until.hour + (24 if demo.held_until.hour < 9 else 0) <= 24
    ticked(demo.held_until - MINUTE)
    assert fresh(demo).state == "expiring"
    ticked(demo.held_until)
    assert fresh(demo).state == "tearing_down"


def test_one_that_could_not_be_made_is_on_the_same_clock(demo, start):
    Environment.objects.update(state="provision_failed", phase="", work_at=None)
    ticked(start + DAY, start + 2 * DAY)
    assert minutes() == [1440] and fresh(demo).state == "tearing_down"


def test_a_pull_request_that_closes_takes_its_environments_with_it(preview, bob, page, start):
    url = "https://github.com/acme/shop/pull/7"
    mine = environment_request(preview, name="pr-7", pr_url=url + "/", now=start, by=page(bob))
    other = environment_request(preview, name="pr-8", pr_url=url[:-1] + "8", now=start, by=page(bob))
    assert pull_request_closed(url.upper().replace("HTTPS", "https"), now=start + HOUR, by=SETUP) == 1
    assert pull_request_closed(url, now=start + HOUR, by=SETUP) == 0
    ticked(start + HOUR)
    assert (fresh(mine).state, fresh(mine).cause) == ("tearing_down", "pr_closed")
    assert fresh(other).state == "requested"


def test_a_pin_holds_what_its_pull_request_would_take(preview, bob, page, start):
    url = "https://github.com/acme/shop/pull/7"
    mine = environment_request(preview, name="pr-7", pr_url=url, now=start, by=page(bob))
    environment_pin(mine, start + 2 * DAY, reason="a demo", now=start, by=page(bob))
    pull_request_closed(url, now=start + HOUR, by=SETUP)
    ticked(start + HOUR, start + DAY)
    assert fresh(mine).state == "expiring" and "pinned" in fresh(mine).held_by
    ticked(start + 2 * DAY)
    assert fresh(mine).state == "tearing_down"


def test_when_its_owner_leaves_the_fallback_owner_has_it_else_the_team(preview, bob, charlie, alice, page, start):
    one = environment_request(preview, name="one", fallback_owner=charlie, now=start, by=page(bob))
    two = environment_request(preview, name="two", now=start, by=page(bob))
    user_update(bob, {"is_active": False}, by=SETUP)
    ticked(start, start)
    assert (fresh(one).owner, fresh(one).owner_key) == (charlie, f"user:{charlie.pk}")
    assert (fresh(two).owner, fresh(two).team, fresh(two).owner_key) == (None, "payments", "")
    assert events("environment.handed_over") == ["environment.handed_over"] * 2


def test_whoever_has_nothing_to_do_with_it_leaves_it_alone(demo, charlie, page, start):
    before, so_far = fresh(demo).facts(), events()
    for deed in (
        lambda by: environment_extend(demo, DAY, now=start, by=by),
        lambda by: environment_pin(demo, start + 3 * DAY, reason="mine", by=by),
        lambda by: environment_teardown(demo, by=by),
    ):
        with pytest.raises(Refused):
            deed(page(charlie))
    assert fresh(demo).facts() == before and events() == so_far


class Model:
    """What must be true of one environment, said once more and without a database."""

    def __init__(self, start):
        self.now, self.end, self.pin, self.hard = start, start + 2 * DAY, None, start + 30 * DAY
        self.is_over = False

    @property
    def deadline(self):
        return min(max(self.end, self.pin or self.end), self.hard)


@pytest.mark.parametrize("seed", range(2))
def test_in_any_history_it_ends_at_its_deadline_and_warns_once_for_each(demo, start, bob, page, seed):
    chance, model, by, warned = random.Random(seed), Model(start), page(bob), []
    for _ in range(60):
        model.now += chance.choice([MINUTE, 20 * MINUTE, 3 * HOUR, 11 * HOUR, DAY])
        deed = chance.choice(["tick", "tick", "extend", "pin", "unpin"])
        if deed == "tick":
            environments_tick(model.now)
            model.is_over |= model.now >= model.deadline
        else:
            tried(deed, demo, model, chance, by)
        demo = fresh(demo)
        assert (demo.state == "tearing_down") == model.is_over, (seed, model.now)
        assert model.is_over or demo.deadline == model.deadline
    warned = [(each.deadline, each.minutes) for each in Warning.objects.all()]
    assert len(warned) == len(set(warned)) == len(minutes())
    assert all(each.at < each.deadline for each in Warning.objects.all())


def tried(deed, demo, model, chance, by):
    ttl = chance.choice([6 * HOUR, DAY, 3 * DAY])
    try:
        if deed == "extend":
            environment_extend(demo, ttl, reason="because", now=model.now, by=by)
            model.end = min(model.now + ttl, model.hard)
        elif deed == "pin":
            environment_pin(demo, model.now + ttl, reason="because", now=model.now, by=by)
            model.pin = model.now + ttl
        else:
            environment_unpin(demo, now=model.now, by=by)
            model.pin = None
    except (Conflict, Invalid):
        assert (
            model.is_over
            or deed == "extend"
            and min(model.now + ttl, model.hard) <= model.end
            or (deed == "pin" and model.now + ttl > model.hard)
        )


def test_what_a_clock_that_was_ahead_has_left_is_put_right_when_it_is_set_back(preview, settings, start):
    settings.ENVIRONMENT_BRAKE = 1
    demos = [environment_request(preview, name=f"demo-{n}", ttl=DAY, now=start, by=SETUP) for n in range(2)]
    ticked(start + 400 * DAY)
    assert {fresh(each).state for each in demos} == {"expiring"}, "the brake holds them"
    ticked(start + HOUR)
    assert {fresh(each).state for each in demos} == {"requested"}
    assert events("environment.spared") == ["environment.spared"] * 2
    ticked(start + DAY - HOUR)
    assert minutes() == [120, 120], "and they are on their own clock again"


def test_a_lease_and_a_pause_of_a_clock_that_was_ahead_hold_nobody_up(demo, start):
    ahead = work_claim(start + 400 * DAY)
    assert ahead.call.attempt == 1 and work_claim(start + 400 * DAY) is None
    back = work_claim(start + HOUR)
    assert back.call.key == ahead.call.key and back.fence == ahead.fence + 1
    Environment.objects.update(lease_until=None, work_at=start + 400 * DAY)
    assert work_claim(start + 2 * HOUR) is not None


def test_when_the_account_of_its_owner_is_deleted_the_team_has_it(demo, bob, page, start):
    user_delete(bob, by=SETUP)
    ticked(start, start)
    assert (fresh(demo).owner, fresh(demo).owner_name, fresh(demo).team) == (None, "", "payments")
    assert events("environment.handed_over") == ["environment.handed_over"]


def test_an_owner_whose_time_zone_is_no_more_holds_up_nobody(bob, page, start):
    User.objects.filter(pk=bob.pk).update(timezone="Mars/Olympus")
    office = make(quiet_hours={"from": "00:00", "to": "00:01", "days": list(range(7))})
    demo = environment_request(office, name="demo-1", ttl=DAY, now=start, by=page(bob))
    ticked(start + DAY + 2 * MINUTE)
    assert fresh(demo).state == "tearing_down"
