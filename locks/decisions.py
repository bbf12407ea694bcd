"""What the gate answers, and how it comes to it. Pure: no clock and no database."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from catalog.queries import Place
from locks.models import Lock, ScopeKind
from portal.kit.by import Actor
from portal.kit.clock import iso, spoken
from portal.kit.errors import Invalid

INTENTS = ("deploy", "rollback")
_EFFECTS: list[str] = [Lock.Effect.BLOCK, Lock.Effect.BLOCK_AUTOMATION, Lock.Effect.WARN]
_KINDS: list[str] = [Lock.Kind.INCIDENT, Lock.Kind.ROLLBACK, Lock.Kind.CANARY, Lock.Kind.MANUAL]
_SCOPES: list[str] = list(ScopeKind)


@dataclass(frozen=True)
class Decision:
    """`locks` are all that were active and cover the place, the most severe and most particular first;
    `denying` are those of them that stop this caller."""

    outcome: Literal["allow", "warn", "deny"]
    place: Place
    intent: str
    at: datetime
    locks: tuple[Lock, ...]
    denying: tuple[Lock, ...]

    @property
    def denies(self) -> bool:
        return self.outcome == "deny"

    @property
    def next_open_at(self) -> datetime | None:
        """When the last of the denying locks ends by itself; None when one of them is open-ended, or none denies."""
        ends = [lock.expires_at for lock in self.denying]
        return max((end for end in ends if end), default=None) if None not in ends else None

    @property
    def retry_after(self) -> int | None:
        """Seconds until asking again can be worth it."""
        if not self.next_open_at:
            return None
        return max(1, int((self.next_open_at - self.at).total_seconds()) + 1)

    @property
    def message(self) -> str:
        where = f"{self.place.service} in {self.place.environment}"
        if not self.locks:
            return f"{where} is open."
        first = (self.denying or self.locks)[0]
        until = f"until {spoken(first.expires_at, now=self.at)}"
        more = f" ({len(self.locks) - 1} more)" if len(self.locks) > 1 else ""
        verb = "is locked by" if self.denies else "is open, with a warning by"
        return f"{where} {verb} {first.holder_name} {until}: {first.reason}{more}"


def severity(lock: Lock) -> tuple[Any, ...]:
    """Sorts the most severe first, then the most particular, then the one that lasts longest."""
    end = -lock.expires_at.timestamp() if lock.expires_at else float("-inf")
    return (_EFFECTS.index(lock.effect), _KINDS.index(lock.kind), _SCOPES.index(lock.scope_kind), end, lock.pk)


def at_least(effect: str) -> list[str]:
    """The effects that stop as much as this one, or more."""
    return _EFFECTS[: _EFFECTS.index(effect) + 1]


def denies(lock: Lock, actor: Actor) -> bool:
    if lock.effect == Lock.Effect.BLOCK_AUTOMATION:
        return not actor.is_person
    return bool(lock.effect == Lock.Effect.BLOCK)


def weigh(place: Place, locks: Iterable[Lock], *, actor: Actor, intent: str, at: datetime) -> Decision:
    """The decision over the active locks that cover the place."""
    if intent not in INTENTS:
        raise Invalid.at("intent", f"must be one of {', '.join(INTENTS)}")
    seen = tuple(sorted(locks, key=severity))
    denying = tuple(lock for lock in seen if denies(lock, actor))
    outcome: Literal["allow", "warn", "deny"] = "deny" if denying else "warn" if seen else "allow"
    return Decision(outcome, place, intent, at, seen, denying)


def facts(decision: Decision) -> dict[str, Any]:
    """The decision as plain values, for a receipt and for answers."""
    return {
        "outcome": decision.outcome,
        "service": decision.place.service,
        "environment": decision.place.environment,
        "tier": decision.place.tier,
        "intent": decision.intent,
        "at": iso(decision.at),
        "message": decision.message,
        "next_open_at": iso(decision.next_open_at),
        "retry_after": decision.retry_after,
    }
