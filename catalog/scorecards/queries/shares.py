"""How many entities stand where, of those that the viewer may see; at this instant, and day by day."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from django.db.models import Count
from django.utils import timezone

from catalog import permissions
from catalog import queries as catalog
from catalog.models import Blueprint
from catalog.scorecards.models import Day, Scorecard
from catalog.scorecards.queries.judging import level_sql, rule_condition
from catalog.scorecards.shapes import fields_of
from portal.kit.by import By

Json = dict[str, Any]

MOST_TEAMS = 30
DAYS = 90


@dataclass
class Shares:
    """`levels` has every level, from the worst; `rules` how many of the judged pass each. `outside`: not judged."""

    levels: dict[str, int]
    rules: dict[str, int] = field(default_factory=dict)
    outside: int = 0

    @property
    def judged(self) -> int:
        return sum(self.levels.values())


def shares(by: By, judge: Scorecard) -> Shares:
    """One query, however many rules. `judge` need not be saved."""
    passed = {f"rule_{n}": Count("pk", filter=rule_condition(judge, rule)) for n, rule in enumerate(judge.rules)}
    rows = _levelled(by, judge).values("level").annotate(count=Count("pk"), **passed)
    found = Shares(dict.fromkeys(judge.ladder, 0), {rule["identifier"]: 0 for rule in judge.rules})
    for row in rows:
        if row["level"] is None:
            found.outside = row["count"]
            continue
        found.levels[row["level"]] = row["count"]
        for n, rule in enumerate(judge.rules):
            found.rules[rule["identifier"]] += row[f"rule_{n}"]
    return found


def by_team(by: By, judge: Scorecard) -> list[tuple[str, dict[str, int]]]:
    """Teams with how many of theirs stand at each level, those with most first; without a name what nobody owns."""
    rows = _levelled(by, judge).exclude(level=None).values("team", "level").annotate(count=Count("pk"))
    found: dict[str, Counter[str]] = {}
    for row in rows:
        for team in row["team"] or [""]:
            found.setdefault(team, Counter())[row["level"]] += row["count"]
    teams = sorted(found, key=lambda team: (not team, -found[team].total(), team))
    return [(team, {level: found[team][level] for level in judge.ladder}) for team in teams[:MOST_TEAMS]]


def days(by: By, judge: Scorecard) -> list[Day]:
    """The last ninety that were counted. They count all entities, so they are for who may see all."""
    if is_bounded(by, judge.blueprint):
        return []
    since = timezone.now().date() - timedelta(days=DAYS)
    return list(Day.objects.filter(scorecard=judge, day__gte=since).order_by("day"))


def is_bounded(by: By, blueprint: Blueprint) -> bool:
    """Whether there may be entities of it that the viewer may not see."""
    return permissions.bounds(by, blueprint) is not None


def told_fix(rule: Json) -> list[str]:
    """The properties and relations that a rule asks about: what there is to mend where it is not passed."""
    return list(dict.fromkeys(fields_of(rule["query"])))


def _levelled(by: By, judge: Scorecard) -> Any:
    rows = catalog.entities(by, judge.blueprint).prefetch_related(None).order_by()
    return rows.annotate(level=level_sql(judge))
