"""Rules that lock by themselves, what they held, and what they would have."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from rest_framework.decorators import api_view
from rest_framework.request import Request
from rest_framework.response import Response

from locks import queries, rules
from locks.commands import lock_rule_create, lock_rule_delete, lock_rule_update
from locks.models import Evidence, LockRule, RuleHold
from locks.models.freeze import compact
from locks.replays import Would, lasted
from portal.accounts.policy import require
from portal.api.auth import by_of
from portal.api.bodies import object_of
from portal.api.present import url_of
from portal.kit.by import By
from portal.kit.clock import database_now, iso
from portal.kit.errors import Invalid

Json = dict[str, Any]

MOST = 200
MODES = {"dry": True, "real": False}


@api_view(["GET", "POST"])
def lock_rules(request: Request) -> Response:
    by = by_of(request)
    if request.method == "POST":
        require(by, "lock_rule.write")
        made = lock_rule_create(rules.parse(object_of(request)), by=by)
        return Response({"ok": True, "rule": _rule(made, by)}, status=201)
    return Response({"ok": True, "rules": _rules(list(queries.rules(by)[:MOST]), by)})


@api_view(["GET", "PUT", "PATCH", "DELETE"])
def lock_rule(request: Request, public_id: str) -> Response:
    by = by_of(request)
    if request.method != "GET":
        require(by, "lock_rule.write")
    found = queries.rule(by, public_id)
    if request.method == "DELETE":
        lock_rule_delete(found, by=by)
        return Response({"ok": True})
    if request.method == "PUT":
        found = lock_rule_update(found, rules.parse(object_of(request)), by=by)
    if request.method == "PATCH":
        wish = rules.parse(object_of(request), base=found)
        found = lock_rule_update(found, wish, seen=str(found.version), by=by)
    return Response({"ok": True, "rule": _rule(found, by)})


@api_view(["GET"])
def holds(request: Request, public_id: str) -> Response:
    """Those of a dry run have no lock: they are what it would have locked."""
    by = by_of(request)
    found = queries.holds_of(by, queries.rule(by, public_id))
    if mode := request.query_params.get("mode"):
        if mode not in MODES:
            raise Invalid.at("mode", f"must be one of {', '.join(MODES)}")
        found = found.filter(lock__isnull=MODES[mode])
    now = database_now()
    return Response({"ok": True, "holds": [_hold(each, now) for each in found[:MOST]]})


@api_view(["POST"])
def draft_preview(request: Request) -> Response:
    """What a rule that is not there would have locked. Nothing is kept."""
    by = by_of(request)
    require(by, "lock_rule.write")
    return _previewed(LockRule(**rules.parse({"name": "draft", **object_of(request)}).columns), by)


@api_view(["GET"])
def preview(request: Request, public_id: str) -> Response:
    by = by_of(request)
    require(by, "lock_rule.write")
    return _previewed(queries.rule(by, public_id), by)


def _previewed(rule: LockRule, by: By) -> Response:
    now = database_now()
    history = queries.health_told(now)
    found = queries.replayed(rule, history, now=now)
    total = sum((lasted(each, now) for each in found), start=timedelta())
    return Response(
        {
            "ok": True,
            "times": len(found),
            "seconds": int(total.total_seconds()),
            "would": [_would(each, now) for each in found[:MOST]],
            "heard": len(history.signs),
            "cut": history.cut,
            "unknown": queries.unknown_names(by, rule),
        }
    )


def _would(each: Would, now: datetime) -> Json:
    return {
        "covers": each.covers,
        "reason": each.reason,
        "began_at": iso(each.began_at),
        "ended_at": iso(each.ended_at),
        "seconds": int(lasted(each, now).total_seconds()),
    }


def _rule(rule: LockRule, by: By) -> Json:
    return _rules([rule], by)[0]


def _rules(found: Sequence[LockRule], by: By) -> list[Json]:
    """With the names of places that the viewer may see; `hidden`: there are more."""
    counts = queries.holds_counted(by, found, database_now())
    names = queries.names_of_rules(by, found)
    shown = []
    for rule in found:
        held, would = counts.get(rule.pk, (0, 0))
        named = names[rule.pk]
        shown.append(
            {
                "id": str(rule.public_id),
                **rule.facts(),
                "services": named.services,
                "environments": named.environments,
                "hidden": named.hidden,
                "healthy_for": compact(rule.healthy_for),
                "at_most": compact(rule.at_most),
                "held": held,
                "would_have_held": would,
                "created_at": iso(rule.created_at),
                "url": url_of(rule.get_absolute_url()),
            }
        )
    return shown


def _hold(hold: RuleHold, now: datetime) -> Json:
    is_on = hold.is_on(now)
    return {
        "covers": hold.covers,
        "dry": hold.dry,
        "lock": str(hold.lock.public_id) if hold.lock else None,
        "reason": hold.reason,
        "is_on": is_on,
        "began_at": iso(hold.began_at),
        "release_at": iso(hold.release_at) if is_on else None,
        "ends_at": iso(hold.end),
        "ended_at": iso(hold.ended_at or (None if is_on else hold.end)),
        "ended_because": hold.ended_because or None,
        "evidence": [_evidence(each) for each in hold.evidence.all()],
    }


def _evidence(each: Evidence) -> Json:
    return {
        "at": iso(each.at),
        "service": each.service_identifier,
        "environment": each.environment_identifier,
        "kind": "watch" if each.is_verdict else "probe",
        "of": each.subject or None,
        "reason": each.reason,
        "values": each.values,
    }
