"""What a rule would have locked, had it been there: the history of health once more. Pure, and nothing is written."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from catalog.queries import Place
from locks import rules
from locks.models import LockRule, ScopeKind
from locks.signs import HEALTHY, SILENT, Sign

Pair = tuple[int, int]


@dataclass
class Would:
    """A lock that there would have been; without an end it still would be on."""

    covers: str
    reason: str
    began_at: datetime
    until: datetime
    last: datetime
    places: set[Pair]
    ended_at: datetime | None = None


@dataclass
class Course:
    """The signs one after the other, as they were told."""

    rule: LockRule
    places: Mapping[Pair, Place]
    heard: dict[Pair, dict[str, tuple[str, datetime]]] = field(default_factory=dict)
    on: dict[Pair, Would] = field(default_factory=dict)
    over: list[Would] = field(default_factory=list)

    def take(self, sign: Sign) -> None:
        self.pass_to(sign.at)
        pair = (sign.service, sign.environment)
        if not sign.is_verdict:
            self.heard.setdefault(pair, {})[sign.probe] = (sign.state, sign.since)
        place = self.places.get(pair)
        if place and rules.fires(self.rule, sign) and rules.reaches(self.rule, place):
            self.act(sign, place)

    def act(self, sign: Sign, place: Place) -> None:
        key, until = self.cover(sign), sign.at + self.rule.at_most
        pair = (sign.service, sign.environment)
        if standing := self.on.get(key):
            standing.until = until if standing.until + rules.SAME <= until else standing.until
            standing.last = sign.at
            standing.places.add(pair)
            return
        reason = rules.reason_of(self.rule, place, sign)
        self.on[key] = Would(self.words(place), reason, sign.at, until, sign.at, {pair})

    def pass_to(self, at: datetime) -> None:
        for key, each in list(self.on.items()):
            end = self.end_of(each)
            if end <= at:
                each.ended_at = end
                self.over.append(self.on.pop(key))

    def end_of(self, each: Would) -> datetime:
        well = [self.well_since(pair) for pair in each.places]
        if None in well:
            return each.until
        healed = max([each.last, *(moment for moment in well if moment)]) + self.rule.healthy_for
        return min(each.until, healed)

    def well_since(self, pair: Pair) -> datetime | None:
        said = [each for each in self.heard.get(pair, {}).values() if each[0] not in SILENT]
        if not said or any(state != HEALTHY for state, _ in said):
            return None
        return max(since for _, since in said)

    def cover(self, sign: Sign) -> Pair:
        kind = self.rule.scope
        return (
            0 if kind == ScopeKind.ENVIRONMENT else sign.service,
            0 if kind == ScopeKind.SERVICE else sign.environment,
        )

    def words(self, place: Place) -> str:
        return {
            ScopeKind.PAIR.value: f"{place.service} in {place.environment}",
            ScopeKind.SERVICE.value: f"{place.service} everywhere",
            ScopeKind.ENVIRONMENT.value: f"all of {place.environment}",
        }[str(self.rule.scope)]


def would_have_locked(
    rule: LockRule, signs: Iterable[Sign], places: Mapping[Pair, Place], *, now: datetime
) -> list[Would]:
    """Of the signs in the order in which they were told; the newest first."""
    course = Course(rule, places)
    for sign in signs:
        course.take(sign)
    course.pass_to(now)
    return sorted([*course.over, *course.on.values()], key=lambda each: each.began_at, reverse=True)


def lasted(each: Would, now: datetime) -> timedelta:
    return (each.ended_at or now) - each.began_at
