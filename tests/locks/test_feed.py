"""The feed of freezes, read as a calendar program reads it: without a session, by its address."""

from datetime import UTC, datetime, timedelta
from threading import Thread

import pytest
from django.db import connection
from django.test import Client
from icalendar import Calendar

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks import scopes
from locks.commands import freeze_change, freeze_create, freeze_withdraw
from locks.wishes import parse
from portal.accounts.commands import user_update
from portal.accounts.feeds import feed_renew, feed_revoke, feed_secret
from portal.accounts.models import Feed
from portal.audit.models import Event
from portal.kit.clock import database_now
from portal.kit.errors import Refused
from tests.conftest import SETUP, events
from tests.locks.test_freezes import WEEKEND, always


def subscribed(secret):
    """What a program without cookies gets."""
    answer = Client().get(f"/locks/freezes/feed/{secret}/freezes.ics")
    assert answer.status_code == 200 and answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "no-store" in answer["Cache-Control"] and not answer.cookies
    return answer.content


def occurrences(body):
    return sorted(Calendar.from_ical(body).events, key=lambda each: each.start)


@pytest.fixture
def secret(bob, page):
    return feed_renew(by=page(bob))


def test_each_window_of_a_year_is_an_event_in_utc(shop, page, alice, secret):
    freeze = freeze_create(scopes.named("tier", tier="production"), parse(WEEKEND), by=page(alice))
    found = occurrences(subscribed(secret))
    now = database_now()
    laid = freeze.windows(now, now + timedelta(days=366))
    assert [(each.start, each.end) for each in found] == [(each.starts_at, each.ends_at) for each in laid]
    assert 51 <= len(found) <= 54
    first = found[0]
    assert first["SUMMARY"] == "Freeze: Weekend" and first["LOCATION"] == "every production environment"
    assert first["DESCRIPTION"].startswith("nobody is in the office\nCovers every production environment.\nStops every")
    assert first["URL"].endswith(f"/locks/freezes/{freeze.public_id}") and first["TRANSP"] == "TRANSPARENT"
    assert first["DTSTART"].to_ical().endswith(b"Z") and "RRULE" not in first


def test_the_hour_follows_the_wall_of_the_freeze_over_summer_and_winter(shop, page, alice, secret):
    freeze_create(scopes.named("everything"), parse(WEEKEND), by=page(alice))
    starts = [each.start for each in occurrences(subscribed(secret))]
    summer = [each for each in starts if 4 <= each.month <= 9]
    winter = [each for each in starts if each.month in (12, 1, 2)]
    assert {each.hour for each in summer} == {16} and {each.hour for each in winter} == {17}
    assert all(each.tzinfo is not None and each.utcoffset() == timedelta() for each in starts)


def test_ids_are_each_once_and_the_same_the_next_time(shop, page, alice, secret):
    freeze = freeze_create(scopes.named("everything"), parse(WEEKEND), by=page(alice))
    first = [str(each["UID"]) for each in occurrences(subscribed(secret))]
    freeze_change(freeze, parse({"reason": "the office is shut"}, base=freeze), by=page(alice))
    assert [str(each["UID"]) for each in occurrences(subscribed(secret))] == first
    assert len(set(first)) == len(first)


def test_what_people_write_is_escaped_and_long_lines_are_folded(shop, page, alice, secret):
    title, reason = "a;b,c\\d \x07é", "first\r\nsecond\rBEGIN:VEVENT " + "ü" * 200
    freeze_create(
        scopes.named("everything"),
        always(title=title, reason=reason, link="https://x.example/?a=1,2;3"),
        by=page(alice),
    )
    body = subscribed(secret)
    assert all(len(line) <= 75 for line in body.split(b"\r\n")) and b"\n" not in body.replace(b"\r\n", b"")
    (event,) = occurrences(body)
    assert event["SUMMARY"] == "Freeze: a;b,c\\d é"
    assert event["DESCRIPTION"].split("\n")[:3] == ["first", "second", "BEGIN:VEVENT " + "ü" * 200]
    assert event["DESCRIPTION"].endswith("https://x.example/?a=1,2;3")


def test_it_says_what_warns_and_what_passes_and_leaves_out_what_is_withdrawn(shop, page, alice, secret):
    freeze_create(scopes.named("everything"), always(title="Soft", effect="warn"), by=page(alice))
    freeze_create(scopes.named("everything"), always(title="Hard", allows=["rollback"]), by=page(alice))
    gone = freeze_create(scopes.named("everything"), always(title="Gone"), by=page(alice))
    freeze_withdraw(gone, by=page(alice))
    found = {str(each["SUMMARY"]): str(each["DESCRIPTION"]) for each in occurrences(subscribed(secret))}
    assert set(found) == {"Warning: Soft", "Freeze: Hard"}
    assert "Stops nobody, it warns." in found["Warning: Soft"]
    assert "Rollbacks pass." in found["Freeze: Hard"]


def test_a_calendar_without_freezes_is_a_calendar(shop, secret):
    assert occurrences(subscribed(secret)) == []


def test_it_shows_what_its_person_may_see(shop, page, alice, secret):
    freeze_create(scopes.named("service", service="search"), always(title="Search"), by=page(alice))
    freeze_create(scopes.named("everything"), always(title="All"), by=page(alice))
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    assert [str(each["SUMMARY"]) for each in occurrences(subscribed(secret))] == ["Freeze: All"]


def refused(secret):
    answer = Client().get(f"/locks/freezes/feed/{secret}/freezes.ics")
    return answer.status_code == 404 and b"VCALENDAR" not in answer.content


def test_a_new_address_ends_the_old_one_and_revoking_ends_both(shop, page, bob, secret):
    fresh = feed_renew(by=page(bob))
    assert fresh != secret and refused(secret) and subscribed(fresh)
    for _ in range(2):
        feed_revoke(by=page(bob))
    assert refused(fresh) and feed_secret(page(bob)) is None
    assert events("feed") == ["feed.made", "feed.renewed", "feed.revoked"]


def test_it_ends_with_the_account(shop, bob, secret):
    user_update(bob, {"is_active": False}, by=SETUP)
    assert refused(secret)


@pytest.mark.parametrize("guess", ["x", "0" * 40, "%27", "é"])
def test_a_guess_finds_nothing(shop, secret, guess):
    assert refused(guess)


def test_the_address_is_in_no_event_and_not_in_the_clear(shop, secret):
    row = Feed.objects.get()
    assert secret not in row.sealed + row.secret_hash
    assert not any(secret in str([each.before, each.after, each.payload, each.title]) for each in Event.objects.all())


def test_reading_is_noted_once_a_minute_and_only_reading_is_allowed(shop, secret):
    assert Feed.objects.get().read_at is None
    subscribed(secret)
    first = Feed.objects.get().read_at
    subscribed(secret)
    assert Feed.objects.get().read_at == first is not None
    assert Client().post(f"/locks/freezes/feed/{secret}/freezes.ics").status_code == 405
    assert Client().head(f"/locks/freezes/feed/{secret}/freezes.ics").status_code == 200


def test_after_the_secret_key_has_changed_programs_read_on_and_the_page_offers_a_new_address(
    shop, page, bob, secret, settings
):
    settings.SECRET_KEY = "another"
    assert subscribed(secret)
    assert feed_secret(page(bob)) is None
    client = Client()
    client.force_login(bob)
    html = client.get("/locks/freezes").content.decode()
    assert "Make my address" in html and secret not in html


def test_a_program_has_no_calendar(db):
    with pytest.raises(Refused, match="Only people"):
        feed_renew(by=SETUP)
    assert not Feed.objects.exists() and events("feed") == []


def test_the_page_makes_shows_and_turns_off_ones_own_address(shop, bob, charlie, page):
    client = Client()
    client.force_login(bob)
    assert client.post("/locks/freezes/feed").status_code == 303
    secret = feed_secret(page(bob))
    assert f"/locks/freezes/feed/{secret}/freezes.ics" in client.get("/locks/freezes").content.decode()
    other = Client()
    other.force_login(charlie)
    assert secret not in other.get("/locks/freezes").content.decode()
    assert client.post("/locks/freezes/feed/revocation").status_code == 303
    assert refused(secret)
    for path in ("/locks/freezes/feed", "/locks/freezes/feed/revocation"):
        assert client.get(path).status_code == 405
        assert Client().post(path).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_two_renewals_at_once_leave_one_address(page, bob):
    by, made = page(bob), []

    def renew():
        made.append(feed_renew(by=by))
        connection.close()

    threads = [Thread(target=renew) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert len(set(made)) == 4 and Feed.objects.count() == 1
    assert sum(not refused(each) for each in made) == 1


def test_the_dates_are_those_of_the_database(shop, page, alice, secret):
    starts = datetime(2027, 3, 28, 0, 30, tzinfo=UTC)
    wish = parse(
        {
            "title": "Spring",
            "reason": "the gap",
            "timezone": "Europe/Dublin",
            "starts": "2027-03-28T00:30",
            "duration": "2h",
        }
    )
    freeze_create(scopes.named("everything"), wish, by=page(alice))
    (event,) = occurrences(subscribed(secret))
    # From 00:30 to 02:30 on the wall; 01:00 to 02:00 does not happen.
    assert (event.start, event.end) == (starts, starts + timedelta(hours=1))
