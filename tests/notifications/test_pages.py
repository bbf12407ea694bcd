"""The pages where routes are read, made and tried, and the log."""

from html import unescape

import pytest

from locks import scopes
from locks.commands import lock_release, lock_take
from portal.audit import outbox
from portal.audit.models import Delivery
from portal.notifications.models import Route
from tests.conftest import SETUP, events
from tests.notifications.conftest import told

FILLED = {
    "name": "Mine",
    "events": ["lock.*"],
    "to": "channel",
    "address": "#ops",
    "enabled": "on",
    "quiet_zone": "UTC",
}


@pytest.fixture
def lock(shop, slack):
    return lock_take(scopes.pair(shop.checkout_production), reason="<b>debugging</b>", by=SETUP)


@pytest.fixture
def admin(client, alice):
    client.force_login(alice)
    return client


def page_of(route, part=""):
    return f"/notifications/routes/{route.public_id}{part}"


def test_a_member_reads_what_is_routed_but_no_address(client, bob, only):
    route = only(to="webhook", address="https://hooks.example/secret/path", services=["checkout"])
    only(name="Letters", to="email", address="dana@example.org")
    client.force_login(bob)
    said = client.get("/notifications/").content.decode()
    assert "everything about locks" in said and "an address of the administrators" in said
    assert "hooks.example" not in said and "dana@example.org" not in said and "checkout" not in said
    for path in ("/notifications/new", "/notifications/log", page_of(route)):
        assert client.get(path).status_code == 403
    for path in ("/notifications/preview", page_of(route, "/test"), page_of(route, "/removal")):
        assert client.post(path, FILLED).status_code == 403
    assert Route.objects.count() == 2 and not Delivery.objects.exists()


def test_an_administrator_makes_changes_and_deletes_a_route(admin, db):
    assert admin.post("/notifications/new", FILLED).status_code == 303
    route = Route.objects.get(name="Mine")
    assert (route.address, route.events) == ("ops", ["lock.*"])
    assert admin.get(page_of(route)).status_code == 200
    admin.post(
        page_of(route), FILLED | {"teams": "payments\n\nsearch\n", "quiet_from": "22:00", "quiet_until": "07:00"}
    )
    route.refresh_from_db()
    assert route.teams == ["payments", "search"] and str(route.quiet_from) == "22:00:00"
    admin.post(page_of(route, "/removal"))
    assert not Route.objects.filter(name="Mine").exists()
    assert events("route")[-3:] == ["route.created", "route.updated", "route.deleted"]


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"events": []}, "Choose at least one"),
        ({"address": "no channel!"}, "must be the name or the id of a channel".capitalize()),
        ({"quiet_from": "22:00"}, "Say both"),
        ({"name": "Locks"}, "There is a route called “Locks” already."),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_is_kept(admin, db, wrong, words):
    before = Route.objects.count()
    answer = admin.post("/notifications/new", FILLED | wrong)
    assert answer.status_code == 422 and words in unescape(answer.content.decode())
    assert Route.objects.count() == before


def test_a_form_shows_what_it_would_tell_before_it_is_saved(admin, lock):
    before = Route.objects.count()
    said = admin.post("/notifications/preview", FILLED).content.decode()
    assert "It would have told 1 event in the last 7 days." in said
    assert "setup locked checkout in production" in said and "&lt;b&gt;debugging&lt;/b&gt;" in said
    assert "<b>debugging" not in said
    assert Route.objects.count() == before
    nothing = admin.post("/notifications/preview", FILLED | {"tiers": ["staging"]}).content.decode()
    assert "It would have told nothing in the last 7 days." in nothing


def test_a_preview_shows_the_event_that_is_chosen(admin, lock):
    lock_release(lock, by=SETUP)
    taken, released = (str(each.public_id) for each in lock_events())
    for of, words in ((taken, "setup locked checkout"), (released, "setup unlocked checkout")):
        assert words in admin.post("/notifications/preview", FILLED | {"of": of}).content.decode()


def lock_events():
    from portal.audit.models import Event

    return Event.objects.filter(noun="lock").order_by("id")


def test_a_test_is_really_sent_marked_as_one_and_its_answer_stands_in_the_log(admin, lock, slack, only):
    route = only(to="channel", address="ops")
    assert admin.post(page_of(route, "/test")).status_code == 303
    outbox.deliver_due()
    [message] = [each for each in slack.messages if each["text"].startswith(":test_tube:")]
    assert (message["channel_name"], message["text"]) == (
        "ops",
        ":test_tube: Test: setup locked checkout in production",
    )
    assert not any(block["type"] == "actions" for block in message["blocks"])
    said = admin.get("/notifications/log").content.decode()
    assert "A test" in said and "#ops" in said and "told at once" in said


def test_a_test_of_a_route_to_a_person_bothers_nobody_else(admin, alice, slack, only, shop, page, bob):
    route = only(to="person")
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    admin.post(page_of(route, "/test"))
    assert [each.target for each in told()] == [f"user:{alice.pk}"]


def test_a_test_that_could_reach_nobody_is_refused(admin, only, settings):
    settings.SLACK_BOT_TOKEN = ""
    route = only()
    answer = admin.post(page_of(route, "/test"))
    assert answer.status_code == 409 and "PORTCULLIS_SLACK_TOKEN" in answer.content.decode()
    assert not Delivery.objects.exists() and "route.tested" not in events("route")


def test_what_was_given_up_is_shown_with_its_reason_and_sent_again(admin, shop, lock, slack, settings):
    settings.SLACK_BOT_TOKEN = "nonsense"
    outbox.deliver_due()
    [parked] = told()
    assert lock.get_absolute_url() in admin.get("/notifications/log").content.decode()
    assert "1 notification could not be delivered" in admin.get("/notifications/").content.decode()
    said = admin.get("/notifications/log?state=given+up").content.decode()
    assert "invalid_auth" in said and "Send again" in said
    settings.SLACK_BOT_TOKEN = "xoxb-test"
    admin.post(f"/notifications/log/{parked.public_id}/retry")
    outbox.deliver_due()
    assert told()[0].state == "done" and len(slack.messages) == 1
    assert "Nothing fits this filter" in admin.get("/notifications/log?state=given+up").content.decode()


def test_a_log_of_fifty_asks_as_often_as_one_of_one(admin, shop, slack, django_assert_max_num_queries):
    lock_take(scopes.named("everything"), reason="debugging", by=SETUP)
    outbox.deliver_due()
    with django_assert_max_num_queries(40) as one:
        admin.get("/notifications/log")
    event = lock_events()[0]
    Delivery.objects.bulk_create(
        Delivery(event=event, subscriber="email", target=f"{number}@example.org", stream="x") for number in range(49)
    )
    with django_assert_max_num_queries(len(one)):
        assert admin.get("/notifications/log").content.decode().count("@example.org") >= 49
