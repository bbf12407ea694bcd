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

from catalog.commands import entity_delete
from deployments.environments import rounds, terms
from deployments.environments.models import Environment, State, Step
from deployments.environments.providers import MOST_OUTPUT, TIMEOUT, Answer, Call
from portal.audit.record import record
from portal.kit.by import By, system
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Missing, PortalError, Refused
from portal.kit.ids import uuid7
from portal.kit.locking import retried

Json = dict[str, Any]
Phase = Environment.Phase

# Beyond the longest that the call may take: what the worker needs to write down what came of it.
MARGIN = timedelta(seconds=30)
# Nothing is put off, or leased, for so long: that was written before a clock was set back.
FAR = timedelta(hours=2)
# A provider that said it is at it, and never says more, has failed after so many of its time-outs.
PATIENCE = 30
LONGEST_ERROR = 2000
LONGEST_ADDRESS = 2000
MOST_RESOURCES = 500
CLOCK = system("environments")


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
        step.output = step.output or _bounded(answer.output)
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
    step = Step.objects.filter(key=key, environment__public_id=public_id).first()
    if step is None:
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


def settle(environment: Environment, step: Step, answer: Answer, now: datetime) -> None:
    """Both held by the caller."""
    step.output, step.error = _bounded(answer.output), answer.error[:LONGEST_ERROR]
    if answer.state == "waiting":
        _wait(environment, step, answer, now)
    elif answer.state == "present" and step.phase == "verify":
        _still_there(environment, step, now)
    elif answer.state == "done" and step.phase != "verify" or answer.state == "gone" and step.phase in ENDING:
        _done(environment, step, answer, now)
    else:
        error = answer.error or f"The provider answered “{answer.state}”, which is no answer to {step.phase}."
        _failed(environment, step, error, now, hopeless=answer.hopeless)
    step.save()
    environment.save()


# Of these "it is not there" is what was wished.
ENDING = ("teardown", "verify")


def _wait(environment: Environment, step: Step, answer: Answer, now: datetime) -> None:
    limit = timedelta(seconds=PATIENCE * _timeout(environment, step))
    step.give_up_at = step.give_up_at or now + limit
    if now >= step.give_up_at:
        _failed(environment, step, "The provider said that it was at it, and never that it was done.", now)
        return
    step.state, step.ticket = Step.State.WAITING, answer.ticket or step.ticket
    environment.work_at = min(now + timedelta(seconds=min(max(answer.after, 1), 300)), step.give_up_at)


def _done(environment: Environment, step: Step, answer: Answer, now: datetime) -> None:
    step.state, step.finished_at = Step.State.DONE, now
    if answer.resources is not None:
        environment.resources = answer.resources[:MOST_RESOURCES]
    if answer.address:
        environment.address = answer.address[:LONGEST_ADDRESS]
    environment.last_error = ""
    if environment.phase != Phase.TEARDOWN:
        environment.attempt = 0
    following = environment.steps.filter(round=environment.round, order__gt=step.order).order_by("order").first()
    if following is None:
        _end_phase(environment, now)
        return
    pause = environment.template.verify_pause if step.phase == following.phase == "verify" else timedelta(0)
    environment.work_at = now + pause
    if not pause:
        rounds.rouse()


def _failed(environment: Environment, step: Step, error: str, now: datetime, *, hopeless: bool = False) -> None:
    """Tried again, later and later. After so many tries somebody is told; a teardown is tried on all the same."""
    step.state, step.error, step.ticket = Step.State.PENDING, error[:LONGEST_ERROR], {}
    environment.attempt += 1
    environment.last_error = step.error
    environment.work_at = now + terms.backoff(environment.attempt)
    if not hopeless and environment.attempt < environment.template.tries:
        return
    if environment.phase == Phase.TEARDOWN:
        _escalate(environment, now)
        return
    step.state, step.finished_at = Step.State.FAILED, now
    _give_up(environment, now)


def _still_there(environment: Environment, step: Step, now: datetime) -> None:
    """Whatever the provider said of its success: it is there. All of the teardown begins anew, under other keys."""
    step.state, step.finished_at = Step.State.FAILED, now
    step.save()
    environment.attempt += 1
    environment.last_error = "Its provider says that it is torn down, and that it is still there."
    rounds.begin(environment, Phase.TEARDOWN, now, at=now + terms.backoff(environment.attempt))
    if environment.attempt >= environment.template.tries:
        _escalate(environment, now)


def _escalate(environment: Environment, now: datetime) -> None:
    """Told once; it is tried on."""
    if environment.state == State.TEARDOWN_FAILED:
        return
    before = environment.facts()
    environment.state, environment.state_at = State.TEARDOWN_FAILED, now
    _record("environment.teardown_failed", environment, before)


def _give_up(environment: Environment, now: datetime) -> None:
    before, phase, error = environment.facts(), environment.phase, environment.last_error
    environment.steps.filter(state=Step.State.PENDING).update(state=Step.State.CANCELLED, finished_at=now)
    environment.phase, environment.work_at = "", None
    if phase == Phase.PROVISION:
        rounds.turn(environment, State.PROVISION_FAILED, now)
    names = {Phase.PROVISION: "provision_failed", Phase.SLEEP: "sleep_failed", Phase.WAKE: "wake_failed"}
    _record(f"environment.{names[Phase(phase)]}", environment, before, error=error)


def _end_phase(environment: Environment, now: datetime) -> None:
    before, phase = environment.facts(), environment.phase
    rounds.end(environment)
    if phase == Phase.PROVISION:
        rounds.turn(environment, State.READY, now)
        environment.ready_at, environment.awake_since = now, now
        _record("environment.provisioned", environment, before)
    elif phase == Phase.SLEEP:
        rounds.turn(environment, State.ASLEEP, now)
        rounds.fall_asleep(environment, now)
        _record("environment.slept", environment, before)
    elif phase == Phase.WAKE:
        rounds.turn(environment, State.READY, now)
        environment.awake_since = now
        _record("environment.woken", environment, before)
    else:
        _gone(environment, before, now)


def _gone(environment: Environment, before: Json, now: datetime) -> None:
    """Its provider, asked twice, has said that nothing is left. The catalog's entity goes with it, where nothing holds that."""
    environment.state, environment.state_at, environment.torn_down_at = State.TORN_DOWN, now, now
    rounds.fall_asleep(environment, now)
    environment.resources, environment.next_at = [], None
    environment.save()
    kept = _entity_goes(environment)
    _record("environment.torn_down", environment, before, kept=kept)


def _entity_goes(environment: Environment) -> str:
    """Why it stays, or nothing."""
    entity = environment.entity
    if entity is None:
        return ""
    try:
        with transaction.atomic():
            entity_delete(entity, by=CLOCK)
    except PortalError as refused:
        return refused.message
    environment.entity = None
    return ""


def _record(name: str, environment: Environment, before: Json, *, by: By = CLOCK, **more: Any) -> None:
    payload = environment.told() | more | {"attempt": environment.attempt, "last_error": environment.last_error}
    record(name, environment.noun(), by=by, before=before, after=environment.facts(), payload=payload)


def _held(pk: int) -> Environment:
    rows = Environment.objects.select_for_update(of=("self",)).select_related("template", "owner", "entity__blueprint")
    row: Environment = rows.get(pk=pk)
    return row


def _timeout(environment: Environment, step: Step) -> int:
    return int(environment.template.step(step.phase, step.name).get("timeout") or TIMEOUT)


def _bounded(output: str) -> str:
    return output[-MOST_OUTPUT:].replace("\x00", "�")
