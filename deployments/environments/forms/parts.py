"""The parts of a template that take more than a field, typed as lines; steps and inputs can be turned into JSON and back.

What the lines do not show is kept as it is: it travels in a hidden field beside each line.
"""

import json
import shlex
from typing import Any, ClassVar

from portal.kit import jsontext
from portal.kit.errors import Invalid

Json = dict[str, Any]

PHASES = {
    "provision": ("Provision", "what makes it"),
    "sleep": ("Sleep", "together with wake, or not at all"),
    "wake": ("Wake", "the way back"),
    "teardown": ("Teardown", "what takes it away"),
    "verify": ("Is it gone?", "one step, asked twice; only then it counts as gone"),
}
KINDS = [("string", "text"), ("choice", "choice"), ("number", "number"), ("boolean", "yes or no"), ("kept", "as JSON")]
DAYS = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"]
MOST = 60  # lines of one part that are read


class Part:
    """`text` is what stands there as JSON, None while it stands there as lines."""

    name: ClassVar[str]

    def __init__(self, value: Any) -> None:
        self.text: str | None = None
        self.fault = ""
        self.take(value)

    def take(self, value: Any) -> None:
        """Raises ValueError where lines cannot show it."""
        raise NotImplementedError

    def read(self, data: Any) -> None:
        raise NotImplementedError

    def value(self) -> Any:
        """Raises Invalid at its path."""
        raise NotImplementedError

    def do(self, deed: str, group: str, number: int) -> None:
        """`add`, `drop` or `up` a line."""

    def load(self, data: Any) -> None:
        """What was posted takes the place of what is kept."""
        if f"{self.name}-lines" in data:
            self.read(data)
        else:
            self.text = data.get(self.name, "")

    def as_text(self) -> str:
        if self.text is not None:
            return self.text
        value = self.value()
        return json.dumps(value, indent=2, ensure_ascii=False) if value else ""

    def turn(self) -> None:
        try:
            if self.text is None:
                self.text = self.as_text()
            else:
                self.take(jsontext.read(self.text, "text") if self.text.strip() else {})
                self.text = None
        except Invalid as wrong:
            self.fault = wrong.message
        except (ValueError, TypeError, AttributeError, KeyError):
            self.fault = "The lines could not show this: it stays JSON."


class Steps(Part):
    name = "spec"
    SHOWN: ClassVar = ("name", "timeout", "url", "argv")

    def take(self, value: Json) -> None:
        found = {phase: self._lines(value.get(phase)) for phase in PHASES}
        self.lines, self.url = found, str(value.get("url") or "")
        self.listing = value["list"] if isinstance(value.get("list"), str) else ""
        shown = {*PHASES, "url"} | ({"list"} if self.listing or not value.get("list") else set())
        self.more = {name: each for name, each in value.items() if name not in shown}

    def _lines(self, steps: Any) -> list[Json]:
        return [self._line(each) for each in (steps if isinstance(steps, list) else [steps] if steps else [])]

    def _line(self, step: Json) -> Json:
        argv = step.get("argv") or []
        if not isinstance(step.get("name"), str) or not all(isinstance(each, str) for each in argv):
            raise ValueError("no step")
        more = {name: each for name, each in step.items() if name not in self.SHOWN}
        texts = {"timeout": str(step.get("timeout") or ""), "url": str(step.get("url") or ""), "argv": shlex.join(argv)}
        return {"name": step["name"], "more": json.dumps(more) if more else "", **texts}

    def read(self, data: Any) -> None:
        self.url, self.listing = data.get("spec-url", "").strip(), data.get("spec-list", "").strip()
        self.more = _kept(data.get("spec-more", ""))
        self.lines = {phase: _rows(data, phase, (*self.SHOWN, "more")) for phase in PHASES}

    def do(self, deed: str, group: str, number: int) -> None:
        if group in self.lines:
            _do(self.lines[group], deed, number, dict.fromkeys((*self.SHOWN, "more"), ""))

    def value(self) -> Json:
        spec: Json = {name: each for name, each in (("url", self.url), ("list", self.listing)) if each}
        spec |= self.more
        for phase, lines in self.lines.items():
            steps = [self._step(line, f"spec.{phase}.{place}") for place, line in enumerate(lines)]
            if phase == "verify":
                spec |= {"verify": steps[0]} if steps else {}
            elif steps or phase in ("provision", "teardown"):
                spec[phase] = steps
        return spec

    def _step(self, line: Json, path: str) -> Json:
        step: Json = {"name": line["name"]} | _kept(line["more"])
        if line["timeout"]:
            if not line["timeout"].isdecimal() or len(line["timeout"]) > 6:
                raise Invalid.at(f"{path}.timeout", f"“{line['timeout'][:40]}” is no number of seconds")
            step["timeout"] = int(line["timeout"])
        if line["url"]:
            step["url"] = line["url"]
        if line["argv"]:
            try:
                step["argv"] = shlex.split(line["argv"])
            except ValueError as error:
                raise Invalid.at(f"{path}.argv", "has a quotation mark without its other one") from error
        return step

    @property
    def phases(self) -> list[Json]:
        return [
            {"key": key, "title": title, "note": note, "lines": self.lines[key], "is_one": key == "verify"}
            for key, (title, note) in PHASES.items()
        ]

    @property
    def kept(self) -> str:
        return json.dumps(self.more) if self.more else ""


class Inputs(Part):
    name = "inputs"
    kinds = KINDS
    TYPED: ClassVar = ("name", "title", "kind", "choices", "default", "more")

    def take(self, value: Json) -> None:
        required = value.get("required") or []
        declared = value.get("properties") or {}
        names = sorted(declared, key=lambda name: (name not in required, name))
        self.lines = [self._line(name, declared[name]) | {"required": name in required} for name in names]

    def _line(self, name: str, definition: Json) -> Json:
        kind, default = _kind(definition), definition.get("default")
        shown = {"title", "default", "type", "enum"} if kind != "kept" else {"title"}
        more = {key: each for key, each in definition.items() if key not in shown}
        return {
            "name": name,
            "title": str(definition.get("title") or ""),
            "kind": kind,
            "choices": ", ".join(definition.get("enum") or []) if kind == "choice" else "",
            "default": "" if default is None or kind == "kept" else default if isinstance(default, str) else json.dumps(default),
            "more": json.dumps(more) if more else "",
        }  # fmt: skip

    def read(self, data: Any) -> None:
        self.lines = _rows(data, "input", self.TYPED)
        needed = set(data.getlist("input-required"))
        for place, line in enumerate(self.lines):
            line["required"] = str(place) in needed

    def do(self, deed: str, group: str, number: int) -> None:
        if group == "inputs":
            fresh: Json = dict.fromkeys(self.TYPED, "") | {"kind": "string", "required": False}
            _do(self.lines, deed, number, fresh)

    def value(self) -> Json:
        properties: Json = {}
        for line in self.lines:
            path = f"inputs.properties.{line['name'] or '?'}"
            if not line["name"]:
                raise Invalid.at(path, "an input needs a name")
            if line["name"] in properties:
                raise Invalid.at(path, "there are two of this name")
            properties[line["name"]] = _definition(line, path)
        required = [line["name"] for line in self.lines if line["required"]]
        return {"properties": properties, "required": required} if properties else {}


class Hours(Part):
    name = "quiet_hours"

    def take(self, value: Json) -> None:
        self.begins, self.ends = value.get("from", ""), value.get("to", "")
        self.days = list(value.get("days", [0, 1, 2, 3, 4]))

    def read(self, data: Any) -> None:
        self.begins, self.ends = data.get("quiet-from", "").strip(), data.get("quiet-to", "").strip()
        self.days = [place for place in range(7) if str(place) in data.getlist("quiet-days")]

    def value(self) -> Json:
        return {"from": self.begins, "to": self.ends, "days": self.days} if self.begins or self.ends else {}

    @property
    def week(self) -> list[tuple[int, str, bool]]:
        return [(place, name, place in self.days) for place, name in enumerate(DAYS)]


class Limits(Part):
    name = "team_limits"
    TYPED: ClassVar = ("team", "most", "default_ttl", "greatest_ttl")

    def take(self, value: Json) -> None:
        lengths = ("most", "default_ttl", "greatest_ttl")
        self.lines = [
            {"team": team} | {name: "" if limits.get(name) is None else str(limits[name]) for name in lengths}
            for team, limits in sorted(value.items())
        ]

    def read(self, data: Any) -> None:
        self.lines = _rows(data, "limit", self.TYPED)

    def do(self, deed: str, group: str, number: int) -> None:
        if group == "limits":
            _do(self.lines, deed, number, dict.fromkeys(self.TYPED, ""))

    def value(self) -> Json:
        found: Json = {}
        for line in self.lines:
            if not line["team"]:
                raise Invalid.at("team_limits", "say which team, or take the line away")
            limits: Json = {name: line[name] for name in ("default_ttl", "greatest_ttl") if line[name]}
            if line["most"]:
                limits["most"] = (
                    int(line["most"]) if line["most"].isdecimal() and len(line["most"]) < 7 else line["most"]
                )
            found[line["team"]] = limits
        return found


def _rows(data: Any, prefix: str, names: tuple[str, ...]) -> list[Json]:
    columns = [[each.strip() for each in data.getlist(f"{prefix}-{name}")[:MOST]] for name in names]
    return [dict(zip(names, row, strict=True)) for row in zip(*columns, strict=False)]


def _do(lines: list[Json], deed: str, number: int, fresh: Json) -> None:
    if deed == "add":
        lines.append(fresh | {"is_new": True})
    elif deed in ("drop", "up") and 0 <= number < len(lines):
        moved = lines.pop(number)
        if deed == "up":
            lines.insert(max(number - 1, 0), moved)


def _kept(text: str) -> Json:
    try:
        found = jsontext.read(text, "text") if text else {}
    except Invalid:
        return {}
    return found if isinstance(found, dict) else {}


def _kind(definition: Json) -> str:
    kind, enum = definition.get("type"), definition.get("enum")
    if enum:
        plain = kind == "string" and all(isinstance(each, str) and "," not in each for each in enum)
        return "choice" if plain else "kept"
    return kind if kind in ("string", "number", "boolean") else "kept"


def _definition(line: Json, path: str) -> Json:
    kind = line["kind"]
    found = _kept(line["more"]) | ({"title": line["title"]} if line["title"] else {})
    if kind == "kept":
        return found
    found["type"] = "string" if kind == "choice" else kind
    if kind == "choice":
        found["enum"] = [each.strip() for each in line["choices"].split(",") if each.strip()]
        if not found["enum"]:
            raise Invalid.at(path, "say what can be chosen, with commas between")
    if line["default"]:
        found["default"] = (
            line["default"] if found["type"] == "string" else _plain(line["default"], found["type"], path)
        )
    return found


def _plain(text: str, kind: str, path: str) -> Any:
    words = {"yes": True, "true": True, "no": False, "false": False}
    if kind == "boolean":
        if text.lower() not in words:
            raise Invalid.at(path, "is yes or no when nothing is said")
        return words[text.lower()]
    try:
        number = json.loads(text)
    except ValueError:
        number = None
    if isinstance(number, bool) or not isinstance(number, int | float):
        raise Invalid.at(path, f"“{text[:40]}” is not a number")
    return number
