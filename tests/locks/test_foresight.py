from locks import scopes
from locks.commands import claim_begin, freeze_create, lock_take, ticket_join
from locks.models import KeptDecision, Lock
from locks.runs import Run
from tests.locks.test_decide import PROGRAM
from tests.locks.test_freezes import WEEKEND, always, parse


def test_every_rule_is_explained(shop, ci, page, alice, bob):
    by = page(alice)
    lock_take(scopes.pair(shop.checkout_production), reason="fire", by=by)
    lock_take(scopes.named("everything"), reason="take care", effect="warn", by=by)
    lock_take(scopes.pair(shop.search_production), reason="reindexing", by=by)
    freeze_create(scopes.pair(shop.checkout_production), always(allows=["rollback"]), by=by)
    freeze_create(scopes.named("tier", tier="production"), parse(WEEKEND | {"starts": "2027-12-31T17:00"}), by=by)
    claim_begin(shop.checkout_staging, Run("gh:1:1"), by=PROGRAM)
    asked = {"service": "checkout", "environment": "production", "intent": "rollback"}
    assert "explanation" not in ci.get("gate", **asked).json["decision"]
    decision = ci.get("gate", explain="true", **asked).json["decision"]
    told = {each["title"]: (each["applies"], each["why"]) for each in decision["explanation"]}
    assert told == {
        "lock of checkout in production: fire": (True, "it blocks everyone"),
        "lock of everything: take care": (True, "it only warns"),
        "lock of search in production: reindexing": (False, "it covers search in production, not this place"),
        "freeze of checkout in production: books are closing": (True, "it lets rollbacks through"),
        "freeze of every production environment: nobody is in the office": (
            False,
            "it is on next at Fri 31 Dec 17:00 UTC",
        ),
    }
    staging = ci.get("gate", explain="true", service="checkout", environment="staging").json["decision"]
    assert [each["rule"] for each in staging["explanation"] if each["applies"]] == ["lock", "claim"]


def test_a_lock_is_simulated_and_nothing_is_written(shop, ci, page, alice, bob):
    claim_begin(shop.checkout_production, Run("gh:1:1"), by=page(bob))
    ticket_join(shop.checkout_production, Run("gh:2:1"), by=PROGRAM)
    claim_begin(shop.search_production, Run("gh:3:1"), by=PROGRAM)
    kept = KeptDecision.objects.count()
    bodies = {
        "pair": {"service": "checkout", "environment": "prod"},
        "team": {"team": "payments"},
        "tier": {"tier": "production"},
        "environment": {"environment": "staging"},
        "everything": {},
    }
    found = {
        scope: ci.post("locks/simulation", {"scope": scope} | body).json["simulation"] for scope, body in bodies.items()
    }
    runs = {
        scope: [[each["run"] for each in found[scope][part]] for part in ("running", "waiting")] for scope in bodies
    }
    assert runs == {
        "pair": [["gh:1:1"], ["gh:2:1"]],
        "team": [["gh:1:1"], ["gh:2:1"]],
        "tier": [["gh:1:1", "gh:3:1"], ["gh:2:1"]],
        "environment": [[], []],
        "everything": [["gh:1:1", "gh:3:1"], ["gh:2:1"]],
    }
    assert (found["pair"]["people"], found["pair"]["teams"], found["pair"]["places"]) == (
        ["Bob", "CI"],
        ["payments"],
        1,
    )
    assert found["everything"]["places"] == 4
    assert not Lock.objects.exists() and KeptDecision.objects.count() == kept
    assert ci.post("locks/simulation", {"scope": "pair"}).status == 422
