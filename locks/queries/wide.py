"""What closes all or production: a banner on every page tells of it."""

from datetime import datetime
from functools import cache
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from locks.models import Effect, Freeze, Lock, ScopeKind, Window
from locks.queries.freezes import windows
from locks.queries.locks import LOWER, SOON, visible
from portal.kit import rows
from portal.kit.by import By

MOST = 20
# Everything, a production tier or environment.
WIDE = (
    Q(scope_kind=ScopeKind.EVERYTHING)
    | Q(scope_kind=ScopeKind.TIER, tier="production")
    | Q(scope_kind=ScopeKind.ENVIRONMENT)
    & (~Q(environment__properties__has_key="tier") | ~Q(environment__properties__tier__in=LOWER))
)


def wide_now(by: By) -> tuple[datetime, list[Window], list[Lock]]:
    """The instant, the freezes and the locks that the viewer may see. Where there are none at all, which is nearly always,
    it is one statement."""
    sql, parameters = _probe()
    ((now, any_freeze, any_lock),) = rows.prepared(sql, parameters)
    return now, _windows(by, now) if any_freeze else [], list(visible(_locks(now), by)[:MOST]) if any_lock else []


@cache
def _probe() -> tuple[str, list[Any]]:
    freezes, of_freezes = _freezes().values("pk").query.sql_with_params()
    locks, of_locks = _locks(Now()).order_by().values("pk").query.sql_with_params()
    return f"select statement_timestamp(), exists({freezes}), exists({locks})", [*of_freezes, *of_locks]


def _locks(at: datetime | Now) -> QuerySet[Lock]:
    """Active ones that stop everybody, the newest first."""
    found: QuerySet[Lock] = Lock.objects.active(at).filter(WIDE, effect=Lock.Effect.BLOCK).order_by("-id")
    return found


def _windows(by: By, at: datetime) -> list[Window]:
    """That are on or begin soon."""
    return windows(visible(_freezes(), by), at, at + SOON)


def _freezes() -> QuerySet[Freeze]:
    """That stop at least automation."""
    return Freeze.objects.filter(WIDE, withdrawn_at=None).exclude(effect=Effect.WARN).order_by()
