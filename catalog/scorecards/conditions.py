"""The conditions of a rule or of a filter, as lines that people fill in; what lines cannot say is JSON."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from catalog.tables.columns import Column
from catalog.tables.filters import ALL, OPERATORS, SPANS, WITHIN, as_rule
from catalog.tables.state import Filter
from portal.kit import jsontext
from portal.kit.errors import Invalid

Json = dict[str, Any]
Columns = Mapping[str, Column]

TITLED = [("$title", "Title", "text"), ("$identifier", "Identifier", "text")]
MOST_LINES = 30


@dataclass
class Conditions:
    """`text` is the JSON that was typed, None while there are lines. `faults` are sentences for the one who typed."""

    name: str
    combinator: str = "and"
    lines: list[Filter] = field(default_factory=list)
    text: str | None = None
    faults: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, name: str, query: Json | None, columns: Columns) -> "Conditions":
        if not query:
            return cls(name)
        lines = [_line(each, columns) for each in query["conditions"]]
        if None in lines or len(lines) > MOST_LINES or query.keys() - {"combinator", "conditions"}:
            return cls(name, text=json.dumps(query, indent=2, ensure_ascii=False))
        return cls(name, query["combinator"], [each for each in lines if each])

    @classmethod
    def read(cls, name: str, data: Any) -> "Conditions":
        """Lines without a property are none."""
        text = data.get(f"{name}-json")
        said = (data.getlist(f"{name}-{part}") for part in ("property", "operator", "value"))
        lines = [
            Filter(one, operator or "=", value.strip()) for one, operator, value in zip(*said, strict=False) if one
        ]
        combinator = "or" if data.get(f"{name}-combinator") == "or" else "and"
        return cls(name, combinator, lines[:MOST_LINES], text)

    def query(self, columns: Columns, path: str) -> Json | None:
        """None without any. Raises Invalid at the path for what cannot be read."""
        if self.text is not None:
            return _parsed(self.text, path)
        if not self.lines:
            return None
        return {"combinator": self.combinator, "conditions": [self._said(each, columns, path) for each in self.lines]}

    def _said(self, line: Filter, columns: Columns, path: str) -> Json:
        try:
            return as_rule(line, dict(columns))
        except Invalid as wrong:
            raise Invalid.at(path, wrong.details["errors"][0]["message"]) from wrong

    def turn(self, columns: Columns, path: str) -> None:
        """From lines to JSON or back, where lines can say it."""
        query = self.query(columns, path)
        if self.text is None:
            self.text = json.dumps(query or {"combinator": "and", "conditions": []}, indent=2, ensure_ascii=False)
            return
        turned = Conditions.of(self.name, query, columns)
        if turned.text is not None:
            raise Invalid.at(path, "says more than lines can say, such as groups within groups")
        self.combinator, self.lines, self.text = turned.combinator, turned.lines, None


def _parsed(text: str, path: str) -> Json | None:
    if not text.strip():
        return None
    query = jsontext.read(text, path)
    if not isinstance(query, dict):
        raise Invalid.at(path, 'must be {"combinator": "and", "conditions": [...]}')
    return query


def _line(condition: Any, columns: Columns) -> Filter | None:
    """The line that says the same, if one does."""
    if not isinstance(condition, dict):
        return None
    name = f"relations.{condition['relation']}" if "relation" in condition else condition.get("property")
    operator, value = condition.get("operator"), condition.get("value")
    if not isinstance(name, str) or not isinstance(operator, str):
        return None
    if isinstance(value, dict):
        spans = {preset: words for words, preset in SPANS.items()}
        operator, value = WITHIN, spans.get(str(value.get("preset")))
    line = Filter(name, operator, _typed(value))
    try:
        return line if as_rule(line, dict(columns)) == condition else None
    except Invalid:
        return None


def _typed(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_typed, value))
    return "" if value is None else str(value)


def listed(columns: Columns) -> list[tuple[str, str, str]]:
    """(name, title, kind) of what a line may ask for."""
    own = [(each.name, each.title, each.kind) for each in columns.values() if each.kind != "level"]
    return [*own, *TITLED]


def operators() -> list[tuple[str, str, str]]:
    return [
        (name, words, " ".join(kind for kind, own in OPERATORS.items() if name in dict(own))) for name, words in ALL
    ]
