from datetime import datetime
from typing import Any

from django.urls import reverse

from locks.models import BreakGlassCode, BreakGlassUse
from portal.accounts.policy import allows
from portal.kit.by import By

Json = dict[str, Any]
Chip = tuple[str, str, str]  # words, colour, icon

VERDICTS: dict[str, Chip] = {
    BreakGlassUse.Verdict.SOUND: ("sound", "green", "check"),
    BreakGlassUse.Verdict.REUSED: ("used again", "red", "alert-triangle"),
    BreakGlassUse.Verdict.UNKNOWN: ("unknown", "red", "alert-triangle"),
    BreakGlassUse.Verdict.STALE: ("no longer good", "red", "alert-triangle"),
    BreakGlassUse.Verdict.ELSEWHERE: ("used elsewhere", "red", "alert-triangle"),
}


def code_row(code: BreakGlassCode, by: By, now: datetime) -> Json:
    teams = code.environment.team if code.environment else ()
    unspent = not code.uses.all() and not code.revoked_at and code.expires_at > now
    return {
        "id": str(code.public_id),
        "hint": code.hint,
        "environment": code.environment_identifier,
        "chip": _state(code, now),
        "issued_by": code.issued_by,
        "issued_at": code.issued_at,
        "expires_at": code.expires_at,
        "revoked_at": code.revoked_at,
        "uses": len(code.uses.all()),
        "may_revoke": unspent and allows(by.actor, "code.issue", teams=teams),
        "revoke_url": reverse("locks:code_revocation", args=[code.public_id]),
    }


def _state(code: BreakGlassCode, now: datetime) -> Chip:
    """What wants somebody's eyes goes before what is merely over."""
    uses = sorted(code.uses.all(), key=lambda use: use.verdict == BreakGlassUse.Verdict.SOUND)
    if uses and uses[0].verdict != BreakGlassUse.Verdict.SOUND:
        return VERDICTS[uses[0].verdict]
    if uses:
        return ("used", "lightGray", "check")
    if code.revoked_at:
        return ("revoked", "lightGray", "circle-x")
    return ("unused", "green", "key") if code.expires_at > now else ("run out", "lightGray", "clock")


def use_row(use: BreakGlassUse) -> Json:
    return {
        "id": str(use.public_id),
        "where": f"{use.service_identifier} in {use.environment_identifier}",
        "commit": use.commit,
        "reason": use.reason,
        "code": f"…{use.code.hint}" if use.code else "unknown",
        "chip": VERDICTS[use.verdict],
        "means": use.get_verdict_display(),
        "run": use.run,
        "url": use.run_url,
        "used_at": use.used_at,
        "reported_by": use.reported_by,
        "reported_at": use.reported_at,
    }
