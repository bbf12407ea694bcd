"""Of locks, rules, freezes, claims, tickets and what breaks the glass."""

from datetime import timedelta

from catalog import queries as catalog
from locks import rules, scopes
from locks.commands import (
    claim_begin,
    codes_issue,
    freeze_create,
    lock_rule_create,
    lock_take,
    override_ask,
    ticket_join,
)
from locks.runs import Run
from locks.wishes import parse
from portal.kit.clock import database_now
from tests.conftest import SETUP
from tests.house.cases.accounts import A_PERSON

RUN = Run("gh:1:1")
CANARY = {"name": "Canary", "on": ["verdict"]}

CASES = {
    "lock_take": (lambda do, shop: do(scopes.pair(shop.checkout_production), reason="why", by=SETUP), ["lock.taken"]),
    "lock_release": (lambda do, shop: do(held(shop), by=SETUP), ["lock.taken", "lock.released"]),
    "lock_extend": (
        lambda do, shop: do(held(shop), database_now() + timedelta(hours=9), by=SETUP),
        ["lock.taken", "lock.extended"],
    ),
    "lock_rule_create": (lambda do, shop: do(rules.parse(CANARY), by=SETUP), ["lock_rule.created"]),
    "lock_rule_update": (
        lambda do, shop: do(canary(), rules.parse(CANARY | {"enabled": False}), by=SETUP),
        ["lock_rule.created", "lock_rule.updated"],
    ),
    "lock_rule_delete": (lambda do, shop: do(canary(), by=SETUP), ["lock_rule.created", "lock_rule.deleted"]),
    "freeze_create": (lambda do, shop: do(scopes.named("everything"), christmas(), by=SETUP), ["freeze.created"]),
    "freeze_change": (
        lambda do, shop: do(frozen(), christmas(duration="2d"), by=SETUP),
        ["freeze.created", "freeze.changed"],
    ),
    "freeze_withdraw": (lambda do, shop: do(frozen(), by=SETUP), ["freeze.created", "freeze.withdrawn"]),
    "claim_begin": (lambda do, shop: do(shop.checkout_production, RUN, by=SETUP), ["claim.begun"]),
    "claim_heartbeat": (lambda do, shop: do(begun(shop), begun(shop).fence, by=SETUP), ["claim.begun"]),
    "claim_finish": (
        lambda do, shop: do(begun(shop), begun(shop).fence, "success", by=SETUP),
        ["claim.begun", "claim.finished"],
    ),
    "claim_revoke": (lambda do, shop: do(begun(shop), by=SETUP), ["claim.begun", "claim.revoked"]),
    "ticket_join": (
        lambda do, shop: do(shop.search_production, RUN, by=SETUP),
        ["ticket.joined", "ticket.ready"],
    ),
    "ticket_withdraw": (
        lambda do, shop: do(queued(shop), by=SETUP),
        ["ticket.joined", "ticket.ready", "ticket.withdrawn"],
    ),
    "override_ask": (
        lambda do, shop: do(shop.checkout_production, [held(shop).public_id], commit="c", reason="fire", by=SETUP),
        ["lock.taken", "override.asked"],
    ),
    "override_approve": (
        lambda do, shop: do(override(shop), by=A_PERSON),
        ["lock.taken", "override.asked", "override.approved"],
    ),
    "override_withdraw": (
        lambda do, shop: do(override(shop), by=SETUP),
        ["lock.taken", "override.asked", "override.withdrawn"],
    ),
    "codes_issue": (
        lambda do, shop: do(catalog.environment_named("prod"), count=2, by=SETUP),
        ["break_glass_code.issued", "break_glass_code.issued"],
    ),
    "code_revoke": (
        lambda do, shop: do(code(), by=SETUP),
        ["break_glass_code.issued", "break_glass_code.revoked"],
    ),
    "code_use": (
        lambda do, shop: do("pcg", shop.search_production, RUN, reason="fire", used_at=database_now(), by=SETUP),
        ["break_glass.used"],
    ),
    "limits_set": (lambda do, shop: do("test", {"shortest_reason": 9}, by=SETUP), ["tier_limits.changed"]),
    "gate_ask": (lambda do, shop: do(shop.checkout_production, by=SETUP), []),
}


def held(shop):
    return lock_take(scopes.pair(shop.checkout_production), reason="why", by=SETUP)


def begun(shop):
    return claim_begin(shop.checkout_production, RUN, by=SETUP).claim


def queued(shop):
    return ticket_join(shop.checkout_production, RUN, by=SETUP).ticket


def override(shop):
    return override_ask(shop.checkout_production, [held(shop).public_id], commit="c", reason="fire", by=SETUP)


def code():
    return codes_issue(catalog.environment_named("prod"), by=SETUP)[0][0]


def canary():
    return lock_rule_create(rules.parse(CANARY), by=SETUP)


def christmas(**more):
    body = {"title": "Christmas", "reason": "holidays", "starts": "2026-12-24T12:00", "duration": "3d"}
    return parse(body | more)


def frozen():
    return freeze_create(scopes.named("everything"), christmas(), by=SETUP)
