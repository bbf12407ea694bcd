"""One event of each kind that people are told of, as the commands write them. Their nouns are gone."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from portal.audit.models import Event

AT = datetime(2026, 2, 3, 14, 10, tzinfo=UTC)
ID = "0198a2b4-5c6d-7e8f-9a0b-1c2d3e4f5a6b"
RUN = "r_7KcWq2nZ"
PLACE = {"service": "checkout", "environment": "production"}

LOCK = {
    "kind": "manual", "effect": "block", "scope": "pair", **PLACE, "tier": None, "team": None, "allows": [],
    "reason": "Debugging a double charge", "link": "https://tickets.example/PAY-41", "holder": "Dana Okafor",
    "automatic_by": None, "starts_at": "2026-02-01T14:10:00.000Z", "expires_at": "2026-02-03T15:40:00.000Z",
    "released_at": None, "released_by": None, "release_reason": None,
}  # fmt: skip
BY_RULE = LOCK | {
    "automatic_by": "Canary",
    "reason": "checkout does worse since 4.2.0",
    "link": f"http://127.0.0.1:8800/health/{ID}",
    "holder": "the rule “Canary”",
}
FREEZE = {
    "title": "Winter sale", "effect": "block", "scope": "tier", "service": None, "environment": None,
    "tier": "production", "team": None, "allows": ["rollback"], "reason": "Nobody deploys during the sale",
    "link": None, "holder": "Idris Bello",
}  # fmt: skip
SPAN = {"starts_at": "2026-02-03T14:00:00.000Z", "ends_at": "2026-02-05T08:00:00.000Z"}
DEPLOYMENT = {
    **PLACE, "kind": "deploy", "status": "failure", "gate": "ungated", "version": "4.2.0",
    "commit": "9f2c1e7ab04d5533aa10", "message": "Charge once (#412)\n\nand not twice", "author": "Priya Raman",
    "actor": "Dana Okafor", "run_url": "https://ci.example/runs/812",
}  # fmt: skip
DOWN = {
    "state": "down", "since": "2026-02-03T14:09:30.000Z", "reason": "3 results in a row were not as they should be",
    "values": {"status": 503, "ms": 412}, "name": "http",
}  # fmt: skip
STAY = {
    "name": "pr-412", "template": "preview", "state": "ready", "owner": "Omar Haddad", "team": "data",
    "deadline": "2026-02-03T16:10:00.000Z", "last_error": None,
}  # fmt: skip
STAY_TOLD = {
    "environment": ID, "owner_key": "user:7", "owner": "Omar Haddad", "team": "data", "template": "preview",
    "expires_at": "2026-02-03T16:10:00.000Z", "url": f"http://127.0.0.1:8800/environments/{ID}",
}  # fmt: skip
OVERRIDE = {
    **PLACE, "commit": "9f2c1e7ab04d5533aa10", "passes": [ID], "reason": "Orders are lost", "link": None,
    "holder": "Dana Okafor", "expires_at": "2026-02-03T15:40:00.000Z", "max_uses": 1, "needs_approval": True,
}  # fmt: skip
ASKED = {
    "action": "restart",
    "blueprint": "service",
    "entity": "checkout",
    "status": "WAITING_FOR_APPROVAL",
    "summary": "",
}
CODE = {"environment": "production", "reason": "The portal was down", "actor": "Dana Okafor"}


def event(name: str, title: str = "checkout in production", *, actor: str = "Dana Okafor", **columns: Any) -> Event:
    """Not saved. What is not given is as it is for checkout in production."""
    noun = name.partition(".")[0]
    usual = {"noun": noun, "noun_id": ID, "title": title, "at": AT, "public_id": UUID(ID), "payload": {}, **PLACE}
    by = {"actor_kind": "user", "actor_key": "user:1", "actor_name": actor, "door": "page", "trace": UUID(ID)}
    return Event(name=name, **usual | by | columns)


def _run(name: str, actor: str, **columns: Any) -> Event:
    about = {
        "noun": "run",
        "noun_id": RUN,
        "blueprint": "service",
        "entity": "checkout",
        "service": "",
        "environment": "",
    }
    return event(name, "Restart", actor=actor, **about | columns)


def _stay(name: str, payload: dict[str, Any] | None = None, **facts: Any) -> Event:
    place = {"service": "", "environment": "pr-412", "blueprint": "environment", "entity": "pr-412"}
    return event(f"environment.{name}", "pr-412", after=STAY | facts, payload=STAY_TOLD | (payload or {}), **place)


NOWHERE = {"service": "", "environment": ""}
SAMPLES = [
    event("lock.taken", after=LOCK),
    event("lock.taken", actor="the rule “Canary”", after=BY_RULE),
    event("lock.extended", after=LOCK),
    event("lock.released", actor="Omar Haddad", after=LOCK | {"release_reason": "It is fixed"}),
    event("lock.expired", actor="clock", after=LOCK),
    event("lock.expiry_warned", actor="clock", after=LOCK, payload={"minutes": 5}),
    event("lock.holder_reminded", actor="clock", after=LOCK | {"expires_at": None}),
    event("lock_rule.would_lock", "Canary", actor="the rule “Canary”", payload={"reason": "checkout is down", **PLACE}),
    event("freeze.began", "Winter sale", actor="clock", after=FREEZE, payload=SPAN, **NOWHERE),
    event("freeze.ended", "Winter sale", actor="clock", after=FREEZE, payload=SPAN, **NOWHERE),
    event("freeze.created", "Winter sale", actor="Idris Bello", after=FREEZE, **NOWHERE),
    event("freeze.changed", "Winter sale", actor="Idris Bello", after=FREEZE, **NOWHERE),
    event("freeze.withdrawn", "Winter sale", actor="Idris Bello", after=FREEZE, **NOWHERE),
    event("deployment.reported", after=DEPLOYMENT),
    event("deployment.reported", after=DEPLOYMENT | {"status": "success", "kind": "rollback", "version": "4.1.9"}),
    event("deployment.updated", before=DEPLOYMENT | {"status": "success"}, after=DEPLOYMENT | {"status": "rolled_back"}),
    event(
        "watch.closed",
        payload={"verdict": "failed", "reason": "front door was healthy in the hour before, and failing 2 times in a row since.",
                 "values": {"front door": {"before": "healthy", "results": 3, "failed": 2,
                                           "found": {"at": "2026-03-02T09:00:00+00:00", "status": 503, "ms": 40}},
                            "nightly export": {"before": "healthy", "results": 1, "failed": 0}}, "deployment": ID, "version": "4.2.0", "commit": "9f2c1e7ab04d"},
    ),  # fmt: skip
    event("probe.flipped", "checkout in production: http", before={"state": "healthy"}, after=DOWN, payload={"muted": False}),
    event(
        "probe.flipped",
        "checkout in production: http",
        before={"state": "down"},
        after=DOWN | {"state": "healthy", "reason": None, "values": {}},
        payload={"run_version": "4.2.0"},
    ),
    event("prober.went_down", "prober-1", after={"reason": "Neither of 2 references answered"}, **NOWHERE),
    event("prober.came_back", "prober-1", after={"reason": ""}, **NOWHERE),
    *(
        _stay(name)
        for name in "requested provisioned slept woken extended pinned unpinned expired torn_down handed_over".split()
    ),
    _stay("expiry_warned", {"minutes": 120}),
    _stay("provision_failed", {"error": "The workflow ended with failure."}),
    _stay("sleep_failed", {"error": "The provider answered 500."}),
    _stay("wake_failed", {"error": "The provider answered 500."}),
    _stay("teardown_failed", last_error="Its provider says that it is torn down, and that it is still there."),
    _stay("orphan_suspected", {"why": "Its provider does not list it any more."}),
    event("sweep.braked", "teardown", after={"reason": "12 environments would go in one pass; 5 may."},
          payload={"held": 12, "environments": ["pr-401", "pr-402"]}, **NOWHERE),  # fmt: skip
    event("timer.expired", "Larder", payload={"property": "rotateBy", "value": "2026-02-03T14:10:00.000Z"},
          blueprint="vault", entity="larder", **NOWHERE),  # fmt: skip
    event("scorecard.level_changed", blueprint="service", entity="checkout", payload={
        "scorecard": "ready", "scorecardTitle": "Ready for production", "entity": "checkout", "from": "Gold", "to": "Silver",
        "rules": [{"title": "Has an on-call", "from": "SUCCESS", "to": "FAILURE"}],
    }),  # fmt: skip
    event("integration.deletion_held", "GitHub", payload={"owned": 240, "gone": 3, "wished": 120}, **NOWHERE),
    _run("run.created", "Omar Haddad", after=ASKED, payload={"runId": RUN}),
    _run("run.approved", "Dana Okafor", after=ASKED, payload={"description": "Go on"}),
    _run("run.declined", "Dana Okafor", after=ASKED, payload={"description": "Not during the sale"}),
    _run("run.ended", "CI", after=ASKED | {"status": "FAILURE", "summary": "2 of 3 pods came back"}),
    event("override.asked", after=OVERRIDE),
    event("override.approved", actor="Idris Bello", after=OVERRIDE),
    event("override.withdrawn", after=OVERRIDE),
    event("break_glass.used", "code …K7 for production", after=CODE, service=""),
    event("route.tested", "Locks", noun="route", **NOWHERE),
]  # fmt: skip
