"""The import of an organisation as a job: started, cancelled, and taken a step further by whichever worker has it."""

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.db.models.functions import Now

from catalog.importers import queries as importers
from catalog.importers.commands import things_import
from catalog.importers.names import cleaned
from catalog.importers.things import Fate, Thing, left
from portal.accounts.policy import require
from portal.audit.record import record
from portal.audit.subscribers import Hopeless, RetryLater
from portal.audit.wake import wake
from portal.github import client, organization
from portal.github.models import Import
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

logger = logging.getLogger(__name__)

TASK = "github.import"
LEASE = timedelta(seconds=120)  # more than a step's calls can take together
MOST_TRIES = 10
MOST_REPORTED = 500
MOST_WAIT = timedelta(hours=2)
WORDS = ("created", "updated", "same", "left")


@transaction.atomic
def import_start(name: str, *, token: str = "", preview: bool = False, by: By) -> Import:
    """Raises Invalid for what is no organisation's name or lacks a token, Conflict while one is under way."""
    require(by, "account.write")
    name = name.strip()
    if not name or len(name) > 100 or cleaned(name) != name or "/" in name:
        raise Invalid.at("organization", "must be the name that stands in the address of the organisation")
    if not token and not settings.GITHUB_TOKEN:
        raise Invalid.at("token", "give one, or set PORTCULLIS_GITHUB_TOKEN")
    if len(token) > 500 or not token.isascii() or any(each.isspace() for each in token):
        raise Invalid.at("token", "is not a token of GitHub")
    job = Import(organization=name, preview=preview, sealed_token=seal(token), door=by.door, trace=by.trace)
    job.actor_kind, job.actor_key, job.actor_name = by.actor.kind, by.actor.key, by.actor.name
    job.cursor = {"phase": "teams", "page": 1, "queue": [], "teams": []}
    job.counts = dict.fromkeys(("repositories", *WORDS), 0)
    try:
        with transaction.atomic():
            job.save()
    except IntegrityError as taken:
        raise Conflict(f"An import of {name} is under way. Wait for its end, or cancel it.", code="running") from taken
    record("github_import.started", job.noun(), by=by, after=job.facts())
    transaction.on_commit(partial(wake, TASK), robust=True)
    return job


@transaction.atomic
def import_cancel(job: Import, *, by: By) -> Import:
    """Stops before the next step. What is written stays; nothing changes for one that has ended."""
    require(by, "account.write")
    job = Import.objects.select_for_update().get(pk=job.pk)
    if job.is_over:
        return job
    before = job.facts()
    _end(job, Import.State.CANCELLED, f"{by.actor.name} cancelled it.")
    record("github_import.cancelled", job.noun(), by=by, before=before, after=job.facts())
    return job


def imports_run(seconds: float = 5.0, *, now: datetime | None = None) -> bool:
    """Takes steps of whatever is due, for about so long; answers whether there is more to do at once.

    Any number of workers may: each holds what it has taken by a lease. A step that was lost with its worker is made
    again, and finds what it had written as it is.
    """
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        job = _taken(now or database_now())
        if job is None:
            return False
        _advance(job, now or database_now())
    return True


@transaction.atomic
def _taken(now: datetime) -> Import | None:
    free = Q(held_until=None) | Q(held_until__lte=now)
    due = Import.objects.filter(free, state__in=Import.UNFINISHED, due_at__lte=now)
    job = due.select_for_update(skip_locked=True).order_by("due_at", "id").first()
    if job:
        job.held_until, job.state = now + LEASE, Import.State.RUNNING
        job.save(update_fields=["held_until", "state"])
    return job


@dataclass
class _Step:
    """What the calls of a step brought, for its one transaction. `cursor` is where the job stands after it."""

    cursor: Json
    things: list[Thing] = field(default_factory=list)
    lost: list[Fate] = field(default_factory=list)
    repositories: int = 0


def _advance(job: Import, now: datetime) -> None:
    try:
        _written(job, _read(job, unseal(job.sealed_token) or settings.GITHUB_TOKEN))
    except RetryLater as reason:
        _put_off(job, reason, now)
    except (Hopeless, client.NotTaken, Conflict) as reason:
        _gave_up(job, str(reason))
    except Exception:
        # Ours: it is tried again behind the others, and after some tries given up.
        logger.exception("A step of %s failed", job)
        _put_off(job, RetryLater("The portal made a mistake; it is in its log."), now)


def _read(job: Import, token: str) -> _Step:
    cursor, name = job.cursor, job.organization
    if cursor["queue"]:
        return _next_of_queue(job, token)
    if cursor["phase"] == "teams":
        found = organization.teams(name, cursor["page"], token)
        things = [thing for each in found if (thing := organization.team_thing(each))]
        slugs = [each["slug"] for each in found if isinstance(each.get("slug"), str)]
        known = [*cursor["teams"], *(each.identifier for each in things)]
        return _Step(_turned(cursor, len(found), slugs) | {"teams": known}, things)
    found = organization.repositories(name, cursor["page"], token)
    return _Step(_turned(cursor, len(found), found))


def _turned(cursor: Json, count: int, queue: list[Any]) -> Json:
    """The next page, or the next phase after a page that is not full."""
    if count >= organization.PAGE:
        return cursor | {"page": cursor["page"] + 1, "queue": queue}
    after = {"teams": "repositories", "repositories": "over"}[cursor["phase"]]
    return cursor | {"phase": after, "page": 1, "queue": queue}


def _next_of_queue(job: Import, token: str) -> _Step:
    """Members of the next team, or the next repository: the first are texts, the others objects."""
    first, *rest = job.cursor["queue"]
    cursor = job.cursor | {"queue": rest}
    if isinstance(first, str):
        return _members(job, first, cursor, token)
    try:
        texts = organization.files(job.organization, first, token) if first.get("size") else {}
        lost = []
    except Hopeless as reason:
        texts, lost = {}, [left(str(first["full_name"]), "files", str(reason))]
    owners = importers.owners()
    owners = replace(owners, teams={each.casefold(): each for each in cursor["teams"]} | dict(owners.teams))
    things, more = organization.repository_things(first, texts, owners)
    return _Step(cursor, things, [*lost, *more], repositories=1)


def _members(job: Import, team: str, cursor: Json, token: str) -> _Step:
    logins: list[str] = []
    try:
        for page in range(1, 11):
            found = organization.members(job.organization, team, page, token)
            logins += found
            if len(found) < organization.PAGE:
                break
    except Hopeless as reason:
        return _Step(cursor, lost=[left(f"members of {team}", team, str(reason))])
    things, lost = organization.member_things(cleaned(team), logins)
    return _Step(cursor, things, lost)


@transaction.atomic
def _written(job: Import, step: _Step) -> None:
    """Writes what the step brought and where the job stands, together; nothing once somebody else has it or it was cancelled."""
    held = Import.objects.select_for_update().get(pk=job.pk)
    if held.state != Import.State.RUNNING or held.held_until != job.held_until:
        return
    by = _by(held)
    source = f"import/github/{held.organization}"
    done = things_import(step.things, source=source, preview=held.preview, by=by) if step.things else []
    fates = [*step.lost, *done]
    for each in fates:
        held.counts[each.word] += 1
    held.counts["repositories"] += step.repositories
    held.report = [*held.report, *_reported(fates)][:MOST_REPORTED]
    held.cursor, held.attempts, held.reason, held.held_until = step.cursor, 0, "", None
    if step.cursor["phase"] == "over" and not step.cursor["queue"]:
        before = held.facts()
        _end(held, Import.State.COMPLETED)
        record("github_import.finished", held.noun(), by=by, before=before, after=held.facts())
    else:
        held.updated_at = database_now()
        held.save()


def _reported(fates: Iterable[Fate]) -> list[Json]:
    """Whatever is not as it was, or has something said of it."""
    return [
        {
            "word": each.word,
            "blueprint": each.thing.blueprint,
            "identifier": each.thing.identifier[:200],
            "source": each.thing.source[:200],
            "why": each.why[:500],
            "notes": [note[:300] for note in each.thing.notes[:10]],
            "changed": sorted(_changed(each))[:20],
        }
        for each in fates
        if each.word != "same" or each.thing.notes
    ]


def _changed(fate: Fate) -> set[str]:
    if fate.word != "updated":
        return set()
    old, new = fate.before or {}, fate.after or {}
    parts = {name for name in ("title", "team") if old.get(name) != new.get(name)}
    for group in ("properties", "relations"):
        was, will = old.get(group) or {}, new.get(group) or {}
        parts |= {name for name in was.keys() | will.keys() if was.get(name) != will.get(name)}
    return parts


def _put_off(job: Import, reason: RetryLater, now: datetime) -> None:
    """GitHub may say how long; then nothing was wrong, and it is no try."""
    said = timedelta(seconds=reason.after) if reason.after is not None else None
    wait = min(said or timedelta(seconds=min(5 * 2**job.attempts, 600)), MOST_WAIT)
    if said is None and job.attempts + 1 >= MOST_TRIES:
        return _gave_up(job, str(reason))
    mine = Import.objects.filter(pk=job.pk, state=Import.State.RUNNING, held_until=job.held_until)
    mine.update(
        due_at=now + wait,
        held_until=None,
        attempts=F("attempts") + int(said is None),
        reason=str(reason)[:500],
        updated_at=Now(),
    )


@transaction.atomic
def _gave_up(job: Import, why: str) -> None:
    held = Import.objects.select_for_update().get(pk=job.pk)
    if held.state != Import.State.RUNNING or held.held_until != job.held_until:
        return
    before = held.facts()
    _end(held, Import.State.FAILURE, why[:500])
    record("github_import.failed", held.noun(), by=_by(held), before=before, after=held.facts())


def _end(job: Import, state: str, reason: str = "") -> None:
    job.state, job.reason, job.held_until, job.sealed_token = state, reason, None, ""
    job.cursor = job.cursor | {"queue": []}
    job.updated_at = database_now()
    job.save()


def _by(job: Import) -> By:
    """Whoever asked for it, an administrator; what he may do was judged then."""
    actor = Actor(job.actor_kind, job.actor_key, job.actor_name, is_admin=True)  # type: ignore[arg-type]
    return By(actor, job.door, job.trace)  # type: ignore[arg-type]
