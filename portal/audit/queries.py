from uuid import UUID

from django.db.models import Q, QuerySet

from portal.audit.models import Event
from portal.audit.shown import EXPIRED, FAILURES, WEBHOOK
from portal.kit import rows


def events(
    *, noun: str = "", entity: tuple[str, str] | None = None, text: str = "", actor: str = "", door: str = ""
) -> QuerySet[Event]:
    """Newest first. `entity` is (blueprint, identifier); `text` is a part of the title, the name, the actor's name or
    the reason that was given."""
    found = Event.objects.order_by("-id")
    if noun:
        found = found.filter(noun=noun)
    if entity:
        found = found.filter(blueprint=entity[0], entity=entity[1])
    if actor:
        found = found.filter(actor_name__icontains=actor)
    if door:
        found = found.filter(door=door)
    if text:
        named = Q(title__icontains=text) | Q(name__icontains=text) | Q(actor_name__icontains=text)
        found = found.filter(named | Q(after__reason__icontains=text) | Q(after__release_reason__icontains=text))
    return found


def of_run(found: QuerySet[Event], run: str) -> QuerySet[Event]:
    """Those that belong to an action run."""
    return found.filter(payload__has_key="runId", payload__runId=run)


def of_verbs(found: QuerySet[Event], created: set[str], deleted: set[str], action: str) -> QuerySet[Event]:
    """Those whose name ends in a verb of making (CREATE), of ending (DELETE), or in another (UPDATE); and of timers."""
    made, ended = (Q(name__regex=rf"\.({'|'.join(sorted(verbs))})$") for verbs in (created, deleted))
    ran_out = Q(name=EXPIRED)
    wanted = {"CREATE": made, "DELETE": ended, "TIMER_EXPIRED": ran_out, "UPDATE": ~made & ~ended & ~ran_out}
    return found.filter(wanted[action])


def of_webhook(found: QuerySet[Event], identifier: str) -> QuerySet[Event]:
    """What it did, and what was done to it."""
    return found.filter(Q(actor_key=f"{WEBHOOK}{identifier}") | Q(noun="webhook", noun_id=identifier))


def of_status(found: QuerySet[Event], *, failed: bool) -> QuerySet[Event]:
    return found.filter(name__in=FAILURES) if failed else found.exclude(name__in=FAILURES)


def of_trace(trace: UUID, *, noun: str) -> QuerySet[Event]:
    """What one request did to nouns of a kind, in order."""
    return Event.objects.filter(trace=trace, noun=noun).order_by("id")


# Changes with every event. Ids commit out of order, so it names the newest fifty, not the greatest.
NEWEST = "array(select id from audit_event order by id desc limit 50)"


_moments: list[str] = []


def register_moments(*expressions: str) -> None:
    """For what goes by by the clock alone: SQL of the instant `at` that says another thing once something has."""
    _moments.extend(expressions)


def moments() -> str:
    """All that were registered, for the columns of a statement that has an `at`."""
    return "".join(f"({each})::text, " for each in _moments)


def beat() -> str:
    return str(rows.prepared(f"select {NEWEST}"))
