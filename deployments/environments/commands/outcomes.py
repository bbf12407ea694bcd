"""What becomes of an environment by a provider's answer. The caller holds its row."""

from datetime import datetime, timedelta
from typing import Any

from django.db import transaction

from catalog.commands import entity_delete
from deployments.environments import rounds, terms
from deployments.environments.commands.told import tell
from deployments.environments.models import Environment, State, Step
from deployments.environments.providers import MOST_OUTPUT, TIMEOUT, Answer
from portal.kit.by import By, system
from portal.kit.errors import PortalError
from portal.kit.jsontext import storable_text

Json = dict[str, Any]
Phase = Environment.Phase

# A provider that said it is at it, and never says more, has failed after so many of its time-outs.
PATIENCE = 30
LONGEST_ERROR = 2000
LONGEST_ADDRESS = 2000
MOST_RESOURCES = 500
CLOCK = system("environments")
# Of these "it is not there" is what was wished.
ENDING = ("teardown", "verify")


def settle(environment: Environment, step: Step, answer: Answer, now: datetime) -> None:
    """Both held by the caller."""
    step.output, step.error = bounded(answer.output), storable_text(answer.error[:LONGEST_ERROR])
    if answer.state == "waiting":
        _wait(environment, step, answer, now)
    elif answer.state == "present" and step.phase == "verify":
        _still_there(environment, step, now)
    elif answer.state == "done" and step.phase != "verify" or answer.state == "gone" and step.phase in ENDING:
        _done(environment, step, answer, now)
    else:
        error = step.error or f"The provider answered “{answer.state}”, which is no answer to {step.phase}."
        _failed(environment, step, error, now, hopeless=answer.hopeless)
    step.save()
    environment.save()


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
    more |= {"attempt": environment.attempt, "last_error": environment.last_error}
    tell(name, environment, by=by, before=before, **more)


def _timeout(environment: Environment, step: Step) -> int:
    return int(environment.template.step(step.phase, step.name).get("timeout") or TIMEOUT)


def bounded(output: str) -> str:
    return storable_text(output[-MOST_OUTPUT:])
