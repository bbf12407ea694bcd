"""Break-glass: by an override that names what it passes, or, when the portal cannot be asked, by a code issued beforehand."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from uuid import UUID

from django.db import transaction

from catalog.models import Entity
from catalog.queries import Place
from locks import limits, queries, scopes
from locks.decisions import Bar
from locks.models import BreakGlassCode, BreakGlassUse, Override, OverrideUse
from locks.queries import override_refused
from locks.runs import Run
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Refused
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock, retried

LIFE, LONGEST_LIFE = timedelta(minutes=30), timedelta(hours=4)
MOST_USES = 10
MOST_CODES = 50
CODE_LIFE, LONGEST_CODE_LIFE = timedelta(days=90), timedelta(days=366)
CODE_PREFIX = "pcg-"


@retried
@transaction.atomic
def override_ask(
    place: Place,
    passes: Sequence[str | UUID],
    *,
    commit: str,
    reason: str,
    life: timedelta = LIFE,
    max_uses: int = 1,
    link: str = "",
    by: By,
) -> Override:
    """`passes` are the ids of locks and freezes that cover the place now. Where the tier demands two people, it opens
    nothing before another has approved it. Raises Refused, Invalid with every fault."""
    require(by, "override.ask", teams=place.teams)
    place = scopes.hold(place)
    now = database_now()
    named = _named(place, passes, now, by)
    demands = limits.of(place.tier)
    faults = []
    if not commit or len(commit) > 100:
        faults.append({"path": "commit", "message": "name the commit that may pass, in 100 characters or less"})
    if not timedelta() < life <= LONGEST_LIFE:
        faults.append({"path": "duration", "message": "an override lasts 4 h at most"})
    if not 1 <= max_uses <= MOST_USES:
        faults.append({"path": "max_uses", "message": f"must be from 1 to {MOST_USES}"})
    if link and not limits.LINK.fullmatch(link):
        faults.append({"path": "link", "message": "must start with https:// or http://"})
    if faults:
        raise Invalid.of(faults)
    override = Override(
        service_id=place.service_id,
        service_identifier=place.service,
        environment_id=place.environment_id,
        environment_identifier=place.environment,
        commit=commit,
        passes=named,
        reason=limits.check_reason(reason, tier=place.tier),
        link=link,
        holder_kind=by.actor.holder_kind,
        holder_key=by.actor.key,
        holder_name=by.actor.name,
        expires_at=now + life,
        max_uses=max_uses,
        needs_approval=demands.two_people,
    )
    override.save(force_insert=True)
    record("override.asked", override.noun(), by=by, after=override.facts())
    return override


def _named(place: Place, passes: Sequence[str | UUID], now: datetime, by: By) -> list[UUID]:
    decision = queries.decide(place, by=by, now=now)
    bars: list[Bar] = [*decision.locks, *decision.freezes]
    there = {str(each.public_id): each.public_id for each in bars}
    faults = [
        {"path": f"passes.{number}", "message": "is no lock or freeze that covers this place now"}
        for number, each in enumerate(passes)
        if str(each) not in there
    ]
    if not passes:
        faults.append({"path": "passes", "message": "name the locks and freezes that it is to pass, by their ids"})
    if faults:
        raise Invalid.of(faults)
    return [there[str(each)] for each in dict.fromkeys(map(str, passes))]


@retried
@transaction.atomic
def override_approve(override: Override, *, by: By) -> Override:
    """By a person, another than who asked. Twice is once."""
    override = _held(override)
    require(by, "override.approve", teams=override.owner_teams())
    if override.approved_at:
        return override
    if by.actor.key == override.holder_key:
        raise Refused(f"{by.actor.name} asked for it: another has to approve it.", code="same_person")
    now = database_now()
    if override.withdrawn_at or override.expires_at <= now:
        raise Conflict(f"Too late: {override.fault(now)}.", code="override_ended")
    before = override.facts()
    override.approved_at, override.approver_key, override.approver_name = now, by.actor.key, by.actor.name
    override.save(update_fields=["approved_at", "approver_key", "approver_name"])
    record("override.approved", override.noun(), by=by, before=before, after=override.facts())
    return override


@retried
@transaction.atomic
def override_withdraw(override: Override, *, by: By) -> Override:
    """It opens nothing from now on. Twice is once."""
    override = _held(override)
    require(by, "override.withdraw", holder=override.holder_key, teams=override.owner_teams())
    if override.withdrawn_at:
        return override
    before = override.facts()
    override.withdrawn_at, override.withdrawn_by = database_now(), by.actor.name
    override.save(update_fields=["withdrawn_at", "withdrawn_by"])
    record("override.withdrawn", override.noun(), by=by, before=before, after=override.facts())
    return override


def override_use(override: Override, run: Run, *, now: datetime) -> None:
    """Counts one more run through, in the transaction of what it lets through. The same run again is the same use.

    Raises Invalid without a run, Refused when it has been used as often as it may.
    """
    if not run.key:
        raise Invalid.at("run", "name the CI run: an override counts the runs that it lets through")
    held = _held(override)  # whoever comes second counts what the first has written
    if fault := held.fault(now):
        raise override_refused(fault)
    uses = set(held.uses.values_list("run", flat=True))
    if run.key in uses:
        return
    if len(uses) >= held.max_uses:
        raise override_refused(f"it has been used {len(uses)} times, as often as it may")
    OverrideUse.objects.create(override=held, run=run.key, run_url=run.url, at=now)


def _held(override: Override) -> Override:
    rows = Override.objects.select_for_update(of=("self",)).select_related("service", "environment")
    return rows.get(pk=override.pk)


@transaction.atomic
def codes_issue(
    environment: Entity, *, count: int = 1, life: timedelta = CODE_LIFE, by: By
) -> list[tuple[BreakGlassCode, str]]:
    """The codes with their text, which is told this once and kept nowhere. The last letters are a check of the rest."""
    require(by, "code.issue", teams=environment.team)
    if not 1 <= count <= MOST_CODES:
        raise Invalid.at("count", f"must be from 1 to {MOST_CODES}")
    if not timedelta() < life <= LONGEST_CODE_LIFE:
        raise Invalid.at("duration", f"a code lasts {LONGEST_CODE_LIFE.days} days at most")
    now = database_now()
    issued = []
    for _ in range(count):
        text = _new_text()
        code = BreakGlassCode.objects.create(
            environment=environment,
            environment_identifier=environment.identifier,
            hash=hashed(text),
            hint=text[-4:],
            issued_by=by.actor.name,
            expires_at=now + life,
        )
        record("break_glass_code.issued", code.noun(), by=by, after=code.facts())
        issued.append((code, text))
    return issued


@retried
@transaction.atomic
def code_revoke(code: BreakGlassCode, *, by: By) -> BreakGlassCode:
    """Twice is once."""
    held = BreakGlassCode.objects.select_for_update(of=("self",)).select_related("environment").get(pk=code.pk)
    require(by, "code.issue", teams=held.environment.team if held.environment else ())
    if held.revoked_at:
        return held
    before = held.facts()
    held.revoked_at = database_now()
    held.save(update_fields=["revoked_at"])
    record("break_glass_code.revoked", held.noun(), by=by, before=before, after=held.facts())
    return held


@retried
@transaction.atomic
def code_use(
    text: str, place: Place, run: Run, *, reason: str, commit: str = "", used_at: datetime, by: By
) -> BreakGlassUse:
    """Reconciles a deployment that went on with a code while the portal could not be asked. It has happened, so it is
    kept whatever the code is worth; `verdict` says that. The same run told again is the same use."""
    require(by, "deployment.report")
    digest = hashed(text)
    advisory_lock("break-glass code", digest)
    told = BreakGlassUse.objects.filter(hash=digest, run=run.key).select_related("code").first()
    if told:
        return told
    now = database_now()
    if used_at > now + timedelta(minutes=5):
        raise Invalid.at("used_at", "lies in the future; check the clock of the sender")
    code = BreakGlassCode.objects.filter(hash=digest).first()
    use = BreakGlassUse(
        code=code,
        hash=digest,
        service_identifier=place.service,
        environment_identifier=place.environment,
        commit=commit[:100],
        run=run.key,
        run_url=run.url,
        reason=limits.check_reason(reason),
        used_at=used_at,
        reported_by=by.actor.name,
        verdict=_verdict(code, place, used_at),
    )
    use.save(force_insert=True)
    record("break_glass.used", use.noun(), by=by, after=use.facts())
    return use


def _verdict(code: BreakGlassCode | None, place: Place, used_at: datetime) -> str:
    if code is None:
        return BreakGlassUse.Verdict.UNKNOWN
    if code.environment_id != place.environment_id:
        return BreakGlassUse.Verdict.ELSEWHERE
    if code.uses.exists():
        return BreakGlassUse.Verdict.REUSED
    if code.expires_at <= used_at or (code.revoked_at and code.revoked_at <= used_at):
        return BreakGlassUse.Verdict.STALE
    return BreakGlassUse.Verdict.SOUND


def hashed(text: str) -> str:
    return sha256(text.strip().encode()).hexdigest()


def _new_text() -> str:
    body = CODE_PREFIX + random_text(24)
    return f"{body}-{sha256(body.encode()).hexdigest()[:4]}"
