"""The waiting line, overrides and the explained decision in the browser."""

from django.test import Client

from locks import scopes
from locks.commands import claim_begin, lock_take, override_ask, ticket_join
from locks.models import Claim, Override, Ticket
from locks.runs import Run
from tests.conftest import events

HTMX = {"HX-Request": "true"}


def at(user):
    client = Client()
    client.force_login(user)
    return client


def begun(shop, by):
    return claim_begin(shop.checkout_production, Run("gh:1:1", "https://ci.example/1"), by=by).claim


def test_the_line_shows_who_deploys_and_who_waits(shop, bob, charlie, page):
    begun(shop, page(bob))
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=page(charlie))
    html = at(charlie).get("/locks/waiting").content.decode()
    assert "https://ci.example/1" in html and "fence" in html and "Charlie" in html and "gh:2:1" in html


def test_the_line_says_what_stops_it_and_leads_there(shop, bob, charlie, page):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(bob))
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=page(charlie))
    html = at(charlie).get("/locks/waiting").content.decode()
    assert "locked by Bob" in html and f'<a href="{lock.get_absolute_url()}">See what stops it</a>' in html


def test_an_override_for_a_service_that_is_not_there_names_the_nearest(shop, bob):
    html = at(bob).get("/locks/overrides/new?service=chekout&environment=production").content.decode()
    assert "Did you mean checkout?" in html and 'aria-invalid="true"' in html


def test_an_empty_request_for_an_override_is_told_what_each_field_is_for(shop, bob, page):
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(bob))
    answer = at(bob).post("/locks/overrides/new", {"service": "checkout", "environment": "production"})
    html = answer.content.decode()
    assert answer.status_code == 422 and not Override.objects.exists()
    assert "Say why it cannot wait" in html and "Name the commit that may pass" in html


def test_an_unchanged_line_answers_204_until_somebody_joins(shop, bob, page):
    client = at(bob)
    stamp = HTMX | {"X-Stamp": client.get("/locks/waiting")["X-Stamp"]}
    assert client.get("/locks/waiting", headers=stamp).status_code == 204
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=page(bob))
    assert client.get("/locks/waiting", headers=stamp).status_code == 200


def test_bob_stops_a_deployment_and_charlie_is_told_why_he_may_not(shop, bob, charlie, alice, page):
    claim = begun(shop, page(alice))
    refused = at(charlie).post(f"/locks/claims/{claim.public_id}/revocation", headers=HTMX)
    assert refused.status_code == 422 and "may not stop this deployment" in refused["HX-Trigger"]
    assert Claim.objects.get().revoked_at is None and "claim.revoked" not in events("claim")
    assert "Stop it" not in at(charlie).get("/locks/waiting").content.decode()
    assert at(bob).post(f"/locks/claims/{claim.public_id}/revocation", headers=HTMX).status_code == 204
    assert Claim.objects.get().revoked_by == "Bob"


def test_who_waits_leaves_the_line_and_no_other_takes_him_out(shop, bob, charlie, page):
    ticket = ticket_join(shop.checkout_production, Run("gh:2:1"), by=page(charlie)).ticket
    address = f"/locks/tickets/{ticket.public_id}/withdrawal"
    assert at(bob).post(address, headers=HTMX).status_code == 422
    assert Ticket.objects.get().ended_at is None
    assert at(charlie).post(address).status_code == 303
    assert Ticket.objects.get().ending == "withdrawn"


def asked(lock, **more):
    return {
        "service": "checkout",
        "environment": "production",
        "passes": [str(lock.public_id)],
        "commit": "4f2a9c1d",
        "reason": "The fix for the outage",
        "life": "30m",
        "max_uses": "1",
    } | more


def test_bob_asks_for_an_override_and_alice_approves_it(shop, bob, alice, page):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="why", by=page(alice))
    assert (
        "Lock of checkout in production"
        in at(bob).get("/locks/overrides/new", {"service": "checkout", "environment": "production"}).content.decode()
    )
    assert at(bob).post("/locks/overrides/new", asked(lock)).status_code == 303
    made = Override.objects.get()
    address = f"/locks/overrides/{made.public_id}/approval"
    refused = at(bob).post(address, headers=HTMX)
    assert refused.status_code == 422 and "another has to approve it" in refused["HX-Trigger"]
    assert Override.objects.get().approved_at is None
    assert address in at(alice).get("/locks/overrides").content.decode()
    assert at(alice).post(address, headers=HTMX).status_code == 204
    assert Override.objects.get().approver_name == "Alice"


def test_charlie_is_told_why_he_may_not_ask_and_nothing_is_kept(shop, charlie, bob, page):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="why", by=page(bob))
    lock_take(scopes.named("everything"), reason="mind the step", effect="warn", by=page(bob))
    form = (
        at(charlie).get("/locks/overrides/new", {"service": "checkout", "environment": "production"}).content.decode()
    )
    assert "may not break glass here" in form and 'name="commit"' not in form
    form = at(bob).get("/locks/overrides/new", {"service": "checkout", "environment": "production"}).content.decode()
    assert 'name="commit"' in form and "mind the step" not in form
    answer = at(charlie).post("/locks/overrides/new", asked(lock), headers=HTMX)
    assert answer.status_code == 422 and "may not break glass here" in answer.content.decode()
    assert not Override.objects.exists()


def test_a_wrong_override_names_each_fault(shop, bob, page):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="why", by=page(bob))
    for wrong in ({"passes": []}, {"commit": ""}, {"reason": "x"}, {"max_uses": "11"}):
        assert at(bob).post("/locks/overrides/new", asked(lock, **wrong), headers=HTMX).status_code == 422
    assert not Override.objects.exists()


def test_an_override_is_withdrawn_by_who_asked(shop, bob, page):
    lock = lock_take(scopes.pair(shop.checkout_production), reason="why", by=page(bob))
    made = override_ask(shop.checkout_production, [lock.public_id], commit="4f2a", reason="why so", by=page(bob))
    assert at(bob).post(f"/locks/overrides/{made.public_id}/withdrawal").status_code == 303
    assert Override.objects.get().withdrawn_by == "Bob"


def test_may_i_deploy_says_what_each_rule_says(shop, bob, page):
    lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    lock_take(scopes.pair(shop.checkout_staging), reason="other", by=page(bob))
    question = {"service": "checkout", "environment": "production", "who": "ci"}
    html = at(bob).get("/locks/explained", question).content.decode()
    assert "No, as CI" in html and "it blocks everyone" in html
    assert "it covers checkout in staging, not this place" in html


def test_a_misspelt_service_is_no_open_gate(shop, bob):
    answer = at(bob).get("/locks/explained", {"service": "chekout", "environment": "production"})
    assert answer.status_code == 422 and "checkout" in answer.content.decode() and "Yes" not in answer.content.decode()


def test_the_preview_names_who_deploys_and_who_waits(shop, bob, charlie, page):
    begun(shop, page(bob))
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=page(charlie))
    html = at(bob).get("/locks/preview", {"service": "checkout", "environment": "production"}).content.decode()
    assert "1 running" in html and "1 waiting" in html and "Charlie" in html


def test_a_line_that_waits_for_the_gate_says_who_closed_it_and_why(shop, alice, page):
    ticket_join(shop.checkout_production, Run("github:9:1"), by=page(alice))
    assert "the first in line begins" in at(alice).get("/locks/waiting").content.decode()
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging double charges", by=page(alice))
    said = at(alice).get("/locks/waiting").content.decode()
    assert "is locked by Alice" in said and "Debugging double charges" in said
