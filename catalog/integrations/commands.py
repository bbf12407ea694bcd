from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from catalog.integrations import queries, shapes
from catalog.integrations.models import Integration, Kind, LogLine, Sync
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

KEPT_LINES = 5_000
KEPT_SYNCS = 2_000
COLUMNS = {"title": "title", "installationAppType": "app_type", "version": "version", "config": "config"}


@transaction.atomic
def integration_create(definition: Json, *, by: By) -> tuple[Integration, bool]:
    """The integration, and whether it is new. One that is there already takes what is given, if its type is the same."""
    require(by, "integration.write")
    check_shape({**shapes.INTEGRATION, "required": ["installationId"]}, definition)
    identifier = definition["installationId"]
    integration, is_new = Integration.objects.get_or_create(
        identifier=identifier,
        defaults={
            "created_by": by.actor.name,
            "updated_by": by.actor.name,
            **_columns(definition),
            "extra": _extra(definition),
        },
    )
    if is_new:
        record("integration.created", integration.noun(), by=by, after=integration.facts())
        return integration, True
    wished = definition.get("installationAppType")
    if wished and integration.app_type and wished != integration.app_type:
        raise Conflict(
            f'The integration "{identifier}" is there and is of the type {integration.app_type}; choose another installationId.',
            code="identifier_taken",
        )
    return integration_update(integration, definition, by=by), False


@transaction.atomic
def integration_update(integration: Integration, given: Json, *, by: By) -> Integration:
    """Sets the top-level keys that are given; nothing changed is no event."""
    require(by, "integration.write")
    check_shape(shapes.INTEGRATION, given)
    integration = _held(integration)
    if given.get("installationId", integration.identifier) != integration.identifier:
        raise Invalid.at("installationId", "an integration keeps its identifier")
    before = integration.facts()
    for name, value in _columns(given).items():
        setattr(integration, name, value)
    integration.extra = integration.extra | _extra(given)
    after = integration.facts()
    if after != before:
        integration.updated_at, integration.updated_by = timezone.now(), by.actor.name
        integration.save(update_fields=[*COLUMNS.values(), "extra", "updated_at", "updated_by"])
        record("integration.updated", integration.noun(), by=by, before=before, after=after)
    return integration


@transaction.atomic
def integration_delete(integration: Integration, *, by: By) -> None:
    """Its entities stay: they are the catalog's."""
    require(by, "integration.write")
    integration = _held(integration)
    record("integration.deleted", integration.noun(), by=by, before=integration.facts())
    integration.delete()


@transaction.atomic
def resync_tell(integration: Integration, state: Json, *, by: By) -> Integration:
    """The integration says how its resync stands. A change of the status is an event."""
    require(by, "integration.report")
    check_shape(shapes.RESYNC, state)
    integration = _held(integration)
    before = integration.resync_state
    integration.resync_state = before | state | {"updatedAt": iso(timezone.now())}
    integration.save(update_fields=["resync_state"])
    if state.get("status", before.get("status")) != before.get("status"):
        record(
            f"integration.resync_{_happened(state['status'])}",
            integration.noun(),
            by=by,
            payload={"resyncState": integration.resync_state},
        )
    return integration


@transaction.atomic
def resync_ask(integration: Integration, *, by: By) -> Integration:
    """The integration sees it between its rounds, and starts."""
    require(by, "integration.write")
    integration = _held(integration)
    integration.resync_asked_at = timezone.now()
    integration.save(update_fields=["resync_asked_at"])
    record("integration.resync_asked", integration.noun(), by=by)
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


def _held(integration: Integration) -> Integration:
    return queries.integration(integration.identifier, held=True)


def _columns(given: Json) -> Json:
    """A null text is an empty one; a null config is an empty one."""
    return {
        column: given[name] or ({} if name == "config" else "") for name, column in COLUMNS.items() if name in given
    }


def _extra(given: Json) -> Json:
    return {name: value for name, value in given.items() if name in shapes.EXTRA}


def _happened(status: str) -> str:
    return {"running": "started", "pending": "awaited"}.get(status, status)


def _keep_newest(rows: type[Sync] | type[LogLine], integration: Integration, most: int) -> None:
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
