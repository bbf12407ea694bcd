"""What an integration is, and what is asked of it."""

from typing import Any

from django.db import transaction
from django.utils import timezone

from catalog.integrations import queries, shapes
from catalog.integrations.models import Integration
from catalog.schema.validate import check_shape
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid

Json = dict[str, Any]

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
    integration = queries.integration(integration.identifier, held=True)
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
    integration = queries.integration(integration.identifier, held=True)
    record("integration.deleted", integration.noun(), by=by, before=integration.facts())
    integration.delete()


@transaction.atomic
def resync_ask(integration: Integration, *, by: By) -> Integration:
    """The integration sees it between its rounds, and starts."""
    require(by, "integration.write")
    integration = queries.integration(integration.identifier, held=True)
    integration.resync_asked_at = timezone.now()
    integration.save(update_fields=["resync_asked_at"])
    record("integration.resync_asked", integration.noun(), by=by)
    return integration


def _columns(given: Json) -> Json:
    """A null text is an empty one; a null config is an empty one."""
    return {
        column: given[name] or ({} if name == "config" else "") for name, column in COLUMNS.items() if name in given
    }


def _extra(given: Json) -> Json:
    return {name: value for name, value in given.items() if name in shapes.EXTRA}
