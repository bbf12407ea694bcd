"""What an integration tells of itself and of its work. None of it is an event, but that a resync begins or ends."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from catalog.commands import Written
from catalog.integrations import queries, shapes
from catalog.integrations.agents import named
from catalog.integrations.models import Fault, Integration, Kind, LogLine, Removal, Sync, Tally
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.errors import Invalid, PortalError

Json = dict[str, Any]

KEPT_LINES = 5_000
KEPT_SYNCS = 2_000
KEPT_FAULTS = 1_000
KEPT_KINDS = 500
LARGEST = 16 * 1024  # characters of a payload that is kept
MINUTE = timedelta(minutes=1)
COUNTS = ("created", "updated", "same", "deleted", "failed")


@transaction.atomic
def resync_tell(integration: Integration, state: Json, *, by: By) -> Integration:
    """The integration says how its resync stands. A change of the status is an event."""
    require(by, "integration.report")
    check_shape(shapes.RESYNC, state)
    integration = queries.integration(integration.identifier, held=True)
    before = integration.resync_state
    integration.resync_state = before | state | {"updatedAt": iso(timezone.now())}
    integration.heard_at = timezone.now()
    integration.save(update_fields=["resync_state", "heard_at"])
    if state.get("status", before.get("status")) != before.get("status"):
        record(
            f"integration.resync_{_happened(state['status'])}",
            integration.noun(),
            by=by,
            payload={"resyncState": integration.resync_state},
        )
    return integration


@transaction.atomic
def examples_take(integration: Integration, kind: str, examples: list[Any], *, by: By) -> Kind:
    """Replaces the kind's examples. Not an event: it is what the integration saw, not what anybody did."""
    require(by, "integration.report")
    if len(kind) > shapes.LONGEST:
        raise Invalid.at("kind", f"is longer than {shapes.LONGEST} characters")
    kept, _ = Kind.objects.update_or_create(
        integration=integration, name=kind, defaults={"examples": examples, "updated_at": timezone.now()}
    )
    _keep_newest(Kind, integration, KEPT_KINDS)
    hear(integration)
    return kept


@transaction.atomic
def metrics_take(integration: Integration, metrics: Sequence[Json], *, by: By) -> None:
    """The newest word on each kind of a resync stands. Not an event."""
    require(by, "integration.report")
    now = timezone.now()
    newest = {(each["eventId"], each["kindIdentifier"]): each for each in metrics}
    rows = [
        Sync(
            integration=integration,
            event_id=event,
            kind=kind,
            state=each.get("syncState") or "",
            metrics=each,
            created_at=now,
            updated_at=now,
        )
        for (event, kind), each in sorted(newest.items())
    ]
    Sync.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["integration", "event_id", "kind"],
        update_fields=["state", "metrics", "updated_at"],
    )
    _keep_newest(Sync, integration, KEPT_SYNCS)
    hear(integration)


@transaction.atomic
def log_take(integration: Integration, lines: Sequence[Json], *, by: By) -> None:
    """Keeps the newest lines. Not an event."""
    require(by, "integration.report")
    now = timezone.now()
    LogLine.objects.bulk_create(
        LogLine(
            integration=integration,
            at=_when(line.get("timestamp"), now),
            level=_level(line.get("level")),
            message=line["message"],
            event_id=_event_of(line),
            extra=line.get("extra") if isinstance(line.get("extra"), dict) else {},
        )
        for line in lines
    )
    _keep_newest(LogLine, integration, KEPT_LINES)
    hear(integration)


@transaction.atomic
def cursor_keep(integration: Integration, kind: str, index: str, primary: str | None, *, by: By) -> Json:
    """How far its incremental sync of a kind has come; answers what is kept."""
    require(by, "integration.report")
    integration = queries.integration(integration.identifier, held=True)
    name = f"{kind}/{index}"
    if len(name) > shapes.LONGEST or name not in integration.cursors and len(integration.cursors) >= KEPT_KINDS:
        raise Invalid.at("kind", f"{KEPT_KINDS} cursors are kept, with names of {shapes.LONGEST} characters at most")
    kept = {"primary": primary}
    integration.cursors = integration.cursors | {name: kept}
    integration.save(update_fields=["cursors"])
    return kept


def heartbeat_take(integration: Integration, *, by: By) -> None:
    require(by, "integration.report")
    hear(integration)


def poll(integration: Integration, *, by: By) -> None:
    """Somebody reads what it is. Where that is the integration itself, it is heard."""
    if named(by.agent) == (integration.app_type, integration.identifier):
        hear(integration)


@transaction.atomic
def word_take(integration: Integration, message: str, event: str, extra: Json, *, by: By) -> None:
    """A word for which it has a route of its own, kept as a line of its log."""
    log_take(integration, [{"message": message, "level": "INFO", "extra": extra | {"event_id": event}}], by=by)


def hear(integration: Integration) -> None:
    """Notes that it said something, once a minute at most."""
    now = timezone.now()
    if integration.heard_at is None or integration.heard_at < now - MINUTE:
        Integration.objects.filter(pk=integration.pk).update(heard_at=now)


def outcomes_note(
    blueprint: str, sent: Sequence[tuple[Any, Written | PortalError]], *, resync: str = "", by: By
) -> None:
    """What became of the entities that an integration sent, each as it was sent; of any other program nothing is noted.

    Beside the write and after it: the counts of a process that dies between the two are lost, and no entity is.
    """
    integration = queries.called(by.agent) if sent else None
    if integration is None:
        return
    made = [each for _, each in sent if isinstance(each, Written)]
    refused = [(body, each) for body, each in sent if isinstance(each, PortalError)]
    tally_add(
        integration,
        blueprint,
        resync,
        created=sum(each.created for each in made),
        updated=sum(not each.created and not each.same for each in made),
        same=sum(each.same for each in made),
        failed=len(refused),
    )
    if refused:
        run, now = run_of(resync), timezone.now()
        Fault.objects.bulk_create(_fault(integration, blueprint, run, now, body, why) for body, why in refused)
        _keep_newest(Fault, integration, KEPT_FAULTS)
    hear(integration)


def tally_add(integration: Integration, blueprint: str, resync: str, **counts: int) -> None:
    """Adds to the counts of a blueprint in a resync."""
    now = timezone.now()
    names = list(counts)
    sums = ", ".join(f"{each} = integrations_tally.{each} + excluded.{each}" for each in names)
    zeros = [each for each in COUNTS if each not in counts]
    query = f"""
        insert into integrations_tally (integration_id, resync, blueprint, began_at, at, {", ".join([*names, *zeros])})
        values (%s, %s, %s, %s, %s, {", ".join(["%s"] * len(names) + ["0"] * len(zeros))})
        on conflict (integration_id, resync, blueprint) do update set at = excluded.at, {sums}"""
    with connection.cursor() as cursor:
        cursor.execute(query, [integration.pk, run_of(resync), blueprint[:100], now, now, *counts.values()])


def run_of(resync: str) -> str:
    """The name of a resync; of those who name none, the hour."""
    named = "".join(each for each in resync if each.isprintable())[: shapes.LONGEST]
    return named or f"{timezone.now():%Y-%m-%d %H}:00"


def reports_forget(now: datetime | None = None) -> None:
    """What it told is kept as long as the ingest log; deletions that wait for somebody are never forgotten."""
    oldest = (now or timezone.now()) - timedelta(days=settings.INGEST_DAYS)
    LogLine.objects.filter(at__lt=oldest).delete()
    Fault.objects.filter(at__lt=oldest).delete()
    Tally.objects.filter(at__lt=oldest).delete()
    Sync.objects.filter(updated_at__lt=oldest).delete()
    Kind.objects.filter(updated_at__lt=oldest).delete()
    Removal.objects.filter(began_at__lt=oldest).exclude(state__in=[Removal.State.HELD, Removal.State.APPROVED]).delete()


def _fault(integration: Integration, blueprint: str, run: str, now: datetime, body: Any, why: PortalError) -> Fault:
    named = body.get("identifier") if isinstance(body, dict) else None
    return Fault(
        integration=integration,
        at=now,
        resync=run,
        blueprint=blueprint[:100],
        identifier=named[:1000] if isinstance(named, str) else "",
        status=why.status,
        message=why.message,
        payload=body if len(json.dumps(body)) <= LARGEST else None,
    )


def _happened(status: str) -> str:
    return {"running": "started", "pending": "awaited"}.get(status, status)


def _keep_newest(rows: type[Sync | LogLine | Fault | Kind], integration: Integration, most: int) -> None:
    mine = rows._default_manager.filter(integration=integration)
    oldest = mine.order_by("-id").values_list("id", flat=True)[most - 1 : most].first()
    if oldest is not None:
        mine.filter(id__lt=oldest).delete()


def _when(value: object, now: datetime) -> datetime:
    """A line with an odd clock is still a line."""
    try:
        found = parse_datetime(value) if isinstance(value, str) else None
        return found.astimezone(UTC) if found else now
    except (ValueError, OverflowError):
        return now


def _level(value: object) -> str:
    word = str(value or "").upper()
    return {"CRITICAL": "FATAL", "WARN": "WARNING"}.get(word, word if word in shapes.LEVELS else "INFO")


def _event_of(line: Json) -> str:
    extra = line.get("extra")
    value = extra.get("event_id") or extra.get("eventId") if isinstance(extra, dict) else None
    return str(value or "")[: shapes.LONGEST]
