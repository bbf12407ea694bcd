"""What the demo company expects of its services, how they stand, and how they came there."""

from datetime import datetime, timedelta
from typing import Any

from catalog import queries as catalog
from catalog.scorecards.commands import levels_compare, scorecard_create
from catalog.scorecards.models import Day, Scorecard
from portal.kit.by import By

Json = dict[str, Any]

# What is not filled in yet, so that there is something left to do.
LACKING = {
    "address-book": ["documentation"],
    "assets": ["onCall"],
    "clickstream": ["description", "onCall"],
    "consent": ["documentation"],
    "courier-bridge": ["slackChannel"],
    "customer-360": ["documentation"],
    "exchange-rates": ["onCall", "documentation"],
    "feature-store": ["description"],
    "gift-cards": ["documentation"],
    "help-centre": ["onCall", "slackChannel"],
    "search": ["documentation"],
}


def _rule(identifier: str, title: str, level: str, description: str, *conditions: Json) -> Json:
    query = {"combinator": "and", "conditions": list(conditions)}
    return {"identifier": identifier, "title": title, "level": level, "description": description, "query": query}


def _set(name: str) -> Json:
    return {"property": name, "operator": "isNotEmpty"}


READINESS = {
    "identifier": "readiness",
    "title": "Production readiness",
    "rules": [
        _rule("owned", "Has an owner", "Bronze", "Name the team that answers for it.", _set("$team")),
        _rule(
            "described",
            "Says what it is",
            "Bronze",
            "One sentence for those who meet it at night.",
            _set("description"),
        ),
        _rule("on-call", "Somebody is on call", "Silver", "Name who is called when it is down.", _set("onCall")),
        _rule("channel", "Has a channel", "Silver", "Where its people are asked.", _set("slackChannel")),
        _rule(
            "documented",
            "Is documented",
            "Gold",
            "Link the runbook, not only the repository.",
            _set("documentation"),
            _set("repository"),
        ),
    ],
}


def scorecards(now: datetime, by: By) -> None:
    """After the catalog: the scorecard, and three weeks of its days."""
    judge = scorecard_create(catalog.blueprint("service"), READINESS, by=by)
    levels_compare(now=now)
    last = Day.objects.get(scorecard=judge)
    Day.objects.bulk_create(_before(judge, last, days) for days in range(21, 0, -1))


def _before(judge: Scorecard, last: Day, days: int) -> Day:
    """As many as now, of whom the further back the fewer had climbed."""
    levels = {level: last.levels.get(level, 0) for level in judge.ladder}
    for above, below in zip(reversed(judge.ladder[1:]), reversed(judge.ladder[:-1]), strict=True):
        fallen = levels[above] * days // 42
        levels[above], levels[below] = levels[above] - fallen, levels[below] + fallen
    return Day(scorecard=judge, day=last.day - timedelta(days=days), levels=levels)
