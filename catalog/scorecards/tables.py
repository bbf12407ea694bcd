"""Scorecards as the pages show them: every figure leads to the entities behind it."""

from collections.abc import Sequence
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode

from catalog import permissions, queries, tables
from catalog.forms.fields import typed
from catalog.models import Entity
from catalog.scorecards.models import Day, Scorecard
from catalog.scorecards.queries import Result, Shares, told_fix
from catalog.search.standings import named
from catalog.tables.columns import META
from portal.accounts.policy import allows
from portal.kit.by import By

Json = dict[str, Any]

NOT_OWNED = "(no team)"


def row(judge: Scorecard) -> Json:
    count = len(judge.rules)
    return {
        "title": judge.title,
        "identifier": judge.identifier,
        "url": judge.get_absolute_url(),
        "rules": f"{count} {'rule' if count == 1 else 'rules'}",
        "levels": [{"title": level, "colour": _colour(judge, level)} for level in judge.ladder],
        "blueprint": judge.blueprint.title,
        "blueprint_url": tables.list_url(judge.blueprint.identifier),
        "shares_url": reverse("scorecards:shares", args=[judge.pk]),
        "updated_at": judge.updated_at,
        "updated_by": judge.updated_by,
    }


def may_write(by: By, judge: Scorecard) -> bool:
    return allows(by.actor, "scorecard.write", blueprint=judge.blueprint.identifier)


def level_rows(judge: Scorecard, found: Shares) -> list[Json]:
    """The best first."""
    return [
        {
            "title": level,
            "colour": _colour(judge, level),
            "count": found.levels[level],
            "percent": _percent(found.levels[level], found.judged),
            "url": entities_url(judge, level),
        }
        for level in reversed(judge.ladder)
    ]


def rule_rows(judge: Scorecard, found: Shares) -> list[Json]:
    """By their levels from the worst, as an entity climbs."""
    rules = sorted(judge.rules, key=lambda rule: judge.ladder.index(rule["level"]))
    return [_rule(judge, rule, found) for rule in rules]


def _rule(judge: Scorecard, rule: Json, found: Shares) -> Json:
    passed = found.rules[rule["identifier"]]
    return {
        "title": rule["title"],
        "description": rule.get("description") or "",
        "level": rule["level"],
        "colour": _colour(judge, rule["level"]),
        "passed": passed,
        "failed": found.judged - passed,
        "percent": _percent(passed, found.judged),
        "passed_url": entities_url(judge, "Passed", rule=rule["identifier"]),
        "failed_url": entities_url(judge, "Not passed", rule=rule["identifier"]),
    }


def team_rows(judge: Scorecard, found: Sequence[tuple[str, dict[str, int]]]) -> list[Json]:
    return [
        {
            "team": team or NOT_OWNED,
            "count": sum(levels.values()),
            "url": entities_url(judge, "", team=team),
            "parts": bar(judge, levels, team=team),
        }
        for team, levels in found
    ]


def bar(judge: Scorecard, levels: dict[str, int], team: str | None = None) -> list[Json]:
    """The shares of the levels side by side, the best first, on a line of a hundred."""
    total, at = sum(levels.values()) or 1, 0.0
    parts: list[Json] = []
    for level in reversed(judge.ladder):
        width = 100 * levels[level] / total
        if levels[level]:
            parts.append(
                {
                    "x": round(at, 2),
                    "width": round(max(width - 0.6, 0.5), 2),
                    "word": level,
                    "count": levels[level],
                    "percent": _percent(levels[level], total),
                    "colour": _colour(judge, level),
                    "url": entities_url(judge, level, team=team),
                }
            )
        at += width
    if parts:
        parts[-1]["width"] = round(100 - parts[-1]["x"], 2)
    return parts


def entities_url(judge: Scorecard, value: str, *, rule: str = "", team: str | None = None) -> str:
    """The table of those that stand so; without a value of all that are judged."""
    lines = [(named(judge.identifier, rule), "=" if value else "isNotEmpty", value)]
    if team is not None:
        lines.append(("$team", "=", team) if team else ("$team", "isEmpty", ""))
    pairs = [pair for line in lines for pair in zip(("property", "operator", "value"), line, strict=True)]
    return f"{tables.list_url(judge.blueprint.identifier)}?{urlencode(pairs)}"


def outside_url(judge: Scorecard) -> str:
    pairs = {"property": named(judge.identifier), "operator": "isEmpty", "value": ""}
    return f"{tables.list_url(judge.blueprint.identifier)}?{urlencode(pairs)}"


def day_bars(judge: Scorecard, found: Sequence[Day]) -> list[Json]:
    """A column for each day, its levels on each other from the worst at the bottom; a hundred wide, fifty high."""
    step = 100 / max(len(found), 14)
    return [
        {
            "day": each.day,
            "said": ", ".join(f"{level} {each.levels.get(level, 0)}" for level in reversed(judge.ladder)),
            "counts": [each.levels.get(level, 0) for level in reversed(judge.ladder)],
            "parts": _column(judge, each, round(n * step, 3), round(step * 0.82, 3)),
        }
        for n, each in enumerate(found)
    ]


def _column(judge: Scorecard, day: Day, x: float, width: float) -> list[Json]:
    counts = [(level, day.levels.get(level, 0)) for level in judge.ladder]
    total, at, parts = sum(count for _, count in counts) or 1, 50.0, []
    for level, count in counts:
        height = 50 * count / total
        at -= height
        parts.append(
            {"x": x, "y": round(at, 2), "width": width, "height": round(height, 2), "colour": _colour(judge, level)}
        )
    return parts


def ladder(result: Result, entity: Entity, *, may_edit: bool) -> Json:
    """How an entity stands: the steps, those that are done first, and what is left to do for the next one."""
    judge, reached = result.scorecard, result.scorecard.ladder.index(result.level)
    passed = {rule["identifier"]: ok for rule, ok in zip(judge.rules, result.passed, strict=True)}
    steps: list[Json] = []
    for place, level in enumerate(judge.ladder):
        rules = [rule for rule in judge.rules if rule["level"] == level]
        done = sum(passed[rule["identifier"]] for rule in rules)
        steps.append(
            {
                "title": level,
                "colour": _colour(judge, level),
                "state": "done" if place <= reached else "next" if place == reached + 1 else "ahead",
                "said": f"{done} of {len(rules)}" if rules else "",
                "rules": [_asked(rule, passed[rule["identifier"]], entity, may_edit) for rule in rules],
            }
        )
    following = next((step for step in steps if step["state"] == "next"), None)
    return {
        "title": judge.title,
        "url": judge.get_absolute_url(),
        "level": result.level,
        "colour": _colour(judge, result.level),
        "steps": steps,
        "next": following,
        "to_do": [rule for rule in following["rules"] if not rule["passed"]] if following else [],
        "passed": sum(result.passed),
        "count": len(judge.rules),
    }


def _asked(rule: Json, passed: bool, entity: Entity, may_edit: bool) -> Json:
    fixes = [_fix(entity, name) for name in told_fix(rule)] if may_edit and not passed else []
    return {
        "title": rule["title"],
        "description": rule.get("description") or "",
        "passed": passed,
        "fixes": [each for each in fixes if each],
    }


def _fix(entity: Entity, name: str) -> Json | None:
    """The field of the entity's form where it is typed; None for what nobody types."""
    blueprint = entity.blueprint
    fields = {"$team": ("Team", "id_team"), "$title": ("Title", "id_title")}
    if name.startswith("relations."):
        own = name.removeprefix("relations.")
        if own in blueprint.relations:
            fields[name] = (blueprint.relations[own].get("title") or own, f"id_r-{own}")
    elif name in typed(blueprint):
        fields[name] = (blueprint.properties[name].get("title") or name, f"id_p-{name}")
    if name not in fields or name in META and name != "$team":
        return None
    title, field = fields[name]
    url = reverse("catalog:entity_edit", args=[blueprint.identifier, entity.identifier])
    return {"label": f"Set {title}", "url": f"{url}#{field}"}


def may_edit(by: By, entity: Entity) -> bool:
    teams = queries.owner_teams(entity)
    return permissions.may_write(by, "update", entity.blueprint, teams=teams, entity=entity)


def preview_rows(judge: Scorecard, now: Shares | None, then: Shares) -> list[Json]:
    """The best first: how many stand there now, and would."""
    rows = []
    for level in reversed(judge.ladder):
        was = now.levels.get(level, 0) if now else None
        difference = then.levels[level] - was if was is not None else 0
        rows.append(
            {
                "title": level,
                "colour": _colour(judge, level),
                "count": then.levels[level],
                "was": was,
                "difference": f"{difference:+d}".replace("-", "−") if difference else "",
            }
        )
    return rows


def _colour(judge: Scorecard, level: str) -> str:
    return judge.colour(level) or "lightGray"


def _percent(part: int, whole: int) -> int:
    """Whole ones, but never 0 or 100 of what is neither none nor all."""
    if not whole:
        return 0
    rounded = round(100 * part / whole)
    return min(max(rounded, 1 if part else 0), 100 if part == whole else 99)
