from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils.dateparse import parse_datetime

from locks.models import KeptDecision, Lock
from locks.receipts import read
from portal.kit.clock import database_now


def gate(ci, **names):
    return ci.get("gate", **({"service": "checkout", "environment": "production"} | names))


def take(ci, **more):
    return ci.post("locks", {"service": "checkout", "environment": "production", "reason": "debugging"} | more)


def test_open_locked_released_is_200_423_200(shop, ci):
    assert gate(ci).status == 200
    lock = take(ci, duration="2h").json["lock"]
    answer = gate(ci)
    assert (answer.status, answer.json["error"]) == (423, "locked")
    decision = answer.json["decision"]
    assert (decision["outcome"], decision["locks"][0]["id"], decision["next_open_at"]) == (
        "deny",
        lock["id"],
        lock["expires_at"],
    )
    assert 7100 < int(answer.headers["Retry-After"]) <= 7201
    assert ci.delete(f"locks/{lock['id']}").json["lock"]["released_by"] == "CI"
    assert gate(ci).status == 200


def test_an_allowing_check_hands_out_a_receipt_that_cannot_be_forged(shop, ci):
    receipt = gate(ci, commit="4f2a9c1").json["decision"]["receipt"]
    assert read(receipt, now=database_now())["commit"] == "4f2a9c1"
    assert read(receipt[:-1] + ("A" if receipt[-1] != "A" else "B"), now=database_now()) is None
    assert read(receipt, now=database_now() + timedelta(hours=7)) is None


@pytest.mark.parametrize(
    ("names", "status"),
    [
        ({"service": "chekout"}, 404),
        ({"environment": "productoin"}, 404),
        ({"service": ""}, 422),
        ({"environment": ""}, 422),
        ({"intent": "party"}, 422),
        ({"environment": "PROD"}, 200),
        ({"service": "Checkout"}, 404),
    ],
)
def test_a_typo_never_opens_the_gate(shop, ci, names, status):
    answer = gate(ci, **names)
    assert answer.status == status
    assert "receipt" not in answer.json.get("decision", {}) or status == 200


def test_an_alias_is_answered_by_the_true_name_with_what_was_asked_beside_it(shop, ci):
    decision = gate(ci, environment="Prod").json["decision"]
    assert (decision["environment"], decision["asked"]["environment"]) == ("production", "Prod")


def test_a_warning_lets_through_and_says_so(shop, ci):
    take(ci, effect="warn")
    answer = gate(ci)
    assert (answer.status, answer.json["decision"]["outcome"]) == (200, "warn")


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"service": ""}, "service"),
        ({"environment": None}, "environment"),
        ({"reason": ""}, "reason"),
        ({"reason": 7}, "reason"),
        ({"duration": "soon"}, "duration"),
        ({"until": "2026-01-01T00:00:00"}, "until"),
        ({"until": "0001-01-01T00:00:00+23:59"}, "until"),
        ({"until": "9999-12-31T23:59:59-23:59"}, "until"),
        ({"duration": "999999w"}, "duration"),
        ({"duration": "999999w" * 200}, "duration"),
        ({"until": "2020-01-01T00:00:00Z"}, "until"),
        ({"until": None, "duration": "1h"}, "duration"),
        ({"kind": "magic"}, "kind"),
        ({"effect": "none"}, "effect"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"scope": "world"}, "scope"),
        ({"durations": "5m"}, "durations"),
        ({"expiresAt": "2030-01-01T00:00:00Z"}, "expiresAt"),
    ],
)
def test_a_wrong_lock_is_refused_with_its_path_and_leaves_nothing(shop, ci, body, path):
    answer = take(ci, **body)
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path)
    assert not Lock.objects.exists()


def test_taking_what_is_held_is_409_with_the_holder(shop, ci):
    first = take(ci).json["lock"]
    answer = take(ci)
    assert (answer.status, answer.json["error"]) == (409, "already_locked")
    assert answer.json["details"]["lock"]["id"] == first["id"]


def test_open_ended_and_default_ends(shop, ci):
    open_ended = take(ci, until=None).json["lock"]
    assert open_ended["expires_at"] is None
    ci.delete(f"locks/{open_ended['id']}")
    ends = parse_datetime(take(ci).json["lock"]["expires_at"]) - database_now()
    assert timedelta(hours=3, minutes=59) < ends <= timedelta(hours=4)


def test_extension_and_its_refusal(shop, ci):
    lock = take(ci).json["lock"]
    assert ci.post(f"locks/{lock['id']}/extension", {"duration": "6h"}).json["lock"]["expires_at"] > lock["expires_at"]
    assert ci.post(f"locks/{lock['id']}/extension", {}).status == 422
    assert ci.post(f"locks/{lock['id']}/extension", {"duration": "9d"}).status == 422
    assert ci.post("locks/nothing/extension", {"duration": "1h"}).status == 404


def test_lists_by_state_and_place(shop, ci):
    lock = take(ci).json["lock"]
    assert [each["id"] for each in ci.get("locks", environment="PROD").json["locks"]] == [lock["id"]]
    assert ci.get("locks", service="search").json["locks"] == []
    assert [each["id"] for each in ci.get("locks", state="mine").json["locks"]] == [lock["id"]]
    assert ci.get("locks", state="odd").status == 422
    ci.delete(f"locks/{lock['id']}?reason=done")
    assert [each["release_reason"] for each in ci.get("locks", state="history").json["locks"]] == ["done"]


def test_releasing_again_is_the_same_answer(shop, ci):
    lock = take(ci).json["lock"]
    assert ci.delete(f"locks/{lock['id']}").json == ci.delete(f"locks/{lock['id']}").json


def test_a_program_may_not_take_over_somebody_elses_lock(shop, ci, page, bob):
    from locks import scopes
    from locks.commands import lock_take

    lock = lock_take(scopes.pair(shop.checkout_production), reason="debugging", by=page(bob))
    assert take(ci, steal=True).status == 403
    assert ci.delete(f"locks/{lock.public_id}?reason=mine").status == 403
    assert gate(ci).status == 423
    assert KeptDecision.objects.count() == 1


def test_an_allowing_check_asks_the_database_three_times(shop, ci, page, alice):
    from locks import scopes
    from locks.commands import freeze_create, lock_take
    from tests.locks.test_freezes import always

    lock_take(scopes.pair(shop.checkout_staging), reason="elsewhere", by=page(alice))
    freeze_create(scopes.pair(shop.checkout_staging), always(), by=page(alice))
    gate(ci)  # the first use of a credential notes itself
    with CaptureQueriesContext(connection) as asked:
        assert gate(ci).status == 200
    # Who asks, which place it is, what covers it.
    assert len(asked) == 3
