from catalog.queries import Place
from locks import queries
from locks.decisions import Decision
from locks.models import KeptDecision, Lock, Window
from portal.kit.by import By


def gate_ask(place: Place, *, intent: str = "deploy", commit: str = "", run: str = "", by: By) -> Decision:
    """Decides, and keeps the denial when it denies. An allowing check writes nothing."""
    decision = queries.decide(place, by=by, intent=intent)
    if decision.denies:
        KeptDecision.objects.create(
            outcome=decision.outcome,
            at=decision.at,
            service_identifier=place.service,
            environment_identifier=place.environment,
            intent=intent,
            commit=commit[:100],
            run=run[:500],
            actor_name=by.actor.name,
            actor_key=by.actor.key,
            door=by.door,
            message=decision.message,
            lock_ids=[each.public_id for each in decision.denying if isinstance(each, Lock)],
            freeze_ids=[each.public_id for each in decision.denying if isinstance(each, Window)],
            next_open_at=decision.next_open_at,
        )
    return decision
