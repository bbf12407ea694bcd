"""Accounts, locks and deliveries in the admin: only administrators get in, and every write is a command's."""

import re

import pytest
from django.test import Client

from locks import scopes
from locks.commands import lock_take
from locks.models import Lock
from portal.accounts.models import Credential, Team, User
from portal.audit.models import Delivery, Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.kit.clock import database_now
from tests.conftest import PASSWORD, SETUP, V1, events


def at(user):
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def browser(alice):
    return at(alice)


def fields(user, **changes):
    facts = {"email": user.email, "name": user.name, "role": user.role, "timezone": user.timezone, "is_active": "on"}
    return {name: value for name, value in (facts | changes).items() if value is not None}


PAGES = [
    "/admin/",
    "/admin/accounts/user/",
    "/admin/accounts/user/add/",
    "/admin/accounts/team/",
    "/admin/accounts/credential/add/",
    "/admin/audit/event/",
    "/admin/audit/delivery/",
    "/admin/locks/lock/",
    "/admin/locks/lock/add/",
    "/admin/catalog/blueprint/",
    "/admin/catalog/entity/",
]


@pytest.mark.parametrize("page", PAGES)
def test_only_administrators_get_in(alice, bob, page):
    assert at(alice).get(page).status_code == 200
    stranger = at(bob).get(page, follow=True)
    assert stranger.status_code == 403 and "administrators may" in stranger.content.decode()
    assert Client().get(page, follow=True).redirect_chain[-1][0].startswith("/sign-in")


@pytest.mark.parametrize("page", PAGES)
def test_no_page_of_the_admin_needs_an_inline_script(alice, page):
    html = at(alice).get(page).content.decode()
    assert not re.search(r"<script>|<style|\sstyle=|\son[a-z]+=", html)


def test_a_person_is_made_with_one_event_and_can_sign_in(browser, alice):
    sent = {"email": "dan@example.org", "name": "Dan", "role": "member", "timezone": "UTC", "is_active": "on"}
    assert browser.post("/admin/accounts/user/add/", sent | {"password": PASSWORD}).status_code == 302
    event = Event.objects.get(noun="user", title="Dan")
    assert (event.name, event.actor_name, event.door) == ("user.created", "Alice", "admin")
    assert Client().login(username="dan@example.org", password=PASSWORD)
    assert PASSWORD not in str(list(Event.objects.values()))


def test_changing_a_person_is_one_event_with_before_and_after(browser, bob):
    answer = browser.post(f"/admin/accounts/user/{bob.pk}/change/", fields(bob, name="Robert", role="admin"))
    assert answer.status_code == 302
    event = Event.objects.get(name="user.updated")
    assert (event.before["name"], event.after["name"], event.after["role"]) == ("Bob", "Robert", "admin")


def test_a_new_password_works_and_an_empty_one_leaves_the_old(browser, bob):
    where = f"/admin/accounts/user/{bob.pk}/change/"
    browser.post(where, fields(bob))
    assert Client().login(username=bob.email, password=PASSWORD) and events("user.updated") == []
    browser.post(where, fields(bob, password="another battery"))
    assert Client().login(username=bob.email, password="another battery")
    assert events("user.updated") == ["user.updated"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"email": "ALICE@example.org"}, "is here already"),
        ({"timezone": "Mars/Olympus"}, "is not a time zone"),
        ({"password": "short"}, "too short"),
        ({"email": ""}, "This field is required"),
    ],
)
def test_a_wrong_change_of_a_person_changes_nothing(browser, bob, wrong, says):
    before = bob.facts()
    answer = browser.post(f"/admin/accounts/user/{bob.pk}/change/", fields(bob, **wrong), follow=True)
    assert says.lower() in answer.content.decode().lower()
    assert User.objects.get(pk=bob.pk).facts() == before and events("user.updated") == []


def test_the_last_administrator_stays_one(browser, alice):
    where = f"/admin/accounts/user/{alice.pk}/change/"
    for change in ({"role": "member"}, {"is_active": None}):
        assert "the last administrator" in browser.post(where, fields(alice, **change)).content.decode()
    assert User.objects.get(pk=alice.pk).is_staff and events("user.updated") == []


def test_nobody_is_deleted(browser, bob):
    assert browser.post(f"/admin/accounts/user/{bob.pk}/delete/", {"post": "yes"}).status_code == 403
    sent = {"action": "delete_selected", "_selected_action": [bob.pk], "post": "yes"}
    browser.post("/admin/accounts/user/", sent)
    assert User.objects.filter(pk=bob.pk).exists()


def test_a_team_gets_members_and_keeps_its_identifier(browser, bob, charlie):
    team = Team.objects.get(identifier="payments")
    sent = {"identifier": "other", "title": "Money", "members": [bob.pk, charlie.pk]}
    assert browser.post(f"/admin/accounts/team/{team.pk}/change/", sent).status_code == 302
    team.refresh_from_db()
    assert (team.identifier, team.title, team.members.count()) == ("payments", "Money", 2)
    event = Event.objects.get(name="team.updated")
    assert event.before["members"] == ["bob@example.org"]
    assert event.after["members"] == ["bob@example.org", "charlie@example.org"]


def test_a_taken_team_is_refused(browser, bob):
    answer = browser.post("/admin/accounts/team/add/", {"identifier": "payments", "title": "Again"})
    assert "There is a team called payments already" in answer.content.decode() and Team.objects.count() == 1


def test_a_credentials_secret_is_shown_once_and_works_until_revoked(browser, shop):
    sent = {"name": "Jenkins", "kind": "ci", "scopes": ["gate", "report"]}
    answer = browser.post("/admin/accounts/credential/add/", sent)
    token = re.search(r"pcl_\w{40}", answer.content.decode()).group()
    assert "no-store" in answer["Cache-Control"]
    jenkins = Credential.objects.get()
    for page in ("/admin/accounts/credential/", f"/admin/accounts/credential/{jenkins.pk}/change/"):
        html = browser.get(page).content.decode()
        assert token not in html and jenkins.secret_hash not in html
    assert token not in str(list(Event.objects.values()))
    assert V1(token).get("gate", service="checkout", environment="production").status == 200
    browser.post("/admin/accounts/credential/", {"action": "revoke", "_selected_action": [jenkins.pk]})
    assert V1(token).get("gate", service="checkout", environment="production").status == 401
    assert events("credential") == ["credential.created", "credential.revoked"]


def test_a_credential_without_a_scope_or_with_a_taken_name_is_not_made(browser, ci):
    assert (
        "without any scope"
        in browser.post("/admin/accounts/credential/add/", {"name": "x", "kind": "ci"}).content.decode()
    )
    sent = {"name": "CI", "kind": "ci", "scopes": ["gate"]}
    assert (
        "There is a credential called CI already"
        in browser.post("/admin/accounts/credential/add/", sent).content.decode()
    )
    assert Credential.objects.count() == 1


def test_a_credential_is_not_edited(browser, ci):
    credential = Credential.objects.get()
    where = f"/admin/accounts/credential/{credential.pk}/change/"
    assert browser.post(where, {"name": "x", "kind": "ci", "scopes": ["admin"]}).status_code == 403
    assert Credential.objects.get().scopes == credential.scopes


def test_a_lock_is_taken_and_released_in_the_admin(browser, shop):
    sent = {
        "scope": "pair",
        "service": "checkout",
        "environment": "production",
        "reason": "why",
        "duration": "1h",
        "effect": "block",
    }
    assert browser.post("/admin/locks/lock/add/", sent).status_code == 302
    lock = Lock.objects.get()
    assert browser.get(f"/admin/locks/lock/{lock.pk}/change/").status_code == 200
    browser.post(f"/admin/locks/lock/{lock.pk}/release/", {"reason": "done"})
    lock.refresh_from_db()
    assert (lock.released_by, lock.release_reason) == ("Alice", "done")
    assert set(Event.objects.filter(noun="lock").values_list("name", "door")) == {
        ("lock.taken", "admin"), ("lock.released", "admin"),
    }  # fmt: skip


def test_the_admin_meets_the_same_conflict_and_limits(browser, shop):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="held", by=SETUP)
    sent = {
        "scope": "pair",
        "service": "checkout",
        "environment": "production",
        "reason": "why",
        "duration": "1h",
        "effect": "block",
    }
    answer = browser.post("/admin/locks/lock/add/", sent)
    assert answer.status_code == 422 and "is already locked by setup" in answer.content.decode()
    assert browser.post("/admin/locks/lock/add/", sent | {"service": "search", "reason": "x"}).status_code == 422
    assert Lock.objects.get() == lock and events("lock") == ["lock.taken"]


def test_locks_are_released_by_choice_never_edited_never_deleted(browser, shop):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="held", by=SETUP)
    assert browser.post(f"/admin/locks/lock/{lock.pk}/change/", {"reason": "x"}).status_code == 403
    assert browser.post(f"/admin/locks/lock/{lock.pk}/delete/", {"post": "yes"}).status_code == 403
    assert Lock.objects.get().facts() == lock.facts()
    browser.post("/admin/locks/lock/", {"action": "release", "_selected_action": [lock.pk]})
    assert not Lock.objects.active(database_now()).exists()


def test_bob_releases_nothing_through_the_admin(bob, shop):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="held", by=SETUP)
    at(bob).post(f"/admin/locks/lock/{lock.pk}/release/", {"reason": "done"})
    at(bob).post("/admin/locks/lock/", {"action": "release", "_selected_action": [lock.pk]})
    assert Lock.objects.get().facts() == lock.facts()


def test_a_parked_delivery_is_sent_again_and_others_are_left(browser, alice):
    event = record("thing.made", Noun("thing", "1", "a thing"), by=SETUP)
    parked = Delivery.objects.create(event=event, subscriber="post", stream="thing:1", state="parked")
    sent = Delivery.objects.create(event=event, subscriber="mail", stream="thing:1", state="done")
    browser.post("/admin/audit/delivery/", {"action": "send_again", "_selected_action": [parked.pk, sent.pk]})
    parked.refresh_from_db()
    sent.refresh_from_db()
    assert (parked.state, sent.state) == ("pending", "done")
    assert events("delivery") == ["delivery.retried"]


def test_events_are_for_reading(browser, alice):
    event = Event.objects.first()
    where = f"/admin/audit/event/{event.pk}"
    assert browser.get(f"{where}/change/").status_code == 200
    assert browser.post(f"{where}/change/", {"title": "x"}).status_code == 403
    assert browser.post(f"{where}/delete/", {"post": "yes"}).status_code == 403
    assert Event.objects.get(pk=event.pk).title == event.title
