"""Whether the gate let a deployment through: by a claim, or by the receipt of a check."""

from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from catalog.queries import Place
from deployments.messages import same_commit
from deployments.models import Deployment, Gate
from deployments.reports import FUTURE_ALLOWED, Report
from locks import receipts
from portal.kit import rows


@dataclass(frozen=True)
class Passage:
    """`proof` is good for this one deployment alone."""

    gate: Gate = Gate.UNGATED
    proof: str = ""


def passage(
    report: Report, place: Place, *, now: datetime, ended: datetime | None = None, claimed: bool = True
) -> Passage:
    """How the deployment of this report passed the gate. What shows it is this place's, this run's and this commit's,
    and older than the end. Anything else counts as nothing: a report is never refused for it.

    `claimed`: False where it is known that this run has no claim here.
    """
    if report.is_history:
        return Passage()
    latest = (ended or report.finished_at or now) + FUTURE_ALLOWED  # the clock of CI is not ours
    return _by_claim(report, place, latest, claimed) or _by_receipt(report, place, now, latest) or Passage()


_CLAIMS = """
    select public_id, intent, commit, run from locks_claim
    where service_id = %(service)s and environment_id = %(environment)s and begun_at <= %(latest)s and {named}
    order by id desc limit 5
"""
_BY_ID, _BY_RUN = _CLAIMS.format(named="public_id = %(claim)s"), _CLAIMS.format(named="run = %(run)s")


def _by_claim(report: Report, place: Place, latest: datetime, claimed: bool) -> Passage | None:
    values = {"service": place.service_id, "environment": place.environment_id, "latest": latest}
    if report.claim:
        try:
            found = rows.prepared(_BY_ID, values | {"claim": UUID(report.claim)})
        except ValueError:
            return None
    else:
        found = rows.prepared(_BY_RUN, values | {"run": report.run_key}) if report.run and claimed else []
    fitting = [public_id for public_id, *asked in found if _fits(report, *asked)]
    return _unused(Gate.CLAIM, str(fitting[0])) if fitting else None


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
    if commit and report.commit and not same_commit(commit, report.commit):
        return False
    return not run or not report.run or run == report.run_key


def _unused(gate: Gate, proof: str) -> Passage | None:
    return None if Deployment.objects.filter(gate_proof=proof).exists() else Passage(gate, proof)
