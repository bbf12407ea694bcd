from datetime import timedelta

import pytest
from django.utils.dateparse import parse_datetime

from catalog import queries as catalog
from locks import limits, scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    code_revoke,
    code_use,
    codes_issue,
    freeze_create,
    gate_ask,
    limits_set,
    lock_take,
    override_approve,
    override_ask,
    override_withdraw,
)
from locks.models import BreakGlassCode, BreakGlassUse, Claim, Override, OverrideUse
from locks.runs import Run
from portal.accounts.commands import credential_create, user_create
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, V1, events
from tests.locks.test_decide import PROGRAM
from tests.locks.test_freezes import always

COMMIT = "4f2a9c1"
REASON = "payments are down, this is the fix"


@pytest.fixture
def lock(shop, page, alice):
    return lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(alice))


def ask(shop, by, *bars, **more):
    ids = [each.public_id for each in bars]
    return override_ask(shop.checkout_production, ids, **({"commit": COMMIT, "reason": REASON} | more), by=by)


def begin(shop, override, number=1, **more):
    wish = {"commit": COMMIT, "override": override} | more
    place = wish.pop("place", shop.checkout_production)
    return claim_begin(place, Run(f"gh:{number}:1"), **wish, by=PROGRAM)


@pytest.fixture
def approved(shop, page, lock, alice, bob):
    return override_approve(ask(shop, page(bob), lock), by=page(alice))


def test_an_approved_override_lets_its_commit_through_once(shop, approved):
    begun = begin(shop, approved)
    assert begun.claim.override == approved
    assert (
        begun.decision.message == f"checkout in production is open by the override of Bob, approved by Alice: {REASON}"
    )
    assert begun.claim.decision.override == approved
    claim_finish(begun.claim, begun.claim.fence, "success", by=PROGRAM)
    with pytest.raises(Refused, match="used 1 times, as often as it may"):
        begin(shop, approved, 2)
    assert Claim.objects.count() == OverrideUse.objects.count() == 1


def test_the_same_run_asking_again_is_the_same_use(shop, approved):
    for _ in range(2):
        assert not gate_ask(
            shop.checkout_production, run=Run("gh:1:1"), commit=COMMIT, override=approved, by=PROGRAM
        ).denies
    claim = begin(shop, approved).claim
    assert OverrideUse.objects.count() == 1
    claim_finish(claim, claim.fence, "success", by=PROGRAM)
    with pytest.raises(Refused):
        gate_ask(shop.checkout_production, run=Run("gh:2:1"), commit=COMMIT, override=approved, by=PROGRAM)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"commit": "0000000"}, "for the commit 4f2a9c1"),
        ({"commit": ""}, "for the commit 4f2a9c1"),
        ({"place": "checkout_staging"}, "it is for checkout in production"),
        ({"place": "search_production"}, "it is for checkout in production"),
    ],
)
def test_it_is_good_for_its_place_and_commit_only(shop, approved, change, why):
    if "place" in change:
        change = {"place": getattr(shop, change["place"])}
    with pytest.raises(Refused, match=why) as refusal:
        begin(shop, approved, **change)
    assert refusal.value.code == "override_refused"
    assert not Claim.objects.exists() and not OverrideUse.objects.exists()


def test_it_passes_nothing_that_it_does_not_name(shop, page, alice, approved):
    fire = lock_take(scopes.named("everything"), reason="fire", kind="incident", by=page(alice))
    begun = begin(shop, approved)
    assert (begun.claim, begun.decision.denying[0]) == (None, fire)
    assert not OverrideUse.objects.exists()


def test_it_passes_a_freeze_that_it_names(shop, page, alice, bob, lock):
    freeze = freeze_create(scopes.pair(shop.checkout_production), always(), by=page(alice))
    override = override_approve(ask(shop, page(bob), lock, freeze), by=page(alice))
    assert begin(shop, override).claim


def test_it_ends_when_it_says_and_when_it_is_withdrawn(shop, page, bob, approved):
    Override.objects.update(expires_at=database_now())
    with pytest.raises(Refused, match="run out"):
        begin(shop, approved.__class__.objects.get())
    Override.objects.update(expires_at=database_now() + timedelta(hours=1))
    assert [override_withdraw(approved, by=page(bob)).withdrawn_by for _ in range(2)] == ["Bob", "Bob"]
    with pytest.raises(Refused, match="withdrawn by Bob"):
        begin(shop, approved.__class__.objects.get())
    assert events("override") == ["override.asked", "override.approved", "override.withdrawn"]


def test_production_wants_a_second_person_and_nobody_is_two(shop, page, alice, bob, charlie, lock):
    override = ask(shop, page(bob), lock)
    with pytest.raises(Refused, match="second person"):
        begin(shop, override)
    with pytest.raises(Refused, match="another has to approve"):
        override_approve(override, by=page(bob))
    with pytest.raises(Refused):
        override_approve(override, by=page(charlie))
    assert override_approve(override, by=page(alice)).approver_name == "Alice"
    assert begin(shop, Override.objects.get()).claim


def test_no_program_is_the_second_person_whatever_its_scopes(shop, page, bob, lock):
    override = ask(shop, page(bob), lock)
    robot = user_create("robot@example.org", "Robot", password=None, service=True, role="admin", by=SETUP)
    tokens = [
        credential_create(str(owner), kind="ci", scopes=["admin"], user=owner, by=SETUP)[1] for owner in (None, robot)
    ]
    for token in tokens:
        answer = V1(token).post(f"overrides/{override.public_id}/approval", {})
        assert (answer.status, answer.json["error"]) == (403, "forbidden")
        assert "a person has to" in answer.json["message"]
    assert Override.objects.get().approved_at is None
    assert events("override") == ["override.asked"]


def test_who_asks_by_a_token_of_their_own_is_no_second_person_by_the_page(shop, page, alice, lock):
    _, token = credential_create("Alice's", kind="ci", scopes=["admin"], user=alice, by=SETUP)
    body = {"service": "checkout", "environment": "prod", "passes": [str(lock.public_id)], "commit": COMMIT}
    assert V1(token).post("overrides", body | {"reason": REASON}).status == 201
    with pytest.raises(Refused, match="another has to approve"):
        override_approve(Override.objects.get(), by=page(alice))
    assert Override.objects.get().approved_at is None


def test_where_the_tier_wants_one_person_one_is_enough(shop, page, alice):
    lock = lock_take(scopes.pair(shop.checkout_staging), reason="debugging", by=page(alice))
    override = override_ask(shop.checkout_staging, [lock.public_id], commit=COMMIT, reason=REASON, by=page(alice))
    assert begin(shop, override, place=shop.checkout_staging).claim


def test_only_owners_break_glass_and_ci_does_not(shop, page, charlie, lock):
    for by in (page(charlie), PROGRAM):
        with pytest.raises(Refused):
            ask(shop, by, lock)
    assert not Override.objects.exists()


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"commit": ""}, "commit"),
        ({"reason": "x"}, "reason"),
        ({"life": timedelta(hours=5)}, "duration"),
        ({"max_uses": 0}, "max_uses"),
        ({"link": "javascript:1"}, "link"),
    ],
)
def test_a_wrong_override_is_refused_with_its_path(shop, page, bob, lock, change, path):
    with pytest.raises(Invalid) as refusal:
        ask(shop, page(bob), lock, **change)
    assert [each["path"] for each in refusal.value.details["errors"]] == [path]
    assert not Override.objects.exists()


def test_it_names_what_covers_the_place_now(shop, page, alice, bob):
    elsewhere = lock_take(scopes.pair(shop.checkout_staging), reason="debugging", by=page(alice))
    for bars in ((), (elsewhere,)):
        with pytest.raises(Invalid, match="passes"):
            ask(shop, page(bob), *bars)


def test_a_code_is_told_once_kept_hashed_and_used_once(shop, page, alice):
    (code, plain), _ = codes_issue(catalog.environment_named("prod"), count=2, by=page(alice))
    kept = str(list(BreakGlassCode.objects.values()))
    assert plain not in kept and code.hint == plain[-4:]
    use = lambda number: code_use(  # noqa: E731
        plain, shop.checkout_production, Run(f"gh:{number}:1"), reason=REASON, used_at=database_now(), by=SETUP
    )
    assert [use(1).verdict, use(1).verdict, use(2).verdict] == ["sound", "sound", "reused"]
    assert BreakGlassUse.objects.count() == 2
    assert events("break_glass.") == ["break_glass.used"] * 2


def test_a_use_is_kept_whatever_the_code_is_worth(shop, page, alice):
    issue = lambda: codes_issue(catalog.environment_named("prod"), by=page(alice))[0]  # noqa: E731
    (revoked, plain), (_, other), (_, old) = issue(), issue(), issue()
    code_revoke(revoked, by=page(alice))
    BreakGlassCode.objects.filter(hint=old[-4:]).update(expires_at=database_now() - timedelta(days=1))
    told = {
        "nonsense": ("pcg-nonsense", shop.checkout_production),
        "revoked": (plain, shop.checkout_production),
        "old": (old, shop.checkout_production),
        "elsewhere": (other, shop.checkout_staging),
    }
    verdicts = {
        name: code_use(text, place, Run(f"gh:{name}:1"), reason=REASON, used_at=database_now(), by=SETUP).verdict
        for name, (text, place) in told.items()
    }
    assert verdicts == {"nonsense": "unknown", "revoked": "stale", "old": "stale", "elsewhere": "elsewhere"}


def test_over_http_asked_approved_and_passed(shop, ci, terraform, page, alice, bob, lock):
    body = {"service": "checkout", "environment": "prod", "passes": [str(lock.public_id)], "commit": COMMIT}
    assert ci.post("overrides", body | {"reason": REASON}).status == 403
    made = terraform.post("overrides", body | {"reason": REASON, "duration": "1h"})
    assert (made.status, made.json["override"]["needs_approval"]) == (201, True)
    override = made.json["override"]
    asked = {
        "service": "checkout",
        "environment": "prod",
        "run": "gh:1:1",
        "commit": COMMIT,
        "override": override["id"],
    }
    refused = ci.get("gate", **asked)
    assert (refused.status, refused.json["error"]) == (403, "override_refused")
    _, token = credential_create("Alice's", kind="ci", scopes=["admin"], user=alice, by=SETUP)
    assert V1(token).post(f"overrides/{override['id']}/approval", {}).json["override"]["approver"] == "Alice"
    assert ci.get("gate", **asked | {"run": ""}).json["details"]["errors"][0]["path"] == "run"
    passed = ci.get("gate", **asked)
    assert (passed.status, passed.json["decision"]["override"]["id"]) == (200, override["id"])
    claim = {"service": "checkout", "environment": "prod", "ci": {"provider": "gh", "run": 1}, "commit": COMMIT}
    assert ci.post("claims", claim).status == 423
    assert ci.post("claims", claim | {"override": override["id"]}).status == 201
    assert [each["run"] for each in terraform.get(f"overrides/{override['id']}").json["override"]["uses"]] == ["gh:1:1"]
    assert len(terraform.get("overrides", service="checkout", environment="prod").json["overrides"]) == 1
    assert terraform.delete(f"overrides/{override['id']}").json["override"]["withdrawn_by"] == "Terraform"


def test_over_http_codes_are_issued_listed_revoked_and_told_of(shop, ci, terraform):
    assert ci.post("break-glass/codes", {"environment": "prod"}).status == 403
    issued = terraform.post("break-glass/codes", {"environment": "prod", "count": 2, "duration": "30d"})
    assert issued.status == 201 and len(issued.json["codes"]) == 2
    code = issued.json["codes"][0]
    told = {"code": code["code"], "service": "checkout", "environment": "prod", "ci": {"run": 1}, "reason": REASON}
    assert ci.post("break-glass/uses", told).json["use"]["verdict"] == "sound"
    listed = terraform.get("break-glass/codes", environment="prod").json["codes"]
    assert [each["uses"] for each in listed] == [0, 1] and "code" not in listed[0]
    assert terraform.delete(f"break-glass/codes/{code['id']}").json["code"]["revoked_at"]
    assert terraform.get("break-glass/uses").json["uses"][0]["verdict_means"].startswith("a code that was good")


def test_limits_are_changed_by_administrators_and_hold_at_every_door(shop, ci, terraform, page, alice, bob):
    before = ci.get("limits").json
    assert before["limits"]["production"]["two_people"] is True
    assert ci.send("patch", "limits/production", {"two_people": False}).status == 403
    change = {"open_ended": False, "shortest_reason": 20, "greatest_minutes": 300, "default_minutes": 30}
    assert (
        terraform.send("patch", "limits/production", change).json["limits"] == before["limits"]["production"] | change
    )
    assert ci.get("limits").json["policy"] != before["policy"]
    for wrong in ({"reason": "short"}, {"until": None}, {"duration": "6h"}):
        body = {"service": "checkout", "environment": "production", "reason": "a reason that is long enough"}
        assert ci.post("locks", body | wrong).status == 422
    lock = ci.post("locks", body).json["lock"]
    lasts = parse_datetime(lock["expires_at"]) - parse_datetime(lock["starts_at"])
    assert lasts == timedelta(minutes=30)
    assert limits_set("production", {}, by=SETUP) == limits.of("production")
    assert events("tier_limits") == ["tier_limits.changed"]


@pytest.mark.parametrize("change", [{"default_minutes": 10**6}, {"greatest_minutes": 0}, {"two_people": "yes"}])
def test_wrong_limits_are_refused(shop, terraform, change):
    assert terraform.send("patch", "limits/test", change).status == 422
    assert terraform.send("patch", "limits/lunar", {}).status == 404
    assert limits.of("test") == limits.OTHERS


def test_an_override_that_has_ended_is_not_approved(shop, page, alice, bob, lock):
    override = ask(shop, page(bob), lock)
    Override.objects.update(expires_at=database_now())
    with pytest.raises(Conflict, match="run out"):
        override_approve(override, by=page(alice))
