from django.db import transaction

from catalog.queries import Place
from locks import limits, queries
from locks.commands.overrides import override_use
from locks.decisions import Decision
from locks.models import KeptDecision, Lock, Override, Window
from locks.runs import NOBODY, Run
from portal.kit.by import By


def gate_ask(
    place: Place,
    *,
    intent: str = "deploy",
    commit: str = "",
    run: Run = NOBODY,
    override: Override | None = None,
    by: By,
) -> Decision:
    """Decides, and keeps the answer when it denies. A check that allows, or has to wait, writes nothing,
    unless an override opened for it: that is a use of it. Raises Invalid, Refused."""
    if override:
        return _ask_with(override, place, intent=intent, commit=commit, run=run, by=by)
    decision = queries.decide(place, by=by, intent=intent, run=run.key)
    if decision.denies:
        keep(decision, commit=commit, run=run, by=by)
    return decision


@transaction.atomic
def _ask_with(override: Override, place: Place, *, intent: str, commit: str, run: Run, by: By) -> Decision:
    decision = queries.decide(place, by=by, intent=intent, run=run.key, commit=commit, override=override)
    if decision.override and not decision.stops:
        override_use(override, run, now=decision.at)
    keep(decision, commit=commit, run=run, by=by)
    return decision


def keep(decision: Decision, *, commit: str, run: Run, by: By) -> KeptDecision:
    return KeptDecision.objects.create(
        at=decision.at,
        outcome=decision.outcome,
        service_identifier=decision.place.service,
        environment_identifier=decision.place.environment,
        intent=decision.intent,
        commit=commit[:100],
        run=run.key[:500],
        run_url=run.url,
        actor_name=by.actor.name,
        actor_key=by.actor.key,
        door=by.door,
        message=decision.message,
        lock_ids=[each.public_id for each in decision.denying if isinstance(each, Lock)],
        freeze_ids=[each.public_id for each in decision.denying if isinstance(each, Window)],
        next_open_at=decision.next_open_at,
        override=decision.override,
        policy=limits.policy_version(),
    )
