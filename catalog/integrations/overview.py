"""What the pages of an integration show, each in a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db.models import Count, Max

from catalog import permissions
from catalog.integrations import queries
from catalog.integrations.models import Integration, Sync, Tally
from catalog.models import Blueprint
from portal.audit.models import Event
from portal.kit.by import By

Json = dict[str, Any]

MOST_RESYNCS = 10
# Where the clients write a number of each: the phase, and the type of the count.
FOUND, FILTERED, BROKEN = ("extract", "raw_extracted"), ("transform", "filtered_out"), ("transform", "failed")
LOADED, LOST = ("load", "loaded"), ("load", "failed")


@dataclass
class Resync:
    """One of them, as it told of its kinds, and as the portal counted what came."""

    name: str
    syncs: list[Sync] = field(default_factory=list)
    tallies: list[Tally] = field(default_factory=list)

    @property
    def at(self) -> datetime:
        """Its last word."""
        return max([each.updated_at for each in self.syncs] + [each.at for each in self.tallies])

    @property
    def state(self) -> str:
        """The worst of its kinds'."""
        states = {each.state for each in self.syncs}
        worst = ("failed", "aborted", "syncing", "pending", "completed")
        return next((each for each in worst if each in states), next(iter(sorted(states)), ""))


def resyncs(integration: Integration) -> list[Resync]:
    """The newest first."""
    told = integration.syncs.values("event_id").annotate(at=Max("updated_at")).order_by("-at")[:MOST_RESYNCS]
    came = integration.tallies.values("resync").annotate(last=Max("at")).order_by("-last")[:MOST_RESYNCS]
    dated = [(each["at"], each["event_id"]) for each in told] + [(each["last"], each["resync"]) for each in came]
    names = list(dict.fromkeys(name for _, name in sorted(dated, reverse=True)))[:MOST_RESYNCS]
    found = {name: Resync(name) for name in names}
    for sync in integration.syncs.filter(event_id__in=names).order_by("kind"):
        found[sync.event_id].syncs.append(sync)
    for tally in integration.tallies.filter(resync__in=names).order_by("blueprint"):
        found[tally.resync].tallies.append(tally)
    return list(found.values())


def count_of(sync: Sync, place: tuple[str, str]) -> int | None:
    """A number that a client told of a kind, where it told one."""
    phase, kind = place
    value: Any = sync.metrics.get("metrics")
    for key in ("phase", phase, "object_count_type", kind, "object_count"):
        value = value.get(key) if isinstance(value, dict) else None
    if value is None and kind == "raw_extracted":
        value = _plain(sync, phase)
    return int(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _plain(sync: Sync, phase: str) -> Any:
    """Older versions tell one number of each phase."""
    value: Any = sync.metrics.get("metrics")
    for key in ("phase", phase, "object_count"):
        value = value.get(key) if isinstance(value, dict) else None
    return value


def owned_by_blueprint(integration: Integration, *, by: By) -> list[tuple[Blueprint, int]]:
    """What it wrote last and the viewer may see."""
    rows = permissions.readable(by, queries.owned(integration))
    counts = dict(rows.order_by().values_list("blueprint").annotate(count=Count("id")))
    return [(each, counts[each.pk]) for each in Blueprint.objects.filter(pk__in=counts).order_by("title", "id")]


def changes_of_mapping(integration: Integration, *, most: int = 20) -> list[Event]:
    """Events that gave it another mapping, the newest first."""
    rows = Event.objects.filter(noun="integration", noun_id=integration.identifier)
    rows = rows.filter(name__in=["integration.created", "integration.updated"]).order_by("-id")[: most * 5]
    return [each for each in rows if _mapping(each.before) != _mapping(each.after)][:most]


def _mapping(facts: Json | None) -> Any:
    return (facts or {}).get("config")


def waiting(integrations: Sequence[Integration]) -> dict[int, int]:
    """How many deletions wait for a person, by the key of the integration."""
    rows = queries.held_of(integrations)
    return dict(rows.order_by().values_list("removal__integration").annotate(count=Count("id")))
