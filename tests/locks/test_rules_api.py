"""/v1/locks/rules: rules that lock are made, read, changed, tried and deleted by programs."""

from datetime import timedelta

from catalog import queries as catalog
from catalog.commands import permissions_update
from locks import rules
from locks.commands import lock_rule_update, sign_take
from locks.models import Lock, LockRule
from portal.accounts.commands import credential_create
from portal.kit.clock import database_now
from tests.conftest import SETUP, V1, events, write
from tests.locks.health import MINUTE, rule, verdict
from tests.locks.test_pages_rules import told

RULES = "locks/rules"
WISH = {
    "name": "Canary of production",
    "on": ["verdict", "failing"],
    "tiers": ["production"],
    "services": ["checkout"],
    "healthy_for": "5m",
    "at_most": "1h30m",
}


def made(program, **more):
    answer = program.post(RULES, WISH | more)
    assert answer.status == 201, answer.json
    return answer.json["rule"]


def test_a_rule_is_made_as_a_dry_run_changed_replaced_and_deleted(shop, terraform):
    made_so = made(terraform)
    path = f"{RULES}/{made_so['id']}"
    assert WISH.items() <= (made_so | {"on": WISH["on"]}).items() and made_so["dry_run"] and made_so["enabled"]
    assert (made_so["healthy_for_seconds"], made_so["at_most_seconds"]) == (300, 5400)
    assert terraform.get(path).json["rule"] == made_so and terraform.get(RULES).json["rules"] == [made_so]
    changed = terraform.send("patch", path, {"dry_run": False}).json["rule"]
    assert changed == made_so | {"dry_run": False}
    assert terraform.send("patch", path, {"dry_run": False}).json["rule"] == changed
    replaced = terraform.send("put", path, {"name": "Canary", "on": ["down"]}).json["rule"]
    assert (replaced["services"], replaced["dry_run"], replaced["at_most"]) == ([], True, "2h")
    assert terraform.delete(path).json == {"ok": True}
    assert not LockRule.objects.exists() and terraform.get(path).status == 404
    updated = ["lock_rule.updated"] * 2
    assert events("lock_rule") == ["lock_rule.created", *updated, "lock_rule.deleted"]


WRONG = [
    ({"name": ""}, "name"),
    ({"on": []}, "on"),
    ({"on": ["fire"]}, "on"),
    ({"healthy_for": "soon"}, "healthy_for"),
    ({"at_most": "99d"}, "at_most"),
    ({"reason": "{service.secret}"}, "reason"),
    ({"services": "checkout"}, "services"),
    ({"dry_run": "no"}, "dry_run"),
    ({"scope": "everything"}, "scope"),
    ({"servces": ["checkout"]}, "servces"),
]


def test_what_is_wrong_is_told_by_its_path_and_nothing_is_kept(shop, terraform):
    kept = at(rule())
    for wrong, path in WRONG:
        for verb, where in (("post", RULES), ("post", f"{RULES}/preview"), ("put", kept), ("patch", kept)):
            answer = terraform.send(verb, where, WISH | wrong)
            assert answer.status == 422, (verb, wrong)
            assert [each["path"] for each in answer.json["details"]["errors"]] == [path]
    assert LockRule.objects.get().version == 1 and events("lock_rule") == ["lock_rule.created"]


def at(kept, part=""):
    return f"{RULES}/{kept.public_id}{part}"


def test_a_name_that_another_has_is_refused(shop, terraform):
    made(terraform)
    answer = terraform.post(RULES, WISH | {"name": WISH["name"].upper()})
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "name")
    assert LockRule.objects.count() == 1


def test_who_may_only_read_changes_nothing_and_without_the_scope_reads_nothing(shop, ci):
    kept = rule()
    assert ci.get(at(kept)).json["rule"]["name"] == "Canary"
    calls = [ci.post(RULES, WISH), ci.post(f"{RULES}/preview", WISH), ci.get(at(kept, "/preview")), ci.delete(at(kept))]
    calls += [ci.send(verb, at(kept), WISH) for verb in ("put", "patch")]
    reader = V1(credential_create("Reader", kind="ci", scopes=["catalog:read"], by=SETUP)[1])
    calls += [reader.get(path) for path in (RULES, at(kept), at(kept, "/holds"))]
    assert {each.status for each in calls} == {403}
    assert LockRule.objects.get().version == 1


def test_a_rule_names_to_nobody_what_he_may_not_see_nor_what_was_held_there(shop, terraform, bob):
    write("service", "hushhush")
    kept, now = rule(services=["checkout", "hushhush"], dry_run=True), database_now()
    for service in ("checkout", "hushhush"):
        sign_take(verdict(catalog.place(service, "production"), "failed", now), now=now)
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    bobs = V1(credential_create("Bob's", kind="ci", scopes=["gate"], user=bob, by=SETUP)[1])
    shown = bobs.get(at(kept)).json["rule"]
    assert (shown["services"], shown["hidden"], shown["would_have_held"]) == (["checkout"], True, 1)
    assert "hushhush" not in str([bobs.get(RULES).json, bobs.get(at(kept, "/holds")).json, shown])
    assert terraform.get(at(kept)).json["rule"]["would_have_held"] == 2
    assert len(terraform.get(at(kept, "/holds")).json["holds"]) == 2


def test_its_holds_say_what_a_dry_run_would_have_locked_and_what_was_locked(shop, terraform):
    kept, now = rule(dry_run=True), database_now()
    sign_take(verdict(shop.checkout_production, "failed", now, values={"http": {"failed": 3}}), now=now)
    lock_rule_update(kept, rules.parse({"dry_run": False}, base=kept), by=SETUP)
    sign_take(verdict(shop.search_production, "failed", now), now=now)
    real, dry = terraform.get(at(kept, "/holds")).json["holds"]
    assert (dry["covers"], dry["dry"], dry["lock"], dry["is_on"]) == ("checkout in production", True, None, False)
    assert dry["ended_because"] == "the rule was changed" and dry["evidence"][0]["values"] == {"http": {"failed": 3}}
    assert (real["lock"], real["is_on"], real["dry"]) == (str(Lock.objects.get().public_id), True, False)
    assert terraform.get(at(kept, "/holds"), mode="dry").json["holds"] == [dry]
    assert terraform.get(at(kept, "/holds"), mode="real").json["holds"] == [real]
    assert terraform.get(at(kept, "/holds"), mode="wet").json["details"]["errors"][0]["path"] == "mode"


def test_a_preview_goes_through_the_last_thirty_days_and_keeps_nothing(shop, terraform):
    for state, ago in (("failing", 20), ("healthy", 19), ("down", 10), ("healthy", 9), ("failing", 40)):
        told(shop.checkout_production, state, timedelta(days=ago))
    draft = WISH | {"services": ["checkout", "chekout"]}
    del draft["name"]
    found = terraform.post(f"{RULES}/preview", draft).json
    assert (found["times"], found["seconds"], found["heard"], found["cut"]) == (2, 3 * 3600, 4, False)
    assert found["unknown"] == ["service “chekout”"]
    assert [each["seconds"] for each in found["would"]] == [90 * 60] * 2
    assert not LockRule.objects.exists() and not Lock.objects.exists()
    kept = rule(on=["down"], at_most="1h")
    assert terraform.get(at(kept, "/preview")).json["seconds"] == 60 * MINUTE.seconds
