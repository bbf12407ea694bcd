"""The editor of a scorecard: levels, a filter, and rules of conditions. It keeps whatever it does not show."""

import json
import re
from dataclasses import dataclass, field
from typing import Any

from catalog.models import Blueprint
from catalog.schema.types import COLOURS
from catalog.scorecards.commands import scorecard_create, scorecard_update
from catalog.scorecards.conditions import Conditions, listed, operators
from catalog.scorecards.models import LEVELS, Scorecard
from catalog.scorecards.shapes import check, columns_of
from catalog.tables.columns import columns_of as table_columns
from catalog.tables.filters import suggestions
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import sentence, whole

Json = dict[str, Any]

MOST = 100


@dataclass
class Rule:
    """A rule as it is typed. `kept` is what else the rule had."""

    place: int
    title: str = ""
    identifier: str = ""
    description: str = ""
    level: str = ""
    conditions: Conditions = field(default_factory=lambda: Conditions(""))
    kept: Json = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    is_new: bool = False


class Editor:
    """`faults` stand above the form, `level_faults` at the levels, and those of a rule at it."""

    def __init__(self, blueprint: Blueprint, judge: Scorecard | None) -> None:
        self.blueprint, self.judge = blueprint, judge
        self.columns = table_columns(blueprint)
        facts: Json = judge.facts() if judge else {"title": "", "identifier": "", "rules": []}
        self.title, self.identifier = str(facts["title"]), str(facts["identifier"])
        self.levels: list[Json] = [dict(each) for each in facts.get("levels") or LEVELS]
        self.filter = Conditions.of("f", facts.get("filter"), self.columns)
        self.rules = [self._rule(n, each) for n, each in enumerate(facts["rules"])]
        self.body: str | None = None
        self.faults: list[str] = []
        self.level_faults: list[str] = []
        self.field_faults: dict[str, str] = {}

    def _rule(self, place: int, rule: Json) -> Rule:
        conditions = Conditions.of(f"r{place}", rule["query"], self.columns)
        return Rule(
            place,
            rule["title"],
            rule["identifier"],
            rule.get("description") or "",
            rule["level"],
            conditions,
            kept=rule,
        )

    def as_json(self) -> "Editor":
        shown = self.judge.facts() if self.judge else {"identifier": "", "title": "", "levels": LEVELS, "rules": []}
        self.body = json.dumps(shown, indent=2, ensure_ascii=False)
        return self

    def read(self, data: Any) -> "Editor":
        """What was typed, in a QueryDict, takes the place of what is kept."""
        if "body" in data:
            self.body = data["body"]
            return self
        known = {rule.identifier: rule.kept for rule in self.rules}
        self.title = data.get("title", "").strip()
        self.identifier = self.judge.identifier if self.judge else data.get("identifier", "").strip()
        names, colours = data.getlist("level-title"), data.getlist("level-color")
        self.levels = [{"title": name.strip(), "color": colour} for name, colour in zip(names, colours, strict=False)]
        self.filter = Conditions.read("f", data)
        self.rules = []
        for place, number in enumerate(data.getlist("rule")[: MOST * 2]):
            rule = Rule(place, **{part: data.get(f"r{number}-{part}", "").strip() for part in _TYPED})
            rule.conditions = Conditions.read(f"r{number}", data)
            rule.conditions.name = f"r{place}"
            rule.kept = known.get(rule.identifier, {})
            self.rules.append(rule)
        return self

    def do(self, deed: str) -> None:
        """What a button beside Save asks for: `add-rule`, `drop-rule.2`, `turn.f`."""
        name, _, place = deed.partition(".")
        number = int(place) if place.isdecimal() and len(place) < 4 else -1
        if name == "add-level":
            self.levels.append({"title": "", "color": "green"})
        elif name == "add-rule":
            level = self.levels[-1]["title"] if self.levels else ""
            self.rules.append(Rule(len(self.rules), level=level, is_new=True))
        elif name == "drop-level" and 0 <= number < len(self.levels):
            del self.levels[number]
        elif name in ("drop-rule", "up-rule") and 0 <= number < len(self.rules):
            moved = self.rules.pop(number)
            if name == "up-rule":
                self.rules.insert(max(number - 1, 0), moved)
        elif name == "turn":
            self._turn(place)
        for number, rule in enumerate(self.rules):
            rule.place, rule.conditions.name = number, f"r{number}"

    def _turn(self, name: str) -> None:
        for rule in self.rules:
            if rule.conditions.name == name:
                self._tried(rule.conditions, f"rules.{rule.place}.query")
        if name == "f":
            self._tried(self.filter, "filter")

    def _tried(self, conditions: Conditions, path: str) -> None:
        try:
            conditions.turn(self.columns, path)
        except Invalid as wrong:
            self.refuse(wrong)

    def definition(self) -> Json:
        """As /v1 would be sent it. Raises Invalid with the place of what is wrong."""
        if self.body is not None:
            return self._parsed(self.body)
        taken: set[str] = set()
        rules = [self._said(rule, taken) for rule in self.rules]
        levels = [] if self.levels == LEVELS and not (self.judge and self.judge.levels) else self.levels
        return {
            "identifier": self.identifier or _slug(self.title) or "scorecard",
            "title": self.title,
            "filter": self.filter.query(self.columns, "filter"),
            **({"levels": levels} if levels or not self.levels else {}),
            "rules": rules,
        }

    def _parsed(self, body: str) -> Json:
        definition = jsontext.read(body)
        if not isinstance(definition, dict):
            raise Invalid.at("body", "must be one scorecard, an object")
        return definition

    def _said(self, rule: Rule, taken: set[str]) -> Json:
        path = f"rules.{rule.place}"
        rule.identifier = rule.identifier or _free(_slug(rule.title) or "rule", taken)
        taken.add(rule.identifier)
        query = rule.conditions.query(self.columns, f"{path}.query")
        if query is None:
            raise Invalid.at(f"{path}.query", "needs a condition: choose what the rule asks for")
        said = {"identifier": rule.identifier, "title": rule.title, "level": rule.level, "query": query}
        described = {"description": rule.description} if rule.description or "description" in rule.kept else {}
        return rule.kept | said | described

    def draft(self) -> Scorecard:
        """What it would be, unsaved: where all would stand is known before anything has a title. Raises Invalid."""
        definition = self.definition()
        if self.body is None:
            for each in (definition, *definition["rules"]):
                each["title"] = each["title"] or "Without a title"
        check(definition)
        return Scorecard(blueprint=self.blueprint, identifier=definition["identifier"], **columns_of(definition))

    def save(self, by: By) -> Scorecard | None:
        untitled = self._untitled()
        try:
            definition = self.definition()
            if not untitled:
                return self._saved(definition, by)
        except PortalError as error:
            self.refuse(error)
        if untitled:
            self.refuse(Invalid.of(untitled))
        return None

    def _saved(self, definition: Json, by: By) -> Scorecard:
        if self.judge:
            return scorecard_update(self.judge, definition, partial=self.body is None, by=by)
        return scorecard_create(self.blueprint, definition, by=by)

    def _untitled(self) -> list[dict[str, str]]:
        if self.body is not None:
            return []
        titles = [("title", self.title), *((f"rules.{each.place}.title", each.title) for each in self.rules)]
        return [{"path": path, "message": "needs a title"} for path, title in titles if not title]

    def refuse(self, error: PortalError) -> None:
        """Each fault to its place."""
        for fault in error.details.get("errors") or [{"path": "", "message": error.message}]:
            place = re.match(r"rules\.(\d+)\.?(.*)", fault["path"]) if self.body is None else None
            if place and int(place[1]) < len(self.rules):
                part = "" if fault["message"].startswith("needs a ") else _PARTS.get(place[2], place[2])
                self.rules[int(place[1])].faults.append(whole({"path": part, **_text(fault)}))
            elif self.body is None and fault["path"].startswith("levels"):
                self.level_faults.append(sentence(fault["message"]))
            elif self.body is None and fault["path"].startswith("filter"):
                self.filter.faults.append(sentence(fault["message"]))
            elif fault["path"] in ("title", "identifier") and self.body is None:
                self.field_faults[fault["path"]] = sentence(fault["message"])
            else:
                self.faults.append(whole(fault))

    # What the template asks.
    @property
    def is_refused(self) -> bool:
        rules = any(rule.faults for rule in self.rules)
        return bool(self.faults or self.level_faults or self.field_faults or self.filter.faults or rules)

    @property
    def above(self) -> list[str]:
        """Levels that a rule may stand for: everything starts at the first."""
        return [each["title"] for each in self.levels[1:]]

    colours = COLOURS

    @property
    def listed(self) -> list[tuple[str, str, str]]:
        return listed(self.columns)

    @property
    def operators(self) -> list[tuple[str, str, str]]:
        return operators()

    @property
    def suggestions(self) -> list[tuple[str, list[str]]]:
        every = [(name, suggestions(each)) for name, each in self.columns.items() if each.kind not in ("user", "team")]
        return [each for each in every if each[1]]


_TYPED = ("title", "identifier", "description", "level")
_PARTS = {"query": "condition", "query.conditions": "condition"}


def _text(fault: dict[str, str]) -> dict[str, str]:
    return {"message": fault["message"]}


def spoken(fault: dict[str, str]) -> str:
    """With the number that the form shows: "Rule 1: needs a condition"."""
    place = re.match(r"rules\.(\d+)\b", fault["path"])
    return f"Rule {int(place[1]) + 1}: {fault['message']}" if place else whole(fault)


def _slug(title: str) -> str:
    words = re.findall(r"[a-z0-9]+", title.lower())
    return "-".join(words)[:60]


def _free(name: str, taken: set[str]) -> str:
    number, found = 1, name
    while found in taken:
        number += 1
        found = f"{name}-{number}"
    return found
