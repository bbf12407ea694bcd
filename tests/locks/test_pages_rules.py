"""The pages of rules: made as dry runs, tried on the last 30 days, changed and deleted by administrators, read by all."""

from datetime import timedelta

import pytest

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks.commands import sign_take
from locks.models import Lock, LockRule
from portal.audit.models import Event
from portal.audit.nouns import Noun
from portal.audit.record import record
from portal.kit.by import system
from portal.kit.clock import database_now
from tests.conftest import SETUP, events
from tests.locks.health import MINUTE, flip, rule, verdict

FILLED = {
    "name": "Canary of production",
    "on": ["verdict", "failing"],
    "tiers": ["production"],
    "services": "checkout\nsearch\n",
    "scope": "pair",
    "effect": "block",
    "lets_rollbacks": "on",
    "healthy_for": "5m",
    "at_most": "1h",
    "reason": "{service} is not well",
    "mode": "dry",
}


def said(client, url):
    answer = client.get(url)
    assert answer.status_code == 200, url
    return answer.content.decode()


def told(place, state, ago, probe="p1"):
    """As health would record it, so long ago."""
    noun = Noun("probe", probe, "checkout in production: http", service=place.service, environment=place.environment)
    payload = {"flip": f"{probe}{ago}", "service_id": place.service_id, "environment_id": place.environment_id}
    event = record(
        "probe.flipped", noun, by=system("prober"), after={"state": state, "reason": "HTTP 500"}, payload=payload
    )
    Event.objects.filter(pk=event.pk).update(at=database_now() - ago)


def test_a_rule_is_made_as_a_dry_run_and_changed_to_lock(client, alice, shop):
    client.force_login(alice)
    assert "a dry run" in said(client, "/locks/rules").lower()
    client.post("/locks/rules/new", FILLED)
    made = LockRule.objects.get()
    assert made.dry_run and made.enabled and made.services == ["checkout", "search"]
    assert (made.healthy_for, made.at_most) == (timedelta(minutes=5), timedelta(hours=1))
    page = said(client, made.get_absolute_url())
    assert "A dry run: it locks nothing" in page and "It locked nothing in 30 days." in page
    form = said(client, f"{made.get_absolute_url()}/edit")
    assert "checkout\nsearch" in form and "5m" in form
    client.post(f"{made.get_absolute_url()}/edit", FILLED | {"mode": "real", "seen": "1"})
    made.refresh_from_db()
    assert not made.dry_run and events("lock_rule") == ["lock_rule.created", "lock_rule.updated"]
    assert "Changed: dry run" in said(client, made.get_absolute_url())
    client.post(f"{made.get_absolute_url()}/edit", FILLED | {"mode": "off"})
    made.refresh_from_db()
    assert not made.enabled and not made.dry_run, "switched on again it is what it was"


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"name": ""}, "Give it a name"),
        ({"on": []}, "Say what it acts upon."),
        ({"healthy_for": "soon"}, "Must be a length of time"),
        ({"at_most": "99d"}, "14 d at most"),
        ({"reason": "{service.secret}"}, "Does not know {service.secret}"),
        ({"services": "a\0b"}, "Null characters are not allowed."),
    ],
)
def test_what_is_wrong_stands_at_its_field_and_nothing_is_made(client, alice, shop, wrong, words):
    client.force_login(alice)
    answer = client.post("/locks/rules/new", FILLED | wrong)
    assert answer.status_code == 422 and words in answer.content.decode()
    assert not LockRule.objects.exists()


def test_the_form_says_what_the_rule_would_have_locked(client, alice, shop):
    client.force_login(alice)
    place = shop.checkout_production
    for state, ago in (("failing", 20), ("healthy", 19), ("down", 10), ("healthy", 9), ("failing", 40)):
        told(place, state, timedelta(days=ago))
    answer = client.post("/locks/rules/preview", FILLED | {"services": "checkout\nchekout"}).content.decode()
    assert "It would have locked 2 times, for 2 h in all." in answer
    assert "no service “chekout” so far" in answer
    assert "locked nothing" in client.post("/locks/rules/preview", FILLED | {"services": "search"}).content.decode()
    begun = client.post("/locks/rules/preview", FILLED | {"on": []}).content.decode()
    assert "Choose when it acts" in begun and "note-red" not in begun
    assert not LockRule.objects.exists() and not Lock.objects.exists()


def test_others_read_rules_and_may_not_write_them(client, bob, shop):
    kept = rule()
    client.force_login(bob)
    page = said(client, kept.get_absolute_url())
    assert "/edit" not in page and "New rule" not in said(client, "/locks/rules")
    url = kept.get_absolute_url()
    for refused in ("/locks/rules/new", "/locks/rules/preview", f"{url}/edit", f"{url}/deletion"):
        assert client.post(refused, FILLED).status_code == 403, refused
    assert LockRule.objects.get().version == 1


def test_a_lock_says_that_it_is_automatic_by_which_rule_why_and_until_when(client, alice, shop):
    client.force_login(alice)
    kept, now = rule(name="Canary"), database_now()
    place = shop.checkout_production
    sign_take(verdict(place, "failed", now, values={"http": {"failed": 3}}, reason="http failed"), now=now)
    lock = Lock.objects.get()
    page = said(client, lock.get_absolute_url())
    assert "Locked automatically" in page and f'href="{kept.get_absolute_url()}"' in page
    assert "everybody, but for rollbacks" in page
    assert "once the place has been healthy for 10 min, and in any case at" in page
    assert "the watch of a deployment: http failed" in page and "failed 3" in page
    assert "automatic" in said(client, "/locks/")
    sign_take(flip(place, "healthy", now), now=now)
    page = said(client, lock.get_absolute_url())
    assert "if the place stays healthy." in page and "Healthy again: it releases itself at" in page
    page = said(client, kept.get_absolute_url())
    assert "It holds 1 lock now" in page and "on now" in page


def test_the_banner_says_that_a_wide_lock_is_automatic(client, alice, shop):
    client.force_login(alice)
    rule(scope="environment")
    sign_take(flip(shop.checkout_production, "down", database_now()))
    assert "Rule “Canary” automatically locked all of production" in said(client, "/locks/")


def test_a_deleted_rule_leaves_its_lock_and_the_page_says_so(client, alice, shop):
    client.force_login(alice)
    kept = rule()
    sign_take(flip(shop.checkout_production, "down", database_now()))
    client.post(f"{kept.get_absolute_url()}/deletion")
    assert not LockRule.objects.exists()
    assert "which is no more" in said(client, Lock.objects.get().get_absolute_url())
    assert client.get(kept.get_absolute_url()).status_code == 404


def test_what_a_reader_may_not_see_is_not_told(client, charlie, shop):
    kept = rule(services=["checkout"], dry_run=True, reason="{service} broke")
    now = database_now()
    sign_take(flip(shop.checkout_production, "down", now, values={"host": "secret-host"}), now=now)
    sign_take(flip(shop.checkout_production, "healthy", now + MINUTE), now=now + MINUTE)
    client.force_login(charlie)
    assert "checkout" in said(client, kept.get_absolute_url())
    permissions_update(catalog.blueprint("service"), {"read": {"roles": [], "ownedByTeam": True}}, by=SETUP)
    for url in ("/locks/rules", kept.get_absolute_url()):
        page = said(client, url)
        assert "checkout" not in page and "secret-host" not in page, url
    assert "Others that you may not see" in page


def test_rules_are_in_the_admin(client, alice, shop):
    client.force_login(alice)
    kept = rule()
    assert "Canary" in said(client, "/admin/locks/lockrule/")
    assert client.get("/admin/locks/lockrule/add/")["Location"] == "/locks/rules/new"
    assert "Canary" in said(client, f"/admin/locks/lockrule/{kept.pk}/change/")
    chosen = {"action": "disable", "_selected_action": [kept.pk]}
    client.post("/admin/locks/lockrule/", chosen)
    kept.refresh_from_db()
    assert not kept.enabled and events("lock_rule")[-1] == "lock_rule.updated"
    client.post(f"/admin/locks/lockrule/{kept.pk}/delete/", {"post": "yes"})
    assert not LockRule.objects.exists() and events("lock_rule")[-1] == "lock_rule.deleted"
