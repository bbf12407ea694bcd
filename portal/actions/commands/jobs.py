"""What a run remembers of the job that a forge does for it, `run.job`:

`{"mark": id, "asked": time, "place": where, "follows": bool}` from before the forge is asked; then `number` and `url` of the job, or
`doubt` and `again` where no clear answer came, or `answered` where it did and named no job.
"""

from typing import Any

from django.db import transaction
from django.utils import timezone

from portal.accounts.policy import require
from portal.actions.commands.calls import say, sentence
from portal.actions.commands.runs import changed, held
from portal.actions.forges import Job, Seen
from portal.actions.models import Run
from portal.kit.by import By
from portal.kit.ids import uuid7

Json = dict[str, Any]

KEPT = ("mark", "asked", "place", "follows")
ENDS = {"success": Run.Status.SUCCESS, "failure": Run.Status.FAILURE}


@transaction.atomic
def run_asks(run: Run, place: Json, follows: bool, *, by: By) -> str:
    """The mark of whoever may ask its forge now; empty where somebody has before, or the run does not wait for it."""
    require(by, "run.report")
    run = held(run)
    if run.status != Run.Status.IN_PROGRESS or "asked" in run.job:
        return ""
    mark = str(uuid7())
    _keep(run, {"mark": mark, "asked": timezone.now().isoformat(), "place": place, "follows": follows})
    return mark


@transaction.atomic
def run_asks_later(run: Run, mark: str, *, by: By) -> None:
    """It was asked under this mark, and nothing began. The mark of anybody else stays."""
    require(by, "run.report")
    run = held(run)
    if run.job.get("mark") == mark and "number" not in run.job:
        _keep(run, {})


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
    _keep(run, {name: run.job[name] for name in KEPT if name in run.job} | facts)
    say(run, f"{forge} has begun {job.number or 'it'}.", by)
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
    if seen.state in ENDS:
        say(run, f"It has ended: {seen.label}.", by)
        run.status = ENDS[seen.state]
        run.summary = run.summary or ("" if seen.state == "success" else f"The job ended: {seen.label}.")
    return changed(run, before, by)


@transaction.atomic
def run_unwatched(run: Run, reason: str, *, by: By) -> None:
    """It goes on, and ends when somebody reports."""
    require(by, "run.report")
    say(held(run), sentence(reason), by)


def _keep(run: Run, job: Json) -> None:
    run.job = job
    run.save(update_fields=["job"])
