"""A phase of an environment's life begins: its steps are written down, in order, before anybody does one."""

from datetime import datetime
from functools import partial

from django.db import transaction

from deployments.environments import terms
from deployments.environments.models import Environment, Step
from portal.audit.wake import wake

Phase = Environment.Phase
LONGEST_NAME = 100
# It is asked so often whether it is gone, with a pause between: a 404 may come too early.
ASKED = 2


def begin(environment: Environment, phase: Phase, now: datetime, *, at: datetime | None = None) -> None:
    """Sets its columns; the caller saves. What was open of another phase is cancelled: who is at it is told when he comes."""
    environment.steps.filter(state__in=Step.OPEN).update(state=Step.State.CANCELLED, finished_at=now)
    environment.phase, environment.round = phase, environment.round + 1
    environment.work_at = at or now
    template = environment.template
    names = [(str(phase.value), each["name"]) for each in template.steps(phase)]
    if phase == Phase.TEARDOWN:
        names += [("verify", each["name"]) for each in template.steps("verify")] * ASKED
    Step.objects.bulk_create(
        Step(
            environment=environment,
            phase=kind,
            round=environment.round,
            order=order,
            name=name[:LONGEST_NAME],
            key=f"{environment.public_id}.{kind}.{environment.round}.{order}",
        )
        for order, (kind, name) in enumerate(names, start=1)
    )
    rouse()


def rouse() -> None:
    """A worker looks at once, instead of at the next beat."""
    transaction.on_commit(partial(wake, "environments.work"), robust=True)


def end(environment: Environment) -> None:
    """No phase any more; the caller saves."""
    environment.phase, environment.work_at, environment.attempt, environment.last_error = "", None, 0, ""


def arm(environment: Environment, now: datetime) -> None:
    """When the clock has to look at it next. The caller saves."""
    if not environment.is_timed and environment.state != Environment.State.ORPHAN_SUSPECTED:
        environment.next_at = None
        return
    warned = terms.next_warning(environment.deadline, environment.armed_at, now)
    environment.next_at = min(warned or environment.deadline, environment.deadline)


def turn(environment: Environment, state: str, now: datetime) -> None:
    """Into another state; while it is expiring or suspected, that is where it comes back to. The caller saves."""
    if environment.state in (Environment.State.EXPIRING, Environment.State.ORPHAN_SUSPECTED):
        environment.resting = state
    else:
        environment.state, environment.state_at = state, now


def back(environment: Environment, now: datetime) -> None:
    """To where it was before it began to expire, or was suspected. The caller saves."""
    environment.state, environment.state_at = environment.resting, now
    environment.resting = environment.cause = environment.held_by = environment.suspicion = ""
    environment.held_until = None


def fall_asleep(environment: Environment, now: datetime) -> None:
    """From now on it costs nothing. The caller saves."""
    if environment.awake_since:
        environment.awake_seconds += max((now - environment.awake_since).total_seconds(), 0)
        environment.awake_since = None
