"""The runs that a lock stopped, and what became of them."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q

from catalog import queries as catalog
from deployments.models import Deployment
from locks.models import Claim, KeptDecision, Lock, PendingDeployment, Ticket
from locks.queries import decide_many, denials, denials_of
from portal.kit.by import By

MOST = 200


@dataclass(frozen=True)
class Blocked:
    """One run's last refusal. `stopped`: something else stops it now."""

    denial: KeptDecision
    stopped: bool


@dataclass(frozen=True)
class _Try:
    """What got through: a claim that began, or a deployment that was reported."""

    place: tuple[str, str]
    run: str
    commit: str
    at: datetime


def blocked_by(lock: Lock, *, now: datetime, by: By | None = None) -> list[Blocked]:
    """The runs that it stopped, in the order in which they asked last, without those that have gone through since
    and those that wait in line: their turn comes by itself. `by`: only at places that he may see."""
    last: dict[tuple[object, ...], KeptDecision] = {}
    for denial in (denials(by, of=lock) if by else denials_of(lock))[:MOST]:
        last.setdefault((_place(denial), _run(denial.run) or denial.actor_key, denial.commit), denial)
    refused = sorted(last.values(), key=lambda each: each.pk)
    tries = list(_tries(refused)) if refused else []
    waiting = _waiting(now) if refused else set()
    left = [each for each in refused if each.run not in waiting and not any(_went(each, one) for one in tries)]
    stopped = _stopped({_place(each) for each in left}, now)
    return [Blocked(each, _place(each) in stopped) for each in left]


def _waiting(now: datetime) -> set[str]:
    """The runs that go on by themselves: in line, or held on GitHub."""
    held = PendingDeployment.objects.filter(state=PendingDeployment.State.WAITING)
    return {*Ticket.objects.waiting(now).values_list("run", flat=True), *(each.run_key for each in held)}


def _tries(denials: list[KeptDecision]) -> Iterable[_Try]:
    """Those in the same places since the first refusal."""
    since = min(each.at for each in denials)
    places = Q(pk=None)
    for service, environment in {_place(each) for each in denials}:
        places |= Q(service_identifier=service, environment_identifier=environment)
    for claim in Claim.objects.filter(places, begun_at__gt=since):
        yield _Try(_place(claim), _run(claim.run), claim.commit, claim.begun_at)
    for asked in PendingDeployment.objects.filter(
        places, state=PendingDeployment.State.APPROVED, answered_at__gt=since
    ):
        if asked.answered_at:
            yield _Try(_place(asked), _run(asked.run_key), asked.commit, asked.answered_at)
    for made in Deployment.objects.filter(places, reported_at__gt=since, kind__in=Deployment.DEPLOYS):
        yield _Try(_place(made), f"{made.provider}:{made.run}" if made.run else "", made.commit, made.reported_at)


def _went(denial: KeptDecision, one: _Try) -> bool:
    same = (one.run and one.run == _run(denial.run)) or (one.commit and one.commit == denial.commit)
    return bool(same) and one.place == _place(denial) and one.at > denial.at


def _place(row: KeptDecision | Claim | Deployment | PendingDeployment) -> tuple[str, str]:
    return row.service_identifier, row.environment_identifier


def _run(key: str) -> str:
    """Without its attempt: a run that is run again is the same one."""
    return key.rpartition(":")[0] or key


def _stopped(names: set[tuple[str, str]], now: datetime) -> set[tuple[str, str]]:
    """Those of the places that something stops now."""
    places = catalog.places_called(names)
    decisions = decide_many(places, now=now)
    return {
        (each.service, each.environment) for each in places if decisions[each.service_id, each.environment_id].denies
    }
