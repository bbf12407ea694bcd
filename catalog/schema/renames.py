"""What else has to be rewritten when a property, a mirror or a relation of a blueprint gets another name. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode

from catalog.schema.definition import GROUPS, group_of
from catalog.schema.paths import Known, ends_of

Json = dict[str, Any]

# Keys of a saved view's address that hold the name of a column.
COLUMNS = {"property", "group", "column"}


@dataclass(frozen=True)
class Rename:
    """`known` are all blueprints as they were before."""

    blueprint: str
    part: Literal["property", "relation"]
    old: str
    new: str
    known: Mapping[str, Known]

    def of_definition(self, definition: Json) -> Json:
        """The definition of any blueprint, with the new name wherever it stands for what is renamed."""
        here = definition["identifier"]
        made = definition | {
            "mirrorProperties": {
                name: each | {"path": self._path(here, each["path"], last=True)}
                for name, each in group_of(definition, "mirrorProperties").items()
            },
            "aggregationProperties": {
                name: self._aggregation(here, each)
                for name, each in group_of(definition, "aggregationProperties").items()
            },
        }
        for key in ("ownership", "teamInheritance"):
            if (definition.get(key) or {}).get("path"):
                made[key] = definition[key] | {"path": self._path(here, definition[key]["path"], last=False)}
        return self._own(made) if here == self.blueprint else made

    def of_view(self, query: str) -> str:
        """The address of a saved view of the blueprint."""
        prefix = "relations." if self.part == "relation" else ""
        old, new = prefix + self.old, prefix + self.new

        def renamed(key: str, value: str) -> str:
            if key == "sort":
                keys = [(each.startswith("-"), each.removeprefix("-")) for each in value.split(",")]
                return ",".join(f"{'-' if down else ''}{new if name == old else name}" for down, name in keys)
            return new if key in COLUMNS and value == old else value

        return urlencode([(key, renamed(key, value)) for key, value in parse_qsl(query, keep_blank_values=True)])

    def of_permissions(self, permissions: Json) -> Json:
        """Who may do what with the blueprint's entities: blocks by deed, and by property and relation."""
        group = "updateRelations" if self.part == "relation" else "updateProperties"
        made = {deed: self._block(block) for deed, block in permissions.items()}
        return made | ({group: self._keys(permissions[group])} if group in permissions else {})

    def _block(self, block: Json) -> Json:
        return block | {"policy": self.of_rule(block["policy"], self.blueprint)} if block.get("policy") else block

    def _own(self, definition: Json) -> Json:
        made = definition | {
            "calculationProperties": {
                name: each | {"calculation": self.of_program(each["calculation"])}
                for name, each in group_of(definition, "calculationProperties").items()
            }
        }
        if self.part == "relation":
            return made | {"relations": self._keys(group_of(made, "relations"))}
        schema = made["schema"]
        required = [self._one(name) for name in schema.get("required", [])]
        made["schema"] = schema | {"properties": self._keys(schema["properties"]), "required": required}
        return made | {group: self._keys(group_of(made, group)) for group in GROUPS[1:]}

    def _keys(self, declared: Json) -> Json:
        return {self._one(name): each for name, each in declared.items()}

    def _one(self, name: str) -> str:
        return self.new if name == self.old else name

    def _is(self, part: str, blueprint: str, name: str) -> bool:
        return (part, blueprint, name) == (self.part, self.blueprint, self.old)

    def _path(self, start: str, path: str, *, last: bool) -> str:
        """Relations joined by dots and, where `last`, a property at the end."""
        steps = path.split(".")
        relations = steps[:-1] if last else steps
        walked, end = self._steps(start, relations)
        if last:
            walked = [*walked, self.new if self._is("property", end, steps[-1]) else steps[-1]]
        return ".".join(walked)

    def _steps(self, start: str, steps: list[str]) -> tuple[list[str], str]:
        walked, here = [], start
        for step in steps:
            walked.append(self.new if self._is("relation", here, step) else step)
            here, _ = ends_of(here, [step], self.known)
        return walked, here

    def _aggregation(self, here: str, declared: Json) -> Json:
        target, spec = declared["target"], declared["calculationSpec"]
        named = {
            key: self.new
            for key in ("property", "measureTimeBy")
            if key in spec and self._is("property", target, spec[key])
        }
        made = declared | {"calculationSpec": spec | named}
        if declared.get("query"):
            made["query"] = self.of_rule(declared["query"], target)
        if declared.get("pathFilter"):
            made["pathFilter"] = [
                each | {"path": self._steps(each.get("fromBlueprint") or here, each["path"])[0]}
                for each in declared["pathFilter"]
            ]
        return made

    def of_rule(self, rule: Any, target: str) -> Any:
        """A rule of the search language about entities of `target`."""
        if not isinstance(rule, dict):
            return rule
        made = dict(rule)
        for key in ("property", "relation"):
            if isinstance(rule.get(key), str) and self._is(key, target, rule[key]):
                made[key] = self.new
        for key in ("rules", "conditions"):
            if isinstance(rule.get(key), list):
                made[key] = [self.of_rule(each, target) for each in rule[key]]
        return made

    def of_program(self, program: str) -> str:
        """A calculation of the blueprint itself. What is not plainly a path of this entity is left as it is."""
        return _Program(program, "properties" if self.part == "property" else "relations", self.old, self.new).text()


class _Program:
    """Rewrites `.properties.old` in a jq program, also within what strings interpolate, and nowhere else in strings."""

    def __init__(self, program: str, part: str, old: str, new: str) -> None:
        self.program, self.new = program, self._written(part, new)
        name = re.escape(old)
        quoted = rf'"{name}"|\'{name}\''
        plain = rf"\.{name}(?![A-Za-z0-9_])|" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", old) else ""
        self.path = re.compile(rf"(?<![A-Za-z0-9_\])}}\"'])\.{part}(?:{plain}\.?\[\s*(?:{quoted})\s*\]|\.(?:{quoted}))")
        self.place = 0

    @staticmethod
    def _written(part: str, new: str) -> str:
        return f".{part}.{new}" if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", new) else f'.{part}["{new}"]'

    def text(self) -> str:
        return self._code(depth=0)

    def _code(self, depth: int) -> str:
        """Up to the end, or to the parenthesis that closes an interpolation."""
        done: list[str] = []
        while self.place < len(self.program):
            hit = self.path.match(self.program, self.place)
            character = self.program[self.place]
            if hit:
                done.append(self.new)
                self.place = hit.end()
            elif character in "\"'":
                done.append(self._string(character))
            else:
                depth += {"(": 1, ")": -1}.get(character, 0)
                done.append(character)
                self.place += 1
                if depth < 0:
                    break
        return "".join(done)

    def _string(self, quote: str) -> str:
        done = [quote]
        self.place += 1
        while self.place < len(self.program):
            two = self.program[self.place : self.place + 2]
            if two == "\\(" and quote == '"':
                self.place += 2
                done.append(two + self._code(depth=0))
                continue
            step = 2 if two.startswith("\\") and quote == '"' else 1
            done.append(self.program[self.place : self.place + step])
            self.place += step
            if two[:1] == quote:
                break
        return "".join(done)
