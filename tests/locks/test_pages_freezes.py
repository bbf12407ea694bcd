"""Freezes in the browser: the calendar, the form and its preview, and who may."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks import scopes
from locks.commands import freeze_change, freeze_create, freeze_withdraw
from locks.models import Freeze, Window
from locks.wishes import parse
from portal.accounts.commands import user_update
from portal.kit.clock import database_now
from tests.conftest import SETUP, events
from tests.locks.test_freezes import ICS, WEEKEND, always

HTMX = {"HX-Request": "true"}
FORM = {
    "scope": "service",
    "service": "checkout",
    "title": "Weekend",
    "reason": "nobody is in the office",
    "starts": "2026-01-02T17:00",
    "length": "63h",
    "timezone": "Europe/Dublin",
    "repeats": "week",
    "days": ["FR"],
    "interval": "1",
    "monthly": "date",
    "effect": "block",
}


def at(user):
    client = Client()
    client.force_login(user)
    return client


def text(user, url, **headers):
    answer = at(user).get(url, headers=headers)
    assert answer.status_code == 200, answer.content
    return answer.content.decode()


@pytest.fixture
def weekend(shop, page, alice):
    return freeze_create(scopes.named("tier", tier="production"), parse(WEEKEND), by=page(alice))


def test_a_freeze_that_is_on_shows_among_the_locks(shop, bob, page, alice):
    freeze = freeze_create(scopes.named("everything"), always(), by=page(alice))
    html = text(bob, "/locks/", **HTMX)
    assert freeze.get_absolute_url() in html and "books are closing" in html
    assert "Ask for an override" in text(bob, freeze.get_absolute_url())
    freeze_withdraw(freeze, by=page(alice))
    assert freeze.get_absolute_url() not in text(bob, "/locks/", **HTMX)
    assert "Ask for an override" not in text(bob, freeze.get_absolute_url())


def untouched(freeze):
    return Freeze.objects.get(pk=freeze.pk).facts() == freeze.facts()


# The list and the calendar


def test_the_list_says_what_when_and_whether_now(shop, page, alice, bob, weekend):
    freeze_create(scopes.named("service", service="search"), always(effect="warn"), by=page(alice))
    html = text(bob, "/locks/freezes")
    assert "Every Friday 17:00 to Monday 08:00" in html and "Europe/Dublin" in html
    assert "Every production environment" in html and "nobody is in the office" in html
    assert "on now" in html and "only warns" in html
    # What is on stands before what comes.
    assert html.index(">Quarter end</a>", html.index("<tbody role")) < html.index(
        ">Weekend</a>", html.index("<tbody role")
    )


def test_a_month_shows_each_window_once_a_week_with_a_link_and_lists_it(shop, bob, weekend):
    Freeze.objects.update(known_until=database_now())
    Window.objects.all().delete()  # reckoned, then
    html = text(bob, "/locks/freezes?month=2027-05")
    grid, rest = html.split('id="month-2027-05"')[1].split('id="month-2027-06"')
    assert grid.count('class="bar bar-block') == 10  # five weekends, each in two weeks of the month
    assert (
        "Weekend: Fri 7 May 2027, 16:00 to Mon 10 May 2027, 07:00. Every production environment, stops everybody."
        in grid
    )
    assert grid.count(f'href="/locks/freezes/{weekend.public_id}"') == 10 + 5
    assert "5 windows in May 2027" in grid and "June 2027" in rest
    assert 'href="?month=2027-04"' in html and 'href="?month=2027-06"' in html


def test_laid_and_reckoned_windows_are_the_same_calendar(shop, bob, weekend):
    month = "/locks/freezes?month=2027-05"
    laid = text(bob, month, **HTMX)
    Freeze.objects.update(known_until=datetime(2027, 5, 16, 12, tzinfo=UTC))
    Window.objects.filter(starts_at__gte=datetime(2027, 5, 16, 12, tzinfo=UTC)).delete()
    assert text(bob, month, **HTMX).split('id="month-2027-05"')[1] == laid.split('id="month-2027-05"')[1]


def test_the_calendar_is_in_the_time_of_the_viewer(shop, bob, weekend):
    user_update(bob, {"timezone": "Pacific/Auckland"}, by=SETUP)
    html = text(bob, "/locks/freezes?month=2027-05")
    assert "Weekend: Sat 8 May 2027, 04:00 to Mon 10 May 2027, 19:00." in html
    assert "times in Pacific/Auckland" in html


def test_today_is_marked_in_word_and_number(shop, bob):
    html = text(bob, "/locks/freezes")
    assert html.count('aria-current="date"') == 1 and '<span class="sr-only">, today</span>' in html
    assert "Nothing is frozen in" in html and "Nothing is frozen, and nothing will be" in html
    assert 'aria-current="date"' not in text(bob, "/locks/freezes?month=2027-05")


def test_a_withdrawn_freeze_leaves_the_calendar_and_stays_among_the_withdrawn(shop, page, alice, bob, weekend):
    freeze_withdraw(weekend, by=page(alice))
    assert "Weekend" not in text(bob, "/locks/freezes")
    html = text(bob, "/locks/freezes?state=withdrawn")
    assert "Weekend" in html and "by Alice" in html and 'class="days"' not in html


def test_an_unchanged_calendar_answers_204_until_a_freeze_is_made(shop, page, alice, bob):
    client = at(bob)
    stamp = HTMX | {"X-Stamp": client.get("/locks/freezes")["X-Stamp"]}
    assert client.get("/locks/freezes", headers=stamp).status_code == 204
    freeze_create(scopes.named("everything"), always(), by=page(alice))
    answer = client.get("/locks/freezes", headers=stamp)
    assert (
        answer.status_code == 200
        and "<html" not in answer.content.decode()
        and "Make my address" not in answer.content.decode()
    )


def test_the_page_asks_as_often_for_thirty_freezes_as_for_one(shop, page, alice, bob):
    def asked(url):
        client = at(bob)
        with CaptureQueriesContext(connection) as queries:
            assert client.get(url).status_code == 200
        return len(queries)

    freeze_create(scopes.named("everything"), parse(WEEKEND), by=page(alice))
    one = asked("/locks/freezes")
    for number in range(29):
        freeze_create(
            scopes.named("service", service="search"), parse(WEEKEND | {"title": f"F{number}"}), by=page(alice)
        )
    assert asked("/locks/freezes") == one


def test_what_names_a_hidden_service_is_not_shown(shop, page, alice, bob):
    hidden = freeze_create(scopes.named("service", service="search"), always(), by=page(alice))
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    assert "Quarter end" not in text(bob, "/locks/freezes")
    assert at(bob).get(hidden.get_absolute_url()).status_code == 404


# One freeze


def test_a_freeze_has_a_page_with_its_next_times_its_history_and_what_it_stopped(shop, page, alice, bob, ci):
    freeze = freeze_create(scopes.named("everything"), always(link="https://wiki.example/q"), by=page(alice))
    assert ci.get("gate", service="checkout", environment="production", run="https://ci.example/7").status == 423
    freeze_change(freeze, parse({"reason": "books are closing late"}, base=freeze), by=page(alice))
    html = text(bob, freeze.get_absolute_url())
    assert "On now: everything, stops everybody" in html and "https://ci.example/7" in html
    assert "Made" in html and "Changed" in html and "https://wiki.example/q" in html
    assert freeze.get_absolute_url() in text(bob, "/locks/?state=blocked")


def test_a_freeze_tells_its_times_on_both_walls(shop, bob, weekend):
    user_update(bob, {"timezone": "Europe/Berlin"}, by=SETUP)
    html = text(bob, weekend.get_absolute_url())
    assert "18:00 to Mon" in html and "17:00 to Mon" in html and "in Europe/Dublin" in html


def test_only_its_owners_see_the_buttons_and_others_are_refused(shop, page, alice, bob, charlie, weekend):
    own = freeze_create(scopes.named("service", service="checkout"), always(), by=page(alice))
    edit, withdrawal = f"{own.get_absolute_url()}/edit", f"{own.get_absolute_url()}/withdrawal"
    assert edit in text(bob, own.get_absolute_url()) and edit in text(bob, "/locks/freezes")
    for html in (text(charlie, own.get_absolute_url()), text(charlie, "/locks/freezes")):
        assert "/edit" not in html and "Withdraw it" not in html and "/locks/freezes/new" not in html
    for answer in (
        at(charlie).get(edit),
        at(charlie).post(edit, FORM),
        at(charlie).post(withdrawal),
        at(charlie).get("/locks/freezes/new"),
    ):
        assert answer.status_code == 403 and "Charlie may not make and change freezes here" in answer.content.decode()
    assert untouched(own) and events("freeze") == ["freeze.created", "freeze.created"]


def test_bob_withdraws_what_his_team_owns_and_twice_is_once(shop, page, alice, bob):
    freeze = freeze_create(scopes.named("service", service="checkout"), always(), by=page(alice))
    for _ in range(2):
        answer = at(bob).post(f"{freeze.get_absolute_url()}/withdrawal", headers=HTMX)
        assert answer["HX-Redirect"] == freeze.get_absolute_url()
    assert Freeze.objects.get().withdrawn_by == "Bob"
    assert events("freeze") == ["freeze.created", "freeze.withdrawn"]
    assert "Withdrawn" in text(bob, freeze.get_absolute_url())
    assert at(bob).get(f"{freeze.get_absolute_url()}/edit").status_code == 409
    assert at(bob).get(f"{freeze.get_absolute_url()}/withdrawal").status_code == 405


# Making one


def test_bob_freezes_the_weekends_of_his_service(shop, bob):
    answer = at(bob).post("/locks/freezes/new", FORM)
    freeze = Freeze.objects.get()
    assert answer.status_code == 303 and answer["Location"] == freeze.get_absolute_url()
    assert (freeze.covers, freeze.rrule, freeze.duration) == (
        "checkout everywhere",
        "FREQ=WEEKLY;BYDAY=FR",
        timedelta(hours=63),
    )
    assert (freeze.timezone, freeze.starts, freeze.holder_name) == ("Europe/Dublin", "2026-01-02T17:00", "Bob")
    assert events("freeze") == ["freeze.created"]


@pytest.mark.parametrize(
    ("chosen", "rrule"),
    [
        ({"repeats": ""}, ""),
        ({"repeats": "day", "interval": "2", "until": "2027-12-31"}, "FREQ=DAILY;INTERVAL=2;UNTIL=20271231T235959"),
        ({"repeats": "week", "days": ["MO", "WE"]}, "FREQ=WEEKLY;BYDAY=MO,WE"),
        ({"repeats": "month", "monthly": "last_workday"}, "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1"),
        ({"repeats": "year"}, "FREQ=YEARLY"),
        ({"repeats": "rule", "rule": "FREQ=MONTHLY;BYDAY=2TU"}, "FREQ=MONTHLY;BYDAY=2TU"),
    ],
)
def test_what_is_chosen_is_what_is_kept_and_what_the_form_shows_again(shop, bob, chosen, rrule):
    at(bob).post("/locks/freezes/new", FORM | chosen)
    freeze = Freeze.objects.get()
    assert freeze.rrule == rrule
    edit = f"{freeze.get_absolute_url()}/edit"
    html = text(bob, edit)
    shown = chosen["repeats"]
    assert f'name="repeats" value="{shown}"' in html and f'value="{shown}" id="id_repeats' in html
    assert at(bob).post(edit, FORM | chosen | {"seen": freeze.edition}).status_code == 303
    assert untouched(freeze) and events("freeze") == ["freeze.created"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"title": ""}, "Give it a name"),
        ({"reason": ""}, "Say why"),
        ({"reason": "x"}, "in 3 characters or more"),
        ({"service": ""}, "Name the service."),
        ({"service": "chekout"}, "Did you mean checkout?"),
        ({"starts": ""}, "Say when it first begins."),
        ({"length": ""}, "Say how long it lasts."),
        ({"until": "2020-01-01"}, "Ends before it first happens."),
        ({"starts": "soon"}, "Must be a day and time without an offset"),
        ({"length": "a while"}, "Must be a length of time"),
        ({"length": "400d"}, "366 days at most"),
        ({"timezone": "Mars/Olympus"}, "Must be a time zone"),
        ({"repeats": "rule", "rule": ""}, "Write the rule"),
        ({"repeats": "rule", "rule": "FREQ=SECONDLY"}, "Needs FREQ, one of"),
        ({"repeats": "rule", "rule": "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"}, "Never happens"),
        ({"repeats": "fortnight"}, "not one of the available choices"),
        ({"interval": "0"}, "greater than or equal to 1"),
        ({"exceptions": "Christmas"}, "Must be a day (2026-12-25)"),
        ({"ics": "BEGIN:VCALENDAR"}, "Must be the text of an iCalendar file"),
        ({"link": "javascript:1"}, "Must start with https://"),
        ({"effect": "none"}, "not one of the available choices"),
    ],
)
def test_a_wrong_form_comes_back_with_its_error_and_makes_nothing(shop, bob, wrong, says):
    answer = at(bob).post("/locks/freezes/new", FORM | wrong, headers=HTMX)
    html = answer.content.decode()
    assert answer.status_code == 422 and "<html" not in html
    assert says in html and 'aria-invalid="true"' in html
    assert not Freeze.objects.exists() and events("freeze") == []


def test_bob_may_freeze_only_what_is_his_and_the_form_says_so(shop, bob):
    answer = at(bob).post("/locks/freezes/new", FORM | {"scope": "everything"}, headers=HTMX)
    assert answer.status_code == 422 and "Bob may not make and change freezes here" in answer.content.decode()
    assert not Freeze.objects.exists()


def uploaded(body, name="holidays.ics"):
    return SimpleUploadedFile(name, body if isinstance(body, bytes) else body.encode(), "text/calendar")


def test_holidays_are_uploaded_kept_replaced_and_taken_out(shop, alice):
    only = FORM | {"scope": "everything", "starts": "", "length": "", "repeats": "", "timezone": "Europe/Paris"}
    at(alice).post("/locks/freezes/new", only | {"ics_file": uploaded(ICS)})
    freeze = Freeze.objects.get()
    assert [each["name"] for each in freeze.holidays] == ["Christmas Day", "Stocktaking"]
    edit = f"{freeze.get_absolute_url()}/edit"
    assert "(2 so far)" in text(alice, edit)
    at(alice).post(edit, only | {"title": "Holidays"})
    assert len(Freeze.objects.get(title="Holidays").holidays) == 2
    at(alice).post(edit, only | {"ics": ICS.replace("Christmas Day", "Christmas")})
    assert Freeze.objects.get().holidays[0]["name"] == "Christmas"
    refused = at(alice).post(edit, only | {"drop_holidays": "on"})
    assert refused.status_code == 422 and len(Freeze.objects.get().holidays) == 2  # nothing would be left
    at(alice).post(edit, FORM | {"drop_holidays": "on"})
    assert Freeze.objects.get().holidays == []


@pytest.mark.parametrize(
    ("body", "says"),
    [(b"\xff\xfe\x00", "not UTF-8"), (b"x" * 1024 * 1025, "larger than 1 MiB"), (b"PK", "text of an iCalendar")],
)
def test_a_file_that_is_no_calendar_is_refused(shop, bob, body, says):
    answer = at(bob).post("/locks/freezes/new", FORM | {"ics_file": uploaded(body)}, headers=HTMX)
    assert answer.status_code == 422 and says in answer.content.decode()
    assert not Freeze.objects.exists()


def test_a_file_comes_back_as_text_when_something_else_is_wrong(shop, bob):
    answer = at(bob).post("/locks/freezes/new", FORM | {"ics_file": uploaded(ICS), "title": ""}, headers=HTMX)
    assert answer.status_code == 422 and "SUMMARY:Stocktaking" in answer.content.decode()


def test_the_second_of_two_who_change_it_at_once_is_told_to_look_again(shop, page, alice, bob):
    freeze = freeze_create(scopes.named("service", service="checkout"), always(), by=page(alice))
    form = FORM | {"seen": freeze.edition}
    freeze_change(freeze, parse({"reason": "another reason"}, base=freeze), by=page(alice))
    answer = at(bob).post(f"{freeze.get_absolute_url()}/edit", form, headers=HTMX)
    assert answer.status_code == 422 and "Somebody has changed this freeze meanwhile" in answer.content.decode()
    assert Freeze.objects.get().reason == "another reason"
    assert events("freeze") == ["freeze.created", "freeze.changed"]


# The preview


def previewed(user, form, of=None):
    answer = at(user).post(f"/locks/freezes/preview?of={of.public_id}" if of else "/locks/freezes/preview", form)
    assert answer.status_code == 200 and not answer.content.startswith(b"<!doctype")
    return answer.content.decode()


def test_the_preview_tells_the_next_times_and_what_they_will_stop(shop, bob):
    html = previewed(bob, FORM | {"title": "", "reason": ""})
    assert html.count("2 days 15 h") == 5 and "17:00 to Mon" in html
    assert "2 places" in html and "checkout in production" in html and "checkout in staging" in html
    assert not Freeze.objects.exists()


def test_the_preview_says_that_it_is_on_at_once(shop, bob):
    starts = (database_now() - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M")
    html = previewed(bob, FORM | {"starts": starts, "length": "2h", "repeats": "", "timezone": "UTC"})
    assert "It is on at once" in html


def test_the_preview_of_half_a_form_is_no_error_and_of_a_wrong_one_says_what(shop, bob):
    for asked in ({}, {"scope": "pair"}, {"starts": "2026-01-02T17:00"}, {"scope": "planet"}):
        previewed(bob, asked)
    assert "Name the" not in previewed(bob, {})
    assert "There is no service called" in previewed(bob, FORM | {"service": "chekout"})
    assert "must be a time zone" in previewed(bob, FORM | {"timezone": "Mars"})
    assert "never on" in previewed(bob, FORM | {"repeats": "", "starts": "2020-01-01T00:00"})


def test_the_preview_of_a_change_reads_its_scope_and_its_holidays(shop, page, alice):
    wish = parse({"title": "H", "reason": "bank holidays", "timezone": "Europe/Paris", "ics": ICS})
    freeze = freeze_create(scopes.named("environment", environment="staging"), wish, by=page(alice))
    html = previewed(alice, {"timezone": "Europe/Paris"}, of=freeze)
    assert "24 Dec, 23:00 to Fri 25 Dec, 23:00" in html and "checkout in staging" in html


# Elsewhere


def test_the_banner_tells_of_a_freeze_before_and_while_it_is_on(shop, page, alice, bob):
    soon = (database_now() + timedelta(hours=3)).strftime("%Y-%m-%dT%H:%M")
    later = (database_now() + timedelta(hours=5)).strftime("%Y-%m-%dT%H:%M")
    freeze_create(scopes.named("tier", tier="production"), always(title="Soon one", starts=soon), by=page(alice))
    freeze_create(scopes.named("everything"), always(title="Later one", starts=later), by=page(alice))
    freeze_create(scopes.named("service", service="search"), always(title="Small one"), by=page(alice))
    freeze_create(scopes.named("everything"), always(title="Soft one", effect="warn"), by=page(alice))
    on = freeze_create(scopes.named("environment", environment="production"), always(title="Now one"), by=page(alice))
    html = text(bob, "/banner", **HTMX)
    assert html.count("banner-freeze") == 2
    assert "Alice’s freeze “Now one” stops everybody in all of production until" in html
    assert "Soon: Alice’s freeze “Soon one” stops everybody in every production environment from" in html
    assert on.get_absolute_url() in html and "books are closing" in html
    freeze_withdraw(on, by=page(alice))
    assert "Now one" not in text(bob, "/banner", **HTMX)


def test_the_banner_is_in_the_time_of_the_viewer(shop, page, alice, bob):
    user_update(bob, {"timezone": "Asia/Kolkata"}, by=SETUP)
    freeze = freeze_create(scopes.named("everything"), always(), by=page(alice))
    there = freeze.laid.get().ends_at.astimezone(ZoneInfo("Asia/Kolkata"))
    assert f"until {there:%a} {there.day} {there:%b %H:%M} IST" in text(bob, "/banner", **HTMX)


def test_the_banner_changes_when_a_freeze_comes_near_by_the_clock_alone(shop, page, alice, bob):
    freeze = freeze_create(scopes.named("everything"), parse(WEEKEND), by=page(alice))
    Window.objects.all().delete()
    window = freeze.laid.create(
        starts_at=database_now() + timedelta(hours=5), ends_at=database_now() + timedelta(hours=9)
    )
    client = at(bob)
    stamp = HTMX | {"X-Stamp": client.get("/banner", headers=HTMX)["X-Stamp"]}
    assert client.get("/banner", headers=stamp).status_code == 204
    Window.objects.filter(pk=window.pk).update(starts_at=database_now() + timedelta(hours=3))
    assert "Soon:" in client.get("/banner", headers=stamp).content.decode()


def test_the_panels_of_a_service_and_an_environment_name_the_freeze(shop, page, alice, bob):
    freeze = freeze_create(scopes.named("tier", tier="production"), always(), by=page(alice))
    for panel in ("/locks/panel/checkout", "/locks/environment-panel/production"):
        html = text(bob, panel, **HTMX)
        assert freeze.get_absolute_url() in html and "books are closing" in html
    assert "Frozen" in text(bob, "/locks/panel/checkout", **HTMX)
    assert "Nothing is locked here" not in text(bob, "/locks/environment-panel/production", **HTMX)
    assert "Quarter end" not in text(bob, "/locks/environment-panel/staging", **HTMX)


def test_may_i_deploy_leads_to_the_freeze(shop, bob, weekend):
    html = text(bob, "/locks/explained?service=checkout&environment=production&who=ci")
    assert weekend.get_absolute_url() in html
