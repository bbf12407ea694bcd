"""Whether the gate let a deployment through: by a claim, or by the receipt of a check."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from django.db.models import Q

from catalog.queries import Place
from deployments.models import Deployment, Gate
from deployments.reports import FUTURE_ALLOWED, Report
from locks import receipts
from locks.models import Claim, of_pair

SHORTEST_SHA = 7


@dataclass(frozen=True)
class Passage:
    """`proof` is good for this one deployment alone."""

    gate: Gate = Gate.UNGATED
    proof: str = ""


def passage(report: Report, place: Place, *, now: datetime, ended: datetime | None = None) -> Passage:
    """How the deployment of this report passed the gate. What shows it is this place's, this run's and this commit's,
    and older than the end. Anything else counts as nothing: a report is never refused for it.
    """
    if report.is_history:
        return Passage()
    latest = (ended or report.finished_at or now) + FUTURE_ALLOWED  # the clock of CI is not ours
    return _by_claim(report, place, latest) or _by_receipt(report, place, now, latest) or Passage()


def _by_claim(report: Report, place: Place, latest: datetime) -> Passage | None:
    which = _named(report)
    if which is None:
        return None
    claims = Claim.objects.filter(which, of_pair(place), begun_at__lte=latest).order_by("-id")
    claim = next((each for each in claims[:5] if _fits(report, each.intent, each.commit, each.run)), None)
    return _unused(Gate.CLAIM, str(claim.public_id)) if claim else None


def _named(report: Report) -> Q | None:
    if report.claim:
        try:
            return Q(public_id=UUID(report.claim))
        except ValueError:
            return None
    return Q(run=report.run_key) if report.run else None


def _by_receipt(report: Report, place: Place, now: datetime, latest: datetime) -> Passage | None:
    known = receipts.read(report.decision, now=now) if report.decision else None
    if known is None or known["at"] > latest:
        return None
    here = (known["service"], known["environment"]) == (place.service, place.environment)
    if not here or not _fits(report, known["intent"], known["commit"], known["run"]):
        return None
    return _unused(Gate.RECEIPT, sha256(report.decision.encode()).hexdigest())


def _fits(report: Report, intent: str, commit: str, run: str) -> bool:
    """What the gate was not told of does not tell it apart. Who may deploy may roll back, not the other way round."""
    if intent != "deploy" and report.kind != intent:
        return False
    return _same_commit(commit, report.commit) and (not run or not report.run or run == report.run_key)


def _same_commit(one: str, other: str) -> bool:
    """A short one stands for the long one that begins with it."""
    short, long = sorted((one.lower(), other.lower()), key=len)
    return not short or short == long or (len(short) >= SHORTEST_SHA and long.startswith(short))


def _unused(gate: Gate, proof: str) -> Passage | None:
    return None if Deployment.objects.filter(gate_proof=proof).exists() else Passage(gate, proof)
