"""What a run remembers of the job that a forge does for it, `run.job`:

`{"asked": time, "place": where, "follows": bool}` from before the forge is asked; then `number` and `url` of the job, or
`doubt` and `again` where no clear answer came, or `answered` where it did and named no job.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.accounts.policy import require
from portal.actions.commands.calls import say, sentence
from portal.actions.commands.runs import changed, ended, held
from portal.actions.forges import Job, Seen
from portal.actions.models import Run
from portal.kit.by import By

Json = dict[str, Any]

ENDS = {"success": Run.Status.SUCCESS, "failure": Run.Status.FAILURE}


@transaction.atomic
def run_asks(run: Run, place: Json, follows: bool, *, by: By) -> bool:
    """Whether its forge may be asked now: nobody has before, and the run still waits for it."""
    require(by, "run.report")
    run = held(run)
    if run.status != Run.Status.IN_PROGRESS or "asked" in run.job:
        return False
    _keep(run, {"asked": timezone.now().isoformat(), "place": place, "follows": follows})
    return True


@transaction.atomic
def run_asks_later(run: Run, *, by: By) -> None:
    """It was asked, and nothing began."""
    require(by, "run.report")
    _keep(held(run), {})


@transaction.atomic
def run_doubts(run: Run, reason: str, *, again: bool, aloud: bool, by: By) -> None:
    """No clear answer came. `again`: it is asked again when nothing is found there; `aloud`: its log says so."""
    require(by, "run.report")
    run = held(run)
    _keep(run, run.job | {"doubt": sentence(reason), "again": again})
    if aloud:
        say(run, f"{sentence(reason)} It is looked for there first.", by)


@transaction.atomic
def run_begun(run: Run, job: Job, forge: str, *, by: By) -> Run:
    """It is under way there. A run that has ended meanwhile keeps its end."""
    require(by, "run.report")
    run = held(run)
    facts = {"number": job.number, "url": job.url} if job.number else {"answered": True}
    _keep(run, {name: run.job[name] for name in ("asked", "place", "follows") if name in run.job} | facts)
    say(run, f"{forge} has begun {job.number or 'it'}." + (f" {job.url}" if job.url else ""), by)
    if run.is_over:
        return run
    before = run.state()
    if job.url and job.url not in run.links:
        run.link = [*run.links, job.url] if run.links else job.url
    run.external_id = run.external_id or job.number
    return changed(run, before, by)


@transaction.atomic
def run_seen(run: Run, seen: Seen, *, by: By) -> Run:
    """How the job stands. Its end is the run's."""
    require(by, "run.report")
    run = held(run)
    if run.is_over:
        return run
    before = run.state()
    run.status_label = seen.label
    if seen.state not in ENDS:
        return changed(run, before, by)
    changed(run, before, by)
    say(run, f"It has ended: {seen.label}.", by)
    summary = "" if seen.state == "success" else run.summary or f"The job ended: {seen.label}."
    return ended(run, ENDS[seen.state], summary, by=by)


@transaction.atomic
def run_unwatched(run: Run, reason: str, *, by: By) -> None:
    """It goes on, and ends when somebody reports."""
    require(by, "run.report")
    say(held(run), sentence(reason), by)


def _keep(run: Run, job: Json) -> None:
    run.job = job
    run.save(update_fields=["job"])
