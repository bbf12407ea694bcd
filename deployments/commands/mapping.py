"""A name that nobody knows, said once for all the reports that wait for it."""

from dataclasses import dataclass

from django.db import transaction

from catalog import queries as catalog
from catalog.commands import entity_write
from catalog.wishes import parse
from deployments import queries
from deployments.commands.inbox import inbox_place
from deployments.models import InboxItem
from deployments.queries import Kind
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing

AT_ONCE = 500


@dataclass(frozen=True)
class Mapped:
    """How many were placed, how many wait for their other name, and how many more there are to do.

    `refused` are those that could not be taken in; `why` is what was wrong with the first.
    """

    placed: int = 0
    waiting: int = 0
    refused: int = 0
    left: int = 0
    why: str = ""


def inbox_map(kind: Kind, name: str, target: str, *, alias: bool = False, create: bool = False, by: By) -> Mapped:
    """What waits for `name` goes in under `target`, each report as of its own arrival.

    `alias`: the environment is called so from now on, so that the next ones go in by themselves. `create`: there is no
    `target`, `name` itself is made. Raises Missing for an unknown target, and Conflict for an alias that is taken.
    """
    require(by, "inbox.resolve")
    if create:
        target = name
        entity_write(parse(kind, {"identifier": name}, mode="create"), by=by)
    elif kind == "environment":
        target = catalog.environment_named(target, by=by).identifier
    else:
        target = catalog.service_named(target, by=by).identifier
    if alias and kind == "environment" and not create:
        _add_alias(target, name, by)
    items = queries.waiting().filter(**{kind: name}).order_by("id")
    fates = [_placed(item, kind, target, by) for item in items[:AT_ONCE]]
    return _counted(fates, items.count() if len(fates) == AT_ONCE else 0)


def inbox_place_known(*, by: By) -> Mapped:
    """Places those whose names are known by now."""
    require(by, "inbox.resolve")
    items = queries.items_known(AT_ONCE)
    fates = [_fate(item, item.service, item.environment, by) for item in items]
    return _counted(fates, len(queries.items_known(1)) if len(items) == AT_ONCE else 0)


def _counted(fates: list[str], left: int) -> Mapped:
    """Of each item "" when it was placed, "?" when it waits on, else what was wrong with it."""
    wrong = [each for each in fates if each not in ("", "?")]
    return Mapped(fates.count(""), fates.count("?"), len(wrong), left, wrong[0] if wrong else "")


def _add_alias(environment: str, name: str, by: By) -> None:
    found = catalog.environment_named(environment)
    aliases = [*(found.properties.get("aliases") or []), name]
    entity_write(
        parse("environment", {"properties": {"aliases": aliases}}, mode="patch", identifier=environment), by=by
    )


def _placed(item: InboxItem, kind: Kind, target: str, by: By) -> str:
    service, environment = (target, item.environment) if kind == "service" else (item.service, target)
    fate = _fate(item, service, environment, by)
    if fate == "?":
        _rename(item, kind, target, by)
    return fate


def _fate(item: InboxItem, service: str, environment: str, by: By) -> str:
    try:
        inbox_place(item, service=service, environment=environment, by=by)
    except Missing:
        return "?"
    except (Conflict, Invalid) as error:
        return error.message
    return ""


@transaction.atomic
def _rename(item: InboxItem, kind: Kind, target: str, by: By) -> None:
    """It waits for its other name alone now."""
    item = InboxItem.objects.select_for_update().get(pk=item.pk)
    if item.state == InboxItem.State.WAITING and getattr(item, kind) != target:
        before = item.facts()
        setattr(item, kind, target)
        item.save(update_fields=[kind])
        record("inbox.renamed", item.noun(), by=by, before=before, after=item.facts())
