from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Case, Count, Q, QuerySet, When, Window
from django.db.models.functions import RowNumber

from catalog.integrations import agents
from catalog.integrations.models import Held, Integration, Kind, LogLine, Removal, Sync
from catalog.models import Entity
from portal.accounts.policy import allows, require
from portal.kit.by import By
from portal.kit.errors import Missing

Json = dict[str, Any]

FEW = 10  # names of what a removal holds


def integrations(by: By) -> QuerySet[Integration]:
    require(by, "integration.read")
    return Integration.objects.order_by("identifier")


def integration(identifier: str, *, held: bool = False) -> Integration:
    """By its identifier, or by the id that its addresses for logs and metrics carry."""
    rows = Integration.objects.select_for_update() if held else Integration.objects
    found = rows.filter(identifier=identifier).first() or rows.filter(**_by_id(identifier)).first()
    if found is None:
        raise Missing(f'Integration with identifier "{identifier}" was not found')
    return found


def readable_integration(by: By, identifier: str) -> Integration:
    require(by, "integration.read")
    return integration(identifier)


def integration_at(by: By, public_id: UUID) -> Integration:
    """The one whose pages have this address."""
    require(by, "integration.read")
    found = Integration.objects.filter(public_id=public_id).first()
    if found is None:
        raise Missing("There is no such integration")
    return found


def called(agent: str) -> Integration | None:
    """The integration that calls itself so, where it is one that is known."""
    name = agents.named(agent)
    if name is None:
        return None
    app_type, identifier = name
    return Integration.objects.filter(identifier=identifier[:250], app_type=app_type).first()


def owned(integration: Integration) -> QuerySet[Entity]:
    """What it wrote last."""
    prefix, suffix = agents.ends_of(integration)
    return Entity.objects.filter(datasource__startswith=prefix, datasource__endswith=suffix)


def removal(integration: Integration, public_id: UUID, *, held: bool = False) -> Removal:
    rows = Removal.objects.select_for_update() if held else Removal.objects
    found = rows.filter(integration=integration, public_id=public_id).first()
    if found is None:
        raise Missing("There is no such deletion")
    return found


def removals(integration: Integration) -> QuerySet[Removal]:
    """Those that anything came of: what waits for a person, then the newest first."""
    rows = integration.removals.select_related("integration").filter(Q(gone__gt=0) | ~Q(state=Removal.State.GOING))
    waits = Case(When(state=Removal.State.HELD, then=0), default=1)
    return rows.order_by(waits, "-id")


def held_of(integrations: Sequence[Integration]) -> QuerySet[Held]:
    """What waits for a person."""
    return Held.objects.filter(removal__integration__in=integrations, removal__state=Removal.State.HELD)


def deletions_waiting(by: By) -> int:
    """How many removals wait for the viewer to decide; none for who may not."""
    if not allows(by.actor, "removal.decide"):
        return 0
    return Removal.objects.filter(state=Removal.State.HELD).count()


def held_in(removals: Sequence[Removal]) -> tuple[dict[int, int], dict[int, list[str]], dict[int, list[str]]]:
    """By the key of the removal: how many entities each holds, the first few by name, and why some could not go."""
    rows = Held.objects.filter(removal__in=removals)
    found = dict(rows.order_by().values_list("removal").annotate(count=Count("id")))
    counts = {each.pk: found.get(each.pk, 0) for each in removals}
    names: dict[int, list[str]] = {each.pk: [] for each in removals}
    problems: dict[int, list[str]] = {each.pk: [] for each in removals}
    place = Window(RowNumber(), partition_by="removal", order_by="id")
    for each in rows.annotate(place=place).filter(place__lte=FEW).order_by("id"):
        names[each.removal_id].append(str(each))
        if each.problem:
            problems[each.removal_id].append(f"{each}: {each.problem}")
    return counts, names, problems


def kinds(integration: Integration) -> QuerySet[Kind]:
    return integration.kinds.order_by("name")


def syncs(integration: Integration, *, event: str = "") -> QuerySet[Sync]:
    """The newest first."""
    found = integration.syncs.order_by("-id")
    return found.filter(event_id=event) if event else found


def log(
    integration: Integration,
    *,
    levels: list[str],
    event: str,
    at: datetime | None,
    beyond: int | None,
    older: bool,
    most: int,
) -> list[LogLine]:
    """The newest first: the lines before the instant `at` (and the line `beyond` of that instant), or after it."""
    found = integration.log.all()
    if levels:
        found = found.filter(level__in=levels)
    if event:
        found = found.filter(event_id=event)
    if at is not None:
        side = "lt" if older else "gt"
        edge = Q(**{f"at__{side}": at})
        if beyond is not None:
            edge |= Q(at=at, **{f"id__{side}": beyond})
        found = found.filter(edge)
    if older:
        return list(found.order_by("-at", "-id")[:most])
    return list(found.order_by("at", "id")[:most])[::-1]


def _by_id(text: str) -> Json:
    prefix, _, rest = text.partition("integration_")
    if prefix or not rest.isascii() or len(rest) != 32:
        return {"pk": None}
    try:
        int(rest, 16)
    except ValueError:
        return {"pk": None}
    return {"public_id": rest}
