"""Who may do a step now, and what came of it. One worker at a time: by a lease, and by a fence for who comes late."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from deployments.environments import rounds
from deployments.environments.commands.outcomes import bounded, settle
from deployments.environments.models import Environment, State, Step
from deployments.environments.providers import Answer, Call
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Missing, Refused
from portal.kit.ids import uuid7
from portal.kit.locking import retried

Json = dict[str, Any]

# Beyond the longest that the call may take: what the worker needs to write down what came of it.
MARGIN = timedelta(seconds=30)
# Nothing is put off, or leased, for so long: that was written before a clock was set back.
FAR = timedelta(hours=2)


@dataclass(frozen=True)
class Work:
    """A step that is ours to do until the lease ends. `ticket`: it was begun before, and is asked about."""

    environment: int
    step: int
    lease: UUID
    fence: int
    call: Call
    ticket: Json | None = None


@retried
@transaction.atomic
def work_claim(now: datetime | None = None) -> Work | None:
    """The next step that is due, noted as asked before anybody is; None where there is none. It waits for nobody.

    One whose worker has died is due again when his lease ends, under the same key and a greater fence.
    """
    now = now or database_now()
    free = Q(lease_until=None) | Q(lease_until__lt=now) | Q(lease_until__gt=now + FAR)
    due = Q(work_at__lte=now) | Q(work_at__gt=now + FAR)
    rows = Environment.objects.select_for_update(skip_locked=True, of=("self",)).select_related("template")
    environment = rows.filter(free, due).exclude(phase="").order_by("work_at", "pk").first()
    if environment is None:
        return None
    step = environment.steps.filter(round=environment.round, state__in=Step.OPEN).order_by("order").first()
    if step is None:  # taken out by hand
        environment.work_at = None
        environment.save(update_fields=["work_at"])
        return None
    if environment.state == State.REQUESTED:
        rounds.turn(environment, State.PROVISIONING, now)
    environment.fence += 1
    environment.lease = uuid7()
    asked = step.ticket if step.state == Step.State.WAITING else None
    if asked is None:
        step.state, step.attempt, step.fence = Step.State.RUNNING, step.attempt + 1, environment.fence
        step.started_at, step.give_up_at = now, None
        step.save(update_fields=["state", "attempt", "fence", "started_at", "give_up_at"])
    call = call_of(environment, step)
    environment.lease_until = now + timedelta(seconds=call.timeout) + MARGIN
    environment.save(update_fields=["state", "state_at", "resting", "fence", "lease", "lease_until"])
    return Work(environment.pk, step.pk, environment.lease, environment.fence, call, asked)


def call_of(environment: Environment, step: Step) -> Call:
    template = environment.template
    described = template.step(step.phase, step.name)
    return Call(
        template=template,
        environment=told(environment),
        label=environment.label,
        phase=step.phase,
        name=step.name,
        key=step.key,
        fence=step.fence,
        attempt=step.attempt,
        step=described,
        inputs=environment.inputs,
        callback=f"{settings.BASE_URL}/v1/environments/{environment.public_id}/steps/{step.key}",
        token=callback_token(step.key, step.fence),
    )


def told(environment: Environment) -> Json:
    """What a provider is told of it."""
    return {
        "id": str(environment.public_id),
        "name": environment.name,
        "template": environment.template.identifier,
        "owner": environment.owner_name,
        "team": environment.team,
        "pr_url": environment.pr_url,
        "address": environment.address,
        "resources": environment.resources,
    }


def callback_token(key: str, fence: int) -> str:
    """Proves that its bearer was asked to do this step, in this try."""
    text = f"environments step {key} {fence}".encode()
    return hmac.new(settings.SECRET_KEY.encode(), text, hashlib.sha256).hexdigest()


@retried
@transaction.atomic
def step_finish(work: Work, answer: Answer, *, now: datetime | None = None) -> Step:
    """Writes down what came of it. Raises Conflict, and nothing is written, when somebody else has been let in since."""
    environment = _held(work.environment)
    now = now or database_now()
    if (environment.lease, environment.fence) != (work.lease, work.fence):
        raise Conflict("Somebody else has been let in since: this result comes too late.", code="fence_old")
    environment.lease = environment.lease_until = None
    step = environment.steps.get(pk=work.step)
    if step.state not in (Step.State.RUNNING, Step.State.WAITING):
        # It was called off, or its provider has called meanwhile. Whatever comes next may begin.
        step.output = step.output or bounded(answer.output)
        step.save(update_fields=["output"])
        environment.save(update_fields=["lease", "lease_until"])
        rounds.rouse()
        return step
    settle(environment, step, answer, now)
    return step


@retried
@transaction.atomic
def step_report(
    public_id: UUID | str, key: str, token: str, answer: Answer, *, fence: int, now: datetime | None = None
) -> Step:
    """What a provider that answered 202 says later, by its callback. The same again is answered as it is.

    Raises Missing for no such step, Refused for a wrong token, Conflict for an older try or a step that is over.
    """
    step = Step.objects.filter(key=key).select_related("environment").first()
    if step is None or str(step.environment.public_id) != str(public_id):
        raise Missing("There is no such step.")
    if not hmac.compare_digest(token.encode(), callback_token(key, fence).encode()):
        raise Refused("This is not the token that the provider was given for this step.", code="bad_token")
    environment = _held(step.environment_id)
    now = now or database_now()
    step = environment.steps.get(pk=step.pk)
    if step.fence != fence:
        raise Conflict("This step has been asked for anew since: this result comes too late.", code="fence_old")
    if step.state not in (Step.State.RUNNING, Step.State.WAITING):
        if (step.state == Step.State.DONE) == (answer.state in ("done", "gone")):
            return step
        raise Conflict(f"This step is over: it is {step.state}.", code="step_over")
    if step.phase == "verify" and answer.state == "done":
        raise Conflict("A verification says gone or present.", code="verify")
    settle(environment, step, answer, now)
    return step


def _held(pk: int) -> Environment:
    rows = Environment.objects.select_for_update(of=("self",)).select_related("template", "owner", "entity__blueprint")
    row: Environment = rows.get(pk=pk)
    return row
