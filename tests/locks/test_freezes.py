from datetime import UTC, datetime, timedelta

import pytest

from catalog import queries as catalog
from catalog.commands import entity_delete, entity_write
from catalog.wishes import Wish
from locks import scopes
from locks.commands import freeze_change, freeze_create, freeze_withdraw, freezes_lay, freezes_tell, lock_take
from locks.models import Freeze, Window
from locks.queries import decide, decide_many
from locks.wishes import parse
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Refused
from tests.conftest import SETUP, events
from tests.locks.test_decide import PROGRAM

WEEKEND = {
    "title": "Weekend",
    "reason": "nobody is in the office",
    "timezone": "Europe/Dublin",
    "starts": "2026-01-02T17:00",
    "duration": "63h",
    "rrule": "FREQ=WEEKLY;BYDAY=FR",
}
FRIDAY = datetime(2026, 12, 4, 17, tzinfo=UTC)
MONDAY = datetime(2026, 12, 7, 8, tzinfo=UTC)
TICK = timedelta(microseconds=1)
ICS = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//x//y//EN\r
BEGIN:VEVENT\r
UID:1\r
SUMMARY:Christmas Day\r
DTSTART;VALUE=DATE:20251225\r
RRULE:FREQ=YEARLY\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:2\r
SUMMARY:Stocktaking\r
DTSTART:20270105T060000Z\r
DTEND:20270105T090000Z\r
END:VEVENT\r
END:VCALENDAR\r
"""


def always(**more):
    """On for a week from yesterday."""
    starts = (database_now() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M")
    return parse({"title": "Quarter end", "reason": "books are closing", "starts": starts, "duration": "7d"} | more)


@pytest.fixture
def weekend(shop, page, alice):
    return freeze_create(scopes.named("tier", tier="production"), parse(WEEKEND), by=page(alice))


def test_a_freeze_closes_what_it_covers_while_it_is_on_half_open(weekend, shop):
    outcomes = [
        decide(shop.checkout_production, by=PROGRAM, now=at).outcome
        for at in (FRIDAY - TICK, FRIDAY, MONDAY - TICK, MONDAY)
    ]
    assert outcomes == ["allow", "deny", "deny", "allow"]
    assert decide(shop.checkout_staging, by=PROGRAM, now=FRIDAY).outcome == "allow"


def test_a_denial_by_a_freeze_says_so_and_when_it_opens(weekend, shop):
    decision = decide(shop.checkout_production, by=PROGRAM, now=FRIDAY)
    assert (decision.stopped_by, decision.next_open_at) == ("freeze", MONDAY)
    assert decision.message.startswith("checkout in production is frozen by Alice (freeze “Weekend”) until Mon 7 Dec")


def test_it_does_not_open_when_one_freeze_follows_on_another(weekend, shop, page, alice):
    after = parse(WEEKEND | {"starts": "2026-12-07T08:00", "duration": "1d", "rrule": ""})
    freeze_create(scopes.pair(shop.checkout_production), after, by=page(alice))
    decision = decide(shop.checkout_production, by=PROGRAM, now=FRIDAY)
    assert decision.next_open_at == MONDAY + timedelta(days=1)


def test_a_lock_is_named_before_a_freeze_and_both_are_listed(shop, page, alice):
    freeze_create(scopes.pair(shop.checkout_production), always(), by=page(alice))
    lock_take(scopes.named("everything"), reason="fire", by=page(alice))
    decision = decide(shop.checkout_production, by=PROGRAM)
    assert (decision.stopped_by, len(decision.locks), len(decision.freezes)) == ("lock", 1, 1)
    assert decision.message.endswith(": fire (1 more)")
    lock_take(scopes.named("service", service="checkout"), reason="mind the gap", effect="warn", by=page(alice))
    assert decide(shop.checkout_production, by=PROGRAM).message.endswith(": fire (1 more)"), (
        "what stops, not what warns"
    )


def test_a_freeze_may_let_rollbacks_through(shop, page, alice):
    freeze_create(scopes.pair(shop.checkout_production), always(allows=["rollback"]), by=page(alice))
    assert decide(shop.checkout_production, by=PROGRAM).outcome == "deny"
    assert decide(shop.checkout_production, by=PROGRAM, intent="rollback").outcome == "warn"


def test_a_rollback_does_not_pass_a_lock_that_does_not_name_it(shop, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="fire", kind="incident", by=page(alice))
    assert decide(shop.checkout_production, by=PROGRAM, intent="rollback").outcome == "deny"


def test_the_holder_passes_his_own_lock_in_person_when_it_says_so(shop, page, bob, charlie):
    lock_take(scopes.pair(shop.checkout_production), reason="mine", allows=["holder"], by=page(bob))
    asked = [decide(shop.checkout_production, by=by).outcome for by in (page(bob), page(charlie), PROGRAM)]
    assert asked == ["warn", "deny", "deny"]


def test_a_freeze_is_exact_with_every_worker_stopped_for_years(weekend, shop):
    friday = datetime(2032, 12, 3, 17, tzinfo=UTC)
    assert not Window.objects.filter(starts_at__gte=friday).exists()
    outcomes = [decide(shop.checkout_production, by=PROGRAM, now=at).outcome for at in (friday - TICK, friday)]
    assert outcomes == ["allow", "deny"]
    many = decide_many([shop.checkout_production], now=friday).values()
    assert [each.outcome for each in many] == ["deny"]


def test_windows_are_laid_again_before_they_run_out(weekend):
    Freeze.objects.update(known_until=database_now() + timedelta(days=1))
    Window.objects.filter(starts_at__gt=database_now() + timedelta(days=1)).delete()
    assert [freezes_lay(), freezes_lay()] == [1, 0]
    assert Window.objects.latest("starts_at").starts_at > database_now() + timedelta(days=740)


def test_beginning_and_end_are_told_once(shop, page, alice):
    freeze = freeze_create(scopes.named("everything"), always(), by=page(alice))
    assert freezes_tell() == 0
    now = database_now()
    Freeze.objects.update(told_until=now - timedelta(days=2))
    assert [freezes_tell(), freezes_tell()] == [1, 0]
    freeze.laid.update(ends_at=now - TICK)
    Freeze.objects.update(told_until=now - timedelta(hours=1))
    assert [freezes_tell(), freezes_tell()] == [1, 0]
    assert events("freeze") == ["freeze.created", "freeze.began", "freeze.ended"]


def test_changing_moves_the_windows_and_the_same_again_is_no_event(weekend, shop, page, alice):
    same = freeze_change(weekend, parse(WEEKEND), by=page(alice))
    assert freeze_change(same, parse({"duration": "1h"}, base=same), by=page(alice)).duration == timedelta(hours=1)
    assert not decide(shop.checkout_production, by=PROGRAM, now=FRIDAY + timedelta(hours=1)).denies
    assert events("freeze") == ["freeze.created", "freeze.changed"]


def test_withdrawing_opens_at_once_and_twice_is_once(shop, page, alice):
    freeze = freeze_create(scopes.named("everything"), always(), by=page(alice))
    first, second = (freeze_withdraw(freeze, by=page(alice)) for _ in range(2))
    assert first.withdrawn_at == second.withdrawn_at
    assert not decide(shop.checkout_production, by=PROGRAM).denies
    assert events("freeze") == ["freeze.created", "freeze.withdrawn"]
    with pytest.raises(Conflict, match="withdrawn"):
        freeze_change(freeze, always(reason="again"), by=page(alice))


def test_only_owners_freeze_and_nothing_is_left_behind(shop, page, bob, charlie):
    with pytest.raises(Refused, match="payments"):
        freeze_create(scopes.named("service", service="checkout"), always(), by=page(charlie))
    with pytest.raises(Refused):
        freeze_create(scopes.named("everything"), always(), by=page(bob))
    assert not Freeze.objects.exists() and events("freeze") == []
    assert freeze_create(scopes.named("service", service="checkout"), always(), by=page(bob))


def test_what_a_freeze_covers_is_not_deleted_or_renamed_away(weekend, shop, page, alice, charlie):
    freeze_create(scopes.named("service", service="search"), always(), by=page(alice))
    with pytest.raises(Conflict, match="withdraw it first"):
        entity_delete(catalog.service_named("search"), by=SETUP)
    writer = PROGRAM.__class__(PROGRAM.actor.__class__("credential", "credential:9", "W", scopes=frozenset({"catalog:write"})), "api")  # fmt: skip
    with pytest.raises(Conflict, match="freeze “Weekend”"):
        entity_write(Wish("environment", "production", "patch", properties={"tier": "test"}), by=writer)
    entity_write(Wish("service", "search", "patch", rename="find"), by=SETUP)
    assert Freeze.objects.get(title="Quarter end").service_identifier == "find"


def test_over_http_made_read_changed_foreseen_and_withdrawn(shop, ci):
    sent = WEEKEND | {"scope": "tier", "tier": "production", "allows": ["rollback"]}
    made = ci.post("freezes", sent)
    assert made.status == 201 and len(made.json["freeze"]["windows"]) == 5
    path = f"freezes/{made.json['freeze']['id']}"
    read = ci.get(path).json["freeze"]
    assert {name: read[name] for name in sent} == sent | {"duration": "2d15h"}
    assert ci.send("patch", path, read).json["freeze"] == read  # a round trip
    assert [each["id"] for each in ci.get("freezes").json["freezes"]] == [read["id"]]
    place = {"service": "checkout", "environment": "prod"}
    assert len(ci.get("freezes", **place).json["freezes"]) == 1
    assert ci.get("freezes", service="checkout", environment="staging").json["freezes"] == []
    eve = ci.get("freezes/preview", at="2026-12-05T12:00:00Z", **place).json
    assert (eve["decision"]["outcome"], eve["decision"]["stopped_by"]) == ("deny", "freeze")
    assert eve["windows"][0]["ends_at"] == "2026-12-07T08:00:00.000Z"
    draft = {name: WEEKEND[name] for name in ("timezone", "starts", "duration", "rrule")}
    assert len(ci.get("freezes/preview", **draft).json["windows"]) == 5
    moved = ci.send("patch", path, {"tier": "test"})
    assert (moved.status, moved.json["details"]["errors"][0]["path"]) == (422, "tier")
    assert ci.delete(path).json["freeze"]["withdrawn_by"] == "CI"
    assert ci.get("freezes").json["freezes"] == []
    assert ci.get("freezes/nothing").status == 404


def test_the_gate_answers_423_with_the_freeze_and_keeps_it(shop, ci):
    freeze = ci.post("freezes", {"scope": "everything", "title": "Now", "reason": "books", "timezone": "UTC",
                                 "starts": database_now().strftime("%Y-%m-%dT%H:%M"), "duration": "2h"}).json["freeze"]  # fmt: skip
    answer = ci.get("gate", service="checkout", environment="production")
    decision = answer.json["decision"]
    assert (answer.status, decision["stopped_by"], decision["locks"]) == (423, "freeze", [])
    assert decision["freezes"][0]["id"] == freeze["id"]
    assert decision["freezes"][0]["ends_at"] == decision["next_open_at"]


def test_holidays_come_from_a_calendar_file(shop, terraform):
    body = {
        "scope": "everything",
        "title": "Holidays",
        "reason": "bank holidays",
        "timezone": "Europe/Paris",
        "ics": ICS,
    }
    freeze = terraform.post("freezes", body).json["freeze"]
    assert [each["name"] for each in freeze["holidays"]] == ["Christmas Day", "Stocktaking"]
    assert freeze["windows"][0] == {"starts_at": "2026-12-24T23:00:00.000Z", "ends_at": "2026-12-25T23:00:00.000Z"}
    assert freeze["windows"][1] == {"starts_at": "2027-01-05T06:00:00.000Z", "ends_at": "2027-01-05T09:00:00.000Z"}


def test_holidays_are_taken_out_by_an_empty_list_and_never_written_by_hand(shop, terraform):
    made = terraform.post("freezes", WEEKEND | {"scope": "everything", "ics": ICS}).json["freeze"]
    path = f"freezes/{made['id']}"
    by_hand = terraform.send("patch", path, {"holidays": [{"name": "Mine"}]})
    assert (by_hand.status, by_hand.json["details"]["errors"][0]["path"]) == (422, "holidays")
    assert terraform.send("patch", path, {"holidays": None}).status == 422
    assert len(terraform.get(path).json["freeze"]["holidays"]) == 2
    assert terraform.send("patch", path, {"holidays": []}).json["freeze"]["holidays"] == []
    assert events("freeze") == ["freeze.created", "freeze.changed"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"title": ""}, "title"),
        ({"reason": "x"}, "reason"),
        ({"timezone": "Mars/Olympus"}, "timezone"),
        ({"starts": "2026-01-02T17:00:00Z"}, "starts"),
        ({"starts": None}, "starts"),
        ({"duration": "a while"}, "duration"),
        ({"rrule": "FREQ=SECONDLY"}, "rrule"),
        ({"exceptions": ["soon"]}, "exceptions.0"),
        ({"exceptions": "2026-12-25"}, "exceptions"),
        ({"allows": ["everybody"]}, "allows"),
        ({"effect": "none"}, "effect"),
        ({"link": "javascript:1"}, "link"),
        ({"ics": "BEGIN:VCALENDAR"}, "ics"),
        ({"scope": "world"}, "scope"),
        ({"service": "checkout"}, "service"),
    ],
)
def test_a_wrong_freeze_is_refused_with_its_path_and_leaves_nothing(shop, ci, change, path):
    answer = ci.post("freezes", WEEKEND | {"scope": "tier", "tier": "production"} | change)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert not Freeze.objects.exists()


def test_freezes_that_take_turns_for_years_are_looked_through_in_a_few_steps(shop, monkeypatch):
    for day in ("01", "02"):
        rule = {"starts": f"2024-01-{day}T00:00", "duration": "24h", "rrule": "FREQ=DAILY;INTERVAL=2"}
        freeze_create(scopes.named("service", service="checkout"), always(**rule), by=SETUP)
    looks, windows = [], Freeze.windows
    monkeypatch.setattr(Freeze, "windows", lambda self, *span: looks.append(span) or windows(self, *span))
    decision = decide(shop.checkout_production, by=PROGRAM)
    assert decision.next_open_at >= decision.at + timedelta(days=400)
    assert len(looks) <= 2 * 10
