"""Has forges begin what runs ask for, once, and follows it to its end.

A run is marked before its forge is asked. Whoever finds the mark and no answer looks at the forge, and never asks it
blindly a second time.
"""

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from portal.accounts.organization import secrets_there
from portal.actions import commands, forges
from portal.actions.forges import Declined, Doubtful, Forge
from portal.actions.models import Run
from portal.actions.queries import alone
from portal.actions.requests import filled
from portal.audit.leases import must_hold
from portal.audit.models import Delivery, Event
from portal.audit.posting import LONGEST_WAIT
from portal.audit.subscribers import RetryLater, subscribe
from portal.kit.by import system
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

# A forge that is down, or takes nothing more, for longer has its runs failed, so that somebody sees it.
PATIENCE = timedelta(days=1)
# After so long nothing turns up any more that was not in the forge's list.
LOOKED_FOR = timedelta(minutes=2)
# Deliveries are given up after three days; a job that waits for longer is reported on by itself.
FOLLOWED_FOR = timedelta(hours=60)
# Seconds between two looks, until something is that old.
PACE = ((120, 10.0), (1800, 30.0), (float("inf"), 120.0))
SOON = 10.0  # seconds


def register(kind: str, forge: Forge) -> None:
    """One subscriber a forge: what asks it for a pause keeps no other waiting."""
    forges.add(kind, forge)
    subscribe(
        f"runs.{kind.lower()}", "run.created", "run.approved", handle=work, wants=lambda event: _is_of(event, kind)
    )


def _is_of(event: Event, kind: str) -> bool:
    return event.payload.get("forge") == kind and (event.after or {}).get("status") == Run.Status.IN_PROGRESS


def work(delivery: Delivery) -> Json:
    """One step; the next comes with the same delivery, later."""
    run = Run.objects.filter(public_id=delivery.event.noun_id).first()
    if run is None or run.status != Run.Status.IN_PROGRESS:
        return {"skipped": "The run does not wait for it any more."}
    forge = forges.of(run.definition)
    assert forge is not None
    if "number" in run.job:
        return _follow(run, forge, delivery)
    return _seek(run, forge, delivery) if "asked" in run.job else _ask(run, forge, delivery)


def _ask(run: Run, forge: Forge, delivery: Delivery) -> Json:
    by, mark = system("portal"), ""
    try:
        if lacking := forge.missing(run.definition["invocationMethod"], secrets_there()):
            raise Declined(lacking)
        ask = forge.ready(filled(run))
        must_hold(delivery)
        mark = commands.run_asks(run, ask.place, ask.follows, by=by)
        if not mark:
            return {"skipped": "The run does not wait for it any more."}
        job = ask.begin()
    except (Declined, Invalid, Conflict) as no:
        return _failed(run, no.message if isinstance(no, Invalid | Conflict) else str(no))
    except Doubtful as doubt:
        return _doubted(run, delivery, doubt)
    except RetryLater as busy:
        return _later(run, delivery, busy, mark)
    commands.run_begun(run, job, forge.name, by=by)
    if not ask.follows:
        return {"begun": job.number}
    raise RetryLater("It is under way.", SOON, untaken=True)


def _doubted(run: Run, delivery: Delivery, doubt: Doubtful) -> Json:
    """Whoever asks again is slower each time; whoever only looks is not."""
    if doubt.again and timezone.now() - delivery.event.at > PATIENCE:
        return _failed(run, str(doubt))
    first = delivery.attempts <= 1
    commands.run_doubts(run, str(doubt), again=doubt.again, aloud=first or not doubt.again, by=system("portal"))
    after = _bounded(doubt.after) or (SOON if delivery.attempts <= 3 else None)
    raise RetryLater(str(doubt), after, untaken=not doubt.again)


def _later(run: Run, delivery: Delivery, busy: RetryLater, mark: str) -> Json:
    """Nothing began, for certain."""
    if mark:
        commands.run_asks_later(run, mark, by=system("portal"))
    if busy.untaken:
        raise busy
    ends = timezone.now() - delivery.event.at > PATIENCE
    if ends or delivery.attempts <= 1:
        commands.run_uncalled(run, str(busy), ends=ends, by=system("portal"))
    if ends:
        return {"error": str(busy)}
    after = _bounded(busy.after)
    raise RetryLater(str(busy), after, pause=after or SOON)


def _seek(run: Run, forge: Forge, delivery: Delivery) -> Json:
    """It was asked, and its answer did not say which job it is, or never came."""
    job, asked = run.job, datetime.fromisoformat(run.job["asked"])
    try:
        found = alone(run, forge.find(job["place"], asked, run.public_id))
    except Declined as no:
        return _lost(run, forge, str(no))
    except RetryLater as busy:
        if timezone.now() - asked > PATIENCE:
            return _lost(run, forge, str(busy))
        raise
    if found:
        commands.run_begun(run, found, forge.name, by=system("portal"))
        if not job["follows"]:
            return {"begun": found.number}
        raise RetryLater("It is under way.", SOON, untaken=True)
    if job.get("again"):
        commands.run_asks_later(run, job["mark"], by=system("portal"))
        run.refresh_from_db(fields=["job"])
        return _ask(run, forge, delivery)
    if timezone.now() - asked < LOOKED_FOR:
        raise RetryLater("It is looked for.", SOON, untaken=True)
    return _lost(run, forge, "")


def _lost(run: Run, forge: Forge, why: str) -> Json:
    """What is certain to have begun goes on without being watched; of the rest somebody has to look himself."""
    if run.job.get("answered"):
        text = f"Which job it is {forge.name} did not say, and it was not found. The run ends when it is reported on. {why}"
        commands.run_unwatched(run, text.strip(), by=system("portal"))
        return {"begun": ""}
    doubt = run.job.get("doubt") or f"The worker that asked {forge.name} went away before the answer."
    return _failed(
        run,
        f"{doubt} It may have begun all the same, and is not asked a second time. {why}".strip()
        + f" Look at {forge.name} before you run it again.",
    )


def _follow(run: Run, forge: Forge, delivery: Delivery) -> Json:
    age = timezone.now() - datetime.fromisoformat(run.job["asked"])
    if timezone.now() - delivery.event.at > FOLLOWED_FOR:
        commands.run_unwatched(run, "It goes on for long, and is followed no more.", by=system("portal"))
        return {"begun": run.job["number"]}
    try:
        seen = forge.look(run.job["place"], run.job["number"])
    except Declined as no:
        commands.run_unwatched(run, f"It cannot be followed: {no}", by=system("portal"))
        return {"error": str(no)}
    except RetryLater as busy:
        after = _bounded(busy.after) or SOON
        raise RetryLater(str(busy), after, pause=after, untaken=True) from busy
    commands.run_seen(run, seen, by=system("portal"))
    if seen.state != "running":
        return {"ended": seen.label}
    pace = next(wait for until, wait in PACE if age.total_seconds() < until)
    raise RetryLater("It is under way.", pace, untaken=True)


def _failed(run: Run, reason: str) -> Json:
    commands.run_uncalled(run, reason, ends=True, by=system("portal"))
    return {"error": reason}


def _bounded(after: float | None) -> float | None:
    return None if after is None else min(after, LONGEST_WAIT)
