"""Locks, freezes and ways past them as happenings."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce
from django.urls import reverse

from catalog.queries import tier_of
from deployments.queries.timeline.registry import Asked, Happening, Look, Source, Stretch, is_beyond, newest
from locks import queries as locks
from locks.models import Effect, Freeze, Lock, OverrideUse, Window
from portal.accounts.policy import allows
from portal.kit.by import By

# Word and colour of locks that do not stop everybody.
OTHERS: dict[str, tuple[str, str]] = {
    Effect.WARN: ("Warned", "yellow"),
    Effect.BLOCK_AUTOMATION: ("Locked for automation", "orange"),
}


def inside(asked: Asked) -> Q:
    """What covers the service and the environment, or some part of them: wider scopes too."""
    found = Q()
    if asked.service:
        everyone = Q(service=None, service_identifier="") & (Q(team="") | Q(team__in=asked.service.team))
        found &= Q(service=asked.service) | everyone
    if asked.environment:
        everywhere = Q(environment=None, environment_identifier="")
        found &= Q(environment=asked.environment) | everywhere & (Q(tier="") | Q(tier=tier_of(asked.environment)))
    return found


def _locks(by: By, asked: Asked) -> QuerySet[Any]:
    if not allows(by.actor, "lock.read"):
        return Lock.objects.none()
    return locks.locks(by, state="all", now=asked.until).filter(inside(asked))


def taken(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    rows = newest(_locks(by, asked).annotate(at=F("starts_at")), asked, "locks taken", limit)
    return [_taken(each) for each in rows]


def _taken(lock: Lock) -> Happening:
    word, colour = OTHERS.get(lock.effect, ("", ""))
    return Happening(
        lock.starts_at, "locks taken", lock.pk, "lock", lock.covers, "", lock.service_identifier,
        lock.environment_identifier, lock.holder_name, lock.reason, lock.get_absolute_url(), word, colour,
    )  # fmt: skip


def ended(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    rows = newest(_locks(by, asked).annotate(at=Coalesce("released_at", "expires_at")), asked, "locks ended", limit)
    return [_ended(each, each.at) for each in rows]


def _ended(lock: Lock, at: datetime) -> Happening:
    return Happening(
        at, "locks ended", lock.pk, "unlock", lock.covers, "", lock.service_identifier, lock.environment_identifier,
        lock.released_by, lock.release_reason, lock.get_absolute_url(), "" if lock.released_at else "Ran out",
    )  # fmt: skip


def locked(by: By, asked: Asked) -> Sequence[Stretch]:
    rows = _locks(by, asked).annotate(end=Coalesce("released_at", "expires_at"))
    rows = rows.filter(Q(end=None) | Q(end__gt=asked.since), starts_at__lt=asked.until)
    return [
        Stretch(
            each.starts_at,
            each.end,
            "lock",
            f"{each.covers}, by {each.holder_name}: {each.reason}",
            each.environment_identifier,
            each.get_absolute_url(),
        )
        for each in rows.order_by("-pk")[:200]
    ]


def _windows(by: By, asked: Asked) -> list[tuple[Window, datetime]]:
    """With their ends: a freeze that was withdrawn ended then."""
    if not allows(by.actor, "lock.read"):
        return []
    rows: QuerySet[Freeze] = locks.freezes(by, withdrawn=True).filter(inside(asked))
    found = []
    for window in locks.windows(rows, asked.since, asked.until):
        end = min(window.ends_at, window.freeze.withdrawn_at or window.ends_at)
        if window.starts_at < end and end > asked.since:
            found.append((window, end))
    return found


def froze(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    made = [_window(each, each.starts_at, "freezes began", "freeze") for each, _ in _windows(by, asked)]
    return _newest(made, asked, limit)


def thawed(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    made = [_window(each, end, "freezes ended", "thaw") for each, end in _windows(by, asked)]
    return _newest(made, asked, limit)


def _newest(made: list[Happening], asked: Asked, limit: int) -> list[Happening]:
    kept = [each for each in made if is_beyond(each.at, each.key, asked, each.source)]
    return sorted(kept, key=lambda each: (each.at, each.key), reverse=True)[:limit]


def _window(window: Window, at: datetime, source: str, kind: str) -> Happening:
    freeze = window.freeze
    return Happening(
        at, source, freeze.pk, kind, freeze.title, freeze.covers, freeze.service_identifier, freeze.environment_identifier,
        freeze.holder_name, freeze.reason, freeze.get_absolute_url(),
    )  # fmt: skip


def frozen(by: By, asked: Asked) -> Sequence[Stretch]:
    return [
        Stretch(
            each.starts_at,
            end,
            "freeze",
            f"{each.freeze.title}: {each.reason}",
            each.freeze.environment_identifier,
            each.freeze.get_absolute_url(),
        )
        for each, end in _windows(by, asked)[:200]
    ]


def overrode(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    if not allows(by.actor, "lock.read"):
        return []
    which = _named(asked, "override__")
    rows = OverrideUse.objects.filter(which, override__in=locks.overrides(by).order_by().values("pk")).select_related(
        "override"
    )
    return [
        Happening(
            each.at, "overrides used", each.pk, "override", each.override.where, f"for {each.override.commit[:7]}",
            each.override.service_identifier, each.override.environment_identifier, each.override.holder_name,
            each.override.reason, reverse("locks:override_list"),
        )
        for each in newest(rows, asked, "overrides used", limit)
    ]  # fmt: skip


def broke_glass(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    if not allows(by.actor, "lock.read"):
        return []
    rows = locks.break_glass_uses(by).filter(_named(asked)).annotate(at=F("used_at"))
    return [
        Happening(
            each.used_at, "break glass", each.pk, "break_glass", f"{each.service_identifier} in {each.environment_identifier}",
            f"for {each.commit[:7]}" if each.commit else "", each.service_identifier,
            each.environment_identifier, each.reported_by, each.reason, reverse("locks:code_list"),
        )
        for each in newest(rows, asked, "break glass", limit)
    ]  # fmt: skip


def _named(asked: Asked, prefix: str = "") -> Q:
    found = Q()
    for name, entity in (("service", asked.service), ("environment", asked.environment)):
        if entity:
            found &= Q(**{f"{prefix}{name}_identifier": entity.identifier})
    return found


SOURCES = [
    Source("locks taken", {"lock": Look("Locked", "red", "lock")}, taken, locked),
    Source("locks ended", {"unlock": Look("Unlocked", "lightGray", "lock-open")}, ended),
    Source("freezes began", {"freeze": Look("Freeze began", "blue", "snowflake")}, froze, frozen),
    Source("freezes ended", {"thaw": Look("Freeze ended", "lightGray", "sun")}, thawed),
    Source("overrides used", {"override": Look("Override used", "yellow", "key")}, overrode),
    Source("break glass", {"break_glass": Look("Glass broken", "yellow", "zap")}, broke_glass),
]
