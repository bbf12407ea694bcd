"""Commands of the organisation and its secrets."""

import re
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.accounts.models import Organization, Secret
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

NAME = re.compile(r"\A[A-Za-z0-9_-]{1,100}\Z")


@transaction.atomic
def organization_update(changes: Json, *, by: By) -> Organization:
    """Sets those of name, settings and announcement that `changes` names. Nothing changed is no event."""
    require(by, "account.write")
    Organization.objects.get_or_create(pk=1)
    row = Organization.objects.select_for_update().get(pk=1)
    before = row.facts()
    for name in before.keys() & changes.keys():
        setattr(row, name, changes[name])
    if row.facts() != before:
        row.save()
        record("organization.updated", row.noun(), by=by, before=before, after=row.facts())
    return row


@transaction.atomic
def secret_create(name: str, value: str, *, description: str = "", by: By) -> Secret:
    require(by, "account.write")
    try:
        with transaction.atomic():
            who = {"created_by": by.actor.name, "updated_by": by.actor.name}
            secret = Secret.objects.create(name=name, description=description, sealed=seal(value), **who)
    except IntegrityError as taken:
        raise Conflict(f"There is a secret called {name} already.", code="identifier_taken") from taken
    record("secret.created", secret.noun(), by=by, after=secret.facts())
    return secret


@transaction.atomic
def secret_update(name: str, *, value: str | None = None, description: str | None = None, by: By) -> Secret:
    """What is None stays. The event says that the value changed, never what it was or is."""
    require(by, "account.write")
    secret = _held(name)
    before = secret.facts()
    secret.description = secret.description if description is None else description
    if value is not None:
        secret.sealed = seal(value)
    if value is None and secret.facts() == before:
        return secret
    secret.updated_at, secret.updated_by = timezone.now(), by.actor.name
    secret.save()
    payload = {"value": "changed"} if value is not None else {}
    record("secret.updated", secret.noun(), by=by, before=before, after=secret.facts(), payload=payload)
    return secret


@transaction.atomic
def secret_delete(name: str, *, by: By) -> None:
    require(by, "account.write")
    secret = _held(name)
    record("secret.deleted", secret.noun(), by=by, before=secret.facts())
    secret.delete()


def _held(name: str) -> Secret:
    found = Secret.objects.select_for_update().filter(name=name).first()
    if found is None:
        raise Missing(f'Secret with name "{name}" was not found')
    return found


def secret_is_there(name: str) -> bool:
    return Secret.objects.filter(name=name).exists()


def secrets_there() -> frozenset[str]:
    """Their names."""
    return frozenset(Secret.objects.values_list("name", flat=True))


def secret_value(name: str) -> str | None:
    """For outgoing calls; None where there is none."""
    found = Secret.objects.filter(name=name).first()
    return unseal(found.sealed) if found else None
