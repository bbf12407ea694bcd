"""What the gate answers, and how it comes to it. Pure: no clock and no database."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from catalog.queries import Place
from locks.models import Claim, Effect, Lock, Override, Pass, ScopeKind, Window, cover
from portal.kit.by import Actor
from portal.kit.clock import iso, spoken
from portal.kit.errors import Invalid

INTENTS = ("deploy", "rollback")
AHEAD = timedelta(days=400)  # how far it is looked for when it opens
SOON = 5  # seconds until asking again is worth it, where others are before
Outcome = Literal["allow", "warn", "deny", "wait"]
Bar = Lock | Window  # whatever can stand in the way, and is asked the same things
_EFFECTS: list[str] = list(Effect)
_KINDS: list[str] = [Lock.Kind.INCIDENT, Lock.Kind.ROLLBACK, Lock.Kind.CANARY, Lock.Kind.MANUAL, Window.kind]
_SCOPES: list[str] = list(ScopeKind)


@dataclass(frozen=True)
class Decision:
    """`locks` and `freezes` are all that were on and cover the place, the most severe and most particular first;
    `denying` are those of both that stop this caller.

    `claim` is the other run that deploys now, `ahead` how many wait in line before this one: either makes it wait.
    `override` is the one that passed all that would have denied.

    `next_open_at` is the first instant at which, as things stand, nothing denies any more; None when nothing denies,
    or when something does until somebody releases it.
    """

    outcome: Outcome
    place: Place
    intent: str
    at: datetime
    locks: tuple[Lock, ...]
    freezes: tuple[Window, ...]
    denying: tuple[Bar, ...]
    next_open_at: datetime | None
    claim: Claim | None = None
    ahead: int = 0
    override: Override | None = None

    @property
    def denies(self) -> bool:
        return self.outcome == "deny"

    @property
    def stops(self) -> bool:
        """Not now: denied, or others are before."""
        return self.outcome in ("deny", "wait")

    @property
    def stopped_by(self) -> Literal["lock", "freeze", "claim", "line"] | None:
        """A freeze only when there is no lock as well: somebody can be asked about a lock."""
        if self.outcome == "wait":
            return "claim" if self.claim else "line"
        if not self.denying:
            return None
        return "lock" if any(isinstance(each, Lock) for each in self.denying) else "freeze"

    @property
    def retry_after(self) -> int | None:
        """Seconds until asking again can be worth it."""
        if self.outcome == "wait":
            return SOON
        if not self.next_open_at:
            return None
        return max(1, int((self.next_open_at - self.at).total_seconds()) + 1)

    @property
    def message(self) -> str:
        where = f"{self.place.service} in {self.place.environment}"
        if self.outcome == "wait":
            return f"{where} has to wait: {self._before_it}."
        if self.override:
            named = f"the override of {self.override.holder_name}"
            approved = f", approved by {self.override.approver_name}" if self.override.approver_name else ""
            return f"{where} is open by {named}{approved}: {self.override.reason}"
        seen: list[Bar] = sorted([*self.locks, *self.freezes], key=severity)
        if not seen:
            return f"{where} is open."
        counted = self.denying or seen
        first = counted[0]
        until = f"until {spoken(first.expires_at, now=self.at)}"
        more = f" ({len(counted) - 1} more)" if len(counted) > 1 else ""
        deed = "locked" if isinstance(first, Lock) else "frozen"
        verb = f"is {deed} by" if self.denies else "is open, with a warning by"
        return f"{where} {verb} {first.holder_name} {until}: {first.reason}{more}"

    @property
    def _before_it(self) -> str:
        others = f"{self.ahead} {'is' if self.ahead == 1 else 'are'} before it in line" if self.ahead else ""
        if not self.claim:
            return others
        deploys = f"{self.claim.holder_name} is deploying {self.claim.version or self.claim.commit[:7]}".rstrip()
        return f"{deploys} ({self.claim.run})" + (f", and {others}" if others else "")


def check_intent(intent: str) -> None:
    if intent not in INTENTS:
        raise Invalid.at("intent", f"must be one of {', '.join(INTENTS)}")


def covers_of(place: Place) -> list[str]:
    """The keys of all the scopes that hold the place, as the column `cover` has them."""
    return [
        cover(ScopeKind.PAIR, place.service_id, place.environment_id),
        cover(ScopeKind.SERVICE, place.service_id),
        cover(ScopeKind.ENVIRONMENT, environment=place.environment_id),
        cover(ScopeKind.TIER, tier=place.tier),
        cover(ScopeKind.EVERYTHING),
        *(cover(ScopeKind.TEAM, team=team) for team in place.service_teams),
    ]


def severity(bar: Bar) -> tuple[Any, ...]:
    """Sorts the most severe first, then the most particular, then the one that lasts longest."""
    end = -bar.expires_at.timestamp() if bar.expires_at else float("-inf")
    key = bar.pk if isinstance(bar, Lock) else bar.freeze.pk
    return (_EFFECTS.index(bar.effect), _KINDS.index(bar.kind), _SCOPES.index(bar.scope_kind), end, key)


def at_least(effect: str) -> list[str]:
    """The effects that stop as much as this one, or more."""
    return _EFFECTS[: _EFFECTS.index(effect) + 1]


def denies(bar: Bar, actor: Actor, intent: str) -> bool:
    if intent == "rollback" and Pass.ROLLBACK in bar.allows:
        return False
    if Pass.HOLDER in bar.allows and actor.in_person and actor.key == bar.holder_key:
        return False
    if bar.effect == Effect.BLOCK_AUTOMATION:
        return not actor.in_person
    return bool(bar.effect == Effect.BLOCK)


def weigh(
    place: Place,
    bars: Iterable[Bar],
    *,
    actor: Actor,
    intent: str,
    at: datetime,
    later: Callable[[datetime, datetime], Iterable[Window]] = lambda since, until: (),
    claim: Claim | None = None,
    ahead: int = 0,
    override: Override | None = None,
) -> Decision:
    """The decision over the locks and freezes that are on and cover the place.

    `later` tells the windows of its freezes that touch a later span of time: it does not open when one follows on
    another. `override` is one that is good here and now: it opens when it names all that denies, or not at all.
    """
    check_intent(intent)
    seen = sorted(bars, key=severity)
    denying = tuple(bar for bar in seen if denies(bar, actor, intent))
    passed = bool(override and denying and {bar.public_id for bar in denying} <= set(override.passes))
    if passed:
        denying = ()
    return Decision(
        "deny" if denying else "wait" if claim or ahead else "warn" if seen else "allow",
        place,
        intent,
        at,
        locks=tuple(bar for bar in seen if isinstance(bar, Lock)),
        freezes=tuple(bar for bar in seen if isinstance(bar, Window)),
        denying=denying,
        next_open_at=_opens(
            denying, at + AHEAD, lambda *span: [each for each in later(*span) if denies(each, actor, intent)]
        ),
        claim=claim,
        ahead=ahead,
        override=override if passed else None,
    )


def _opens(
    denying: Iterable[Bar], last: datetime, later: Callable[[datetime, datetime], Sequence[Window]]
) -> datetime | None:
    """Looks a day ahead first, and twice as far each time: mostly nothing follows, and hundreds may."""
    ends = [bar.expires_at for bar in denying]
    if not ends or None in ends:
        return None
    opens, step = max(end for end in ends if end), timedelta(days=1)
    while opens < last:
        until = opens + step
        for window in sorted(later(opens, until), key=lambda each: each.starts_at):
            if window.starts_at > opens:
                return opens
            opens = max(opens, window.ends_at)
        if opens < until:
            return opens
        step *= 2
    return opens


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
        "stopped_by": decision.stopped_by,
        "ahead": decision.ahead,
        "next_open_at": iso(decision.next_open_at),
        "retry_after": decision.retry_after,
    }
