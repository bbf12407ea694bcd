from datetime import timedelta

import pytest

from catalog import queries as catalog
from catalog.commands import entity_delete
from locks import queries, scopes
from locks.commands import (
    claim_begin,
    claim_finish,
    claim_heartbeat,
    claim_revoke,
    claims_lapse,
    freeze_create,
    lines_advance,
    lock_release,
    lock_take,
    ticket_join,
    ticket_withdraw,
)
from locks.models import Claim, KeptDecision, Ticket
from locks.queries import decide
from locks.runs import Run
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Refused
from tests.conftest import SETUP, events
from tests.locks.test_decide import PROGRAM
from tests.locks.test_freezes import always

OTHER = By(Actor("credential", "credential:8", "Other CI", scopes=frozenset({"gate", "lock"})), "api")
A, B, C = Run("gh:1:1"), Run("gh:2:1"), Run("gh:3:1")


def begin(shop, run=A, by=PROGRAM, **more):
    return claim_begin(shop.checkout_production, run, by=by, **more)


def join(shop, run, by=PROGRAM):
    return ticket_join(shop.checkout_production, run, by=by)


def pass_the_lease(row):
    """As if the time of its lease had gone by in silence."""
    type(row).objects.filter(pk=row.pk).update(lease_until=database_now() - timedelta(seconds=1))


def test_a_claim_is_one_at_a_time_and_the_second_is_told_who_deploys(shop):
    claim = begin(shop, version="2.14").claim
    second = begin(shop, B)
    assert (second.claim, second.decision.outcome, second.decision.stopped_by) == (None, "wait", "claim")
    assert second.decision.message == "checkout in production has to wait: CI is deploying 2.14 (gh:1:1)."
    assert list(Claim.objects.all()) == [claim]
    assert events("claim") == ["claim.begun"]
    assert [each.outcome for each in KeptDecision.objects.all()] == ["allow"]


def test_the_gate_says_wait_to_others_and_not_to_the_run_itself(shop):
    begin(shop)
    asked = [decide(shop.checkout_production, by=PROGRAM, run=run).outcome for run in ("", "gh:2:1", "gh:1:1")]
    assert asked == ["wait", "wait", "allow"]
    assert decide(shop.checkout_staging, by=PROGRAM).outcome == "allow"


def test_the_same_run_asking_again_has_the_same_claim_with_a_fresh_lease(shop):
    first, again = begin(shop), begin(shop)
    assert (again.fresh, again.claim.pk, again.claim.fence) == (False, first.claim.pk, first.claim.fence)
    assert again.claim.lease_until > first.claim.lease_until
    assert events("claim") == ["claim.begun"]
    with pytest.raises(Conflict, match="held by CI"):
        begin(shop, by=OTHER)


def test_a_locked_place_begins_nothing_and_the_denial_is_kept(shop, page, alice):
    lock_take(scopes.pair(shop.checkout_production), reason="closed", by=page(alice))
    begun = begin(shop)
    assert (begun.claim, begun.decision.outcome) == (None, "deny")
    assert not Claim.objects.exists()
    assert KeptDecision.objects.get().outcome == "deny"


def test_what_leads_to_a_claim_is_kept(shop):
    claim = begin(shop, commit="4f2a9c1").claim
    assert (claim.decision.outcome, claim.decision.commit, claim.decision.policy) == ("allow", "4f2a9c1", "2.0")


def test_fences_go_up_from_grant_to_grant(shop):
    fences = []
    for number in range(4):
        claim = begin(shop, Run(f"gh:{number}:1")).claim
        fences.append(claim.fence)
        claim_finish(claim, claim.fence, "success", by=PROGRAM)
    assert fences == sorted(set(fences))


def test_an_old_fence_is_refused_and_nothing_changes(shop):
    claim = begin(shop).claim
    for call in (
        lambda: claim_heartbeat(claim, claim.fence - 1, by=PROGRAM),
        lambda: claim_finish(claim, claim.fence - 1, "success", by=PROGRAM),
    ):
        with pytest.raises(Conflict, match="fence") as refusal:
            call()
        assert refusal.value.code == "old_fence"
    assert Claim.objects.get().facts() == claim.facts()


def test_finishing_twice_is_once(shop):
    claim = begin(shop).claim
    first, second = (claim_finish(claim, claim.fence, "failure", by=PROGRAM) for _ in range(2))
    assert first.finished_at == second.finished_at
    assert events("claim") == ["claim.begun", "claim.finished"]
    with pytest.raises(Conflict, match="already ended with failure"):
        claim_finish(claim, claim.fence, "success", by=PROGRAM)


def test_a_dead_holders_claim_can_be_had_when_its_lease_is_over_and_not_before(shop):
    first = begin(shop).claim
    assert begin(shop, B).claim is None
    pass_the_lease(first)
    second = begin(shop, B).claim
    first.refresh_from_db()
    assert (first.outcome, second.fence > first.fence) == ("lapsed", True)
    assert events("claim") == ["claim.begun", "claim.lapsed", "claim.begun"]


def test_who_was_paused_past_his_lease_is_told_and_the_overlap_is_kept(shop):
    first = begin(shop).claim
    pass_the_lease(first)
    second = begin(shop, B).claim
    for _ in range(2):
        with pytest.raises(Conflict, match="Stop deploying") as refusal:
            claim_finish(first, first.fence, "success", by=PROGRAM)
        assert refusal.value.code == "lease_lost"
    with pytest.raises(Conflict):
        claim_heartbeat(first, first.fence, by=PROGRAM)
    first.refresh_from_db(), second.refresh_from_db()
    assert (first.outcome, bool(first.late_at), second.finished_at) == ("lapsed", True, None)
    assert events("claim")[-1:] == ["claim.came_late"] and events("claim").count("claim.came_late") == 1


def test_a_heartbeat_after_the_lease_brings_nothing_back(shop):
    claim = begin(shop).claim
    pass_the_lease(claim)
    with pytest.raises(Conflict) as refusal:
        claim_heartbeat(claim, claim.fence, by=PROGRAM)
    assert refusal.value.code == "lease_lost"
    assert Claim.objects.get().outcome == "lapsed"


def test_a_heartbeat_is_good_for_another_lease_and_no_event(shop):
    claim = begin(shop, lease=timedelta(seconds=30)).claim
    Claim.objects.update(lease_until=database_now() + timedelta(seconds=1))
    assert claim_heartbeat(claim, claim.fence, by=PROGRAM).lease_until > database_now() + timedelta(seconds=25)
    assert events("claim") == ["claim.begun"]


def test_the_clock_closes_what_has_lapsed_once(shop):
    claim = begin(shop).claim
    pass_the_lease(claim)
    assert [claims_lapse(), claims_lapse()] == [1, 0]
    assert events("claim") == ["claim.begun", "claim.lapsed"]


def test_a_claim_that_runs_when_a_freeze_or_lock_begins_may_finish(shop, page, alice):
    claim = begin(shop).claim
    freeze_create(scopes.pair(shop.checkout_production), always(), by=page(alice))
    lock_take(scopes.pair(shop.checkout_production), reason="fire", by=page(alice))
    assert claim_heartbeat(claim, claim.fence, by=PROGRAM)
    assert claim_finish(claim, claim.fence, "success", by=PROGRAM).outcome == "success"
    assert begin(shop, B).claim is None


def test_somebody_else_cannot_speak_for_a_claim(shop):
    claim = begin(shop).claim
    with pytest.raises(Conflict):
        claim_heartbeat(claim, claim.fence, by=OTHER)
    with pytest.raises(Conflict):
        claim_finish(claim, claim.fence, "success", by=OTHER)
    assert Claim.objects.get().finished_at is None


def test_a_revoked_claim_is_told_to_stop_and_keeps_the_pair_until_its_lease_ends(shop, page, bob, charlie):
    claim = begin(shop).claim
    with pytest.raises(Refused):
        claim_revoke(claim, by=page(charlie))
    claim_revoke(claim, by=page(bob)), claim_revoke(claim, by=page(bob))
    with pytest.raises(Conflict, match="Bob revoked it"):
        claim_heartbeat(claim, claim.fence, by=PROGRAM)
    assert begin(shop, B).claim is None
    assert claim_finish(claim, claim.fence, "cancelled", by=PROGRAM).outcome == "cancelled"
    assert begin(shop, B).claim
    assert events("claim")[:2] == ["claim.begun", "claim.revoked"]


def test_a_service_that_is_being_deployed_is_not_deleted(shop):
    begin(shop)
    with pytest.raises(Conflict, match="CI is deploying"):
        entity_delete(catalog.service_named("checkout"), by=SETUP)


def test_the_line_is_served_in_order_of_arrival(shop):
    claim = begin(shop).claim
    lines = [join(shop, run) for run in (B, C, B)]
    assert [line.position for line in lines] == [1, 2, 1]
    assert lines[0].ticket.pk == lines[2].ticket.pk
    assert [line.ready for line in lines] == [False] * 3
    claim_finish(claim, claim.fence, "success", by=PROGRAM)
    ahead = begin(shop, Run("gh:9:1")).decision
    assert (ahead.outcome, ahead.stopped_by, ahead.ahead) == ("wait", "line", 2)
    assert begin(shop, C).claim is None
    assert join(shop, B).ready
    second = begin(shop, B).claim
    assert Ticket.objects.get(run=B.key).claim == second
    claim_finish(second, second.fence, "success", by=PROGRAM)
    assert begin(shop, C).claim


def test_a_ticket_that_gives_no_sign_of_life_blocks_nobody(shop):
    dead = join(shop, B).ticket
    assert begin(shop, C).claim is None
    pass_the_lease(dead)
    assert begin(shop, C).claim
    dead.refresh_from_db()
    assert dead.ending in ("", "lapsed")
    lines_advance()
    dead.refresh_from_db()
    assert dead.ending == "lapsed"


def test_a_turn_is_not_kept_for_ever(shop):
    ticket = join(shop, B).ticket
    Ticket.objects.update(ready_at=database_now() - Ticket.TURN)
    join(shop, B)
    ticket.refresh_from_db()
    assert ticket.lease_until <= database_now()
    assert begin(shop, C).claim


def test_the_first_in_line_is_told_when_a_lock_is_released(shop, page, alice):
    lock = lock_take(scopes.named("everything"), reason="closed", by=page(alice))
    assert not join(shop, B).ready
    assert not join(shop, C).ready
    lock_release(lock, by=page(alice))
    assert lines_advance() == 1
    assert [each.run for each in Ticket.objects.exclude(ready_at=None)] == [B.key]
    assert events("ticket") == ["ticket.joined", "ticket.joined", "ticket.ready"]
    lock_take(scopes.named("everything"), reason="closed again", by=page(alice))
    lines_advance()
    assert not Ticket.objects.exclude(ready_at=None).exists()


def test_leaving_the_line_is_the_holders_and_twice_is_once(shop):
    ticket = join(shop, B).ticket
    with pytest.raises(Conflict):
        ticket_withdraw(ticket, by=OTHER)
    assert [ticket_withdraw(ticket, by=PROGRAM).ending for _ in range(2)] == ["withdrawn"] * 2
    assert events("ticket") == ["ticket.joined", "ticket.ready", "ticket.withdrawn"]
    assert begin(shop, C).claim


def test_an_estimate_comes_from_how_long_it_took_before(shop):
    now = database_now()
    for number, minutes in enumerate((4, 6, 20)):
        claim = begin(shop, Run(f"gh:5{number}:1")).claim
        claim_finish(claim, claim.fence, "success", by=PROGRAM)
        Claim.objects.filter(pk=claim.pk).update(begun_at=claim.begun_at - timedelta(minutes=minutes))
    assert queries.usual_length(shop.checkout_production) - timedelta(minutes=6) < timedelta(seconds=20)
    begin(shop)
    join(shop, B)
    line = join(shop, C)
    assert timedelta(minutes=11) < line.starts_at - now < timedelta(minutes=13)
    assert line.holder.run == A.key


def test_over_http_from_begin_to_finish(shop, ci):
    body = {"service": "checkout", "environment": "prod", "version": "2.14", "ci": {"provider": "gh", "run": 7}}
    begun = ci.post("claims", body)
    claim = begun.json["claim"]
    assert (begun.status, claim["run"], claim["lease"], claim["heartbeat_every"]) == (201, "gh:7:1", 60, 15)
    assert ci.post("claims", body).status == 200
    assert ci.get("gate", service="checkout", environment="production").json["error"] == "wait"
    other = ci.post("claims", body | {"ci": {"run": 8}})
    assert (other.status, other.json["error"], other.json["decision"]["claim"]["id"]) == (423, "wait", claim["id"])
    line = ci.post("tickets", body | {"ci": {"run": 8}})
    assert (line.status, line.json["ticket"]["position"], line.json["ticket"]["ready"]) == (201, 1, False)
    assert ci.get(f"tickets/{line.json['ticket']['id']}").json["ticket"]["deploying"]["id"] == claim["id"]
    path = f"claims/{claim['id']}"
    assert ci.post(f"{path}/heartbeat", {"fence": claim["fence"]}).status == 200
    wrong = ci.post(f"{path}/heartbeat", {"fence": claim["fence"] - 1})
    assert (wrong.status, wrong.json["error"]) == (409, "old_fence")
    assert ci.post(f"{path}/finish", {"fence": claim["fence"], "outcome": "party"}).status == 422
    assert ci.post(f"{path}/finish", {"fence": claim["fence"]}).json["claim"]["outcome"] == "success"
    assert ci.post("tickets", body | {"ci": {"run": 8}}).json["ticket"]["ready"] is True
    assert [each["run"] for each in ci.get("tickets").json["tickets"]] == [":8:1"]
    assert ci.get("claims", state="all", service="checkout", environment="prod").json["claims"][0]["id"] == claim["id"]
    assert ci.delete(f"tickets/{line.json['ticket']['id']}").json["ticket"]["ending"] == "withdrawn"
    assert ci.get("gate", service="checkout", environment="production").status == 200


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"ci": None}, "ci"),
        ({"ci": {"run": ""}}, "ci.run"),
        ({"ci": {"run": True}}, "ci.run"),
        ({"ci": {"run": 1, "url": "javascript:1"}}, "ci.url"),
        ({"lease": 0}, "lease"),
        ({"lease": "long"}, "lease"),
        ({"intent": "party"}, "intent"),
        ({"commit": 7}, "commit"),
        ({"service": ""}, "service"),
    ],
)
def test_a_wrong_claim_is_refused_with_its_path_and_leaves_nothing(shop, ci, change, path):
    body = {"service": "checkout", "environment": "prod", "ci": {"run": "1"}}
    answer = ci.post("claims", body | change)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert not Claim.objects.exists() and not KeptDecision.objects.exists()
