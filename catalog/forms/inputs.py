"""How a property is typed by a person: one input for each kind, and the way from a value to its text and back.

A value that its input could not show faithfully is edited as JSON, so that nothing is retyped by accident.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django import forms
from django.utils import timezone

from portal.kit.forms import zone_name

Json = dict[str, Any]

UNSET = ("", "not set")
LONG = {"markdown", "yaml", "proto"}
LINE = 80


class Input:
    """`field` makes the form's field; `text` is what it shows of a value; `value` what was meant, None for nothing.

    `value` raises ValueError with what would be right.
    """

    def __init__(self, definition: Json) -> None:
        self.definition = definition

    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and "\n" not in value

    def field(self, value: Any) -> forms.Field:
        return forms.CharField(strip=False)

    def text(self, value: Any) -> Any:
        return value

    def value(self, said: Any) -> Any:
        return said if said != "" else None


class Line(Input):
    kinds = {"url": "url", "email": "email", "idn-email": "email"}  # noqa: RUF012

    def field(self, value: Any) -> forms.Field:
        offered = {"user": "people", "team": "teams"}.get(str(self.definition.get("format")))
        attrs = {"autocomplete": "off"} | ({"list": offered} if offered else {})
        if self.definition.get("format") == "url":
            attrs["placeholder"] = "https://"
        return forms.CharField(strip=False, widget=forms.TextInput(attrs=attrs))


class Text(Input):
    def fits(self, value: Any) -> bool:
        return isinstance(value, str) and "\r" not in value

    def field(self, value: Any) -> forms.Field:
        return forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": 6}))

    def value(self, said: str) -> Any:
        return said.replace("\r\n", "\n") or None


class Number(Input):
    def fits(self, value: Any) -> bool:
        return isinstance(value, int | float) and not isinstance(value, bool)

    def field(self, value: Any) -> forms.Field:
        widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})
        return forms.CharField(widget=widget, help_text=self._bounds())

    def _bounds(self) -> str:
        least, most = (self.definition.get(name) for name in ("minimum", "maximum"))
        if least is not None and most is not None:
            return f"From {least} to {most}."
        return f"At least {least}." if least is not None else f"At most {most}." if most is not None else ""

    def text(self, value: Any) -> str:
        return json.dumps(value)

    def value(self, said: str) -> Any:
        if not said.strip():
            return None
        try:
            number = json.loads(said)
        except ValueError:
            number = None
        if not self.fits(number) or not abs(number) < 2**63:
            raise ValueError(f"“{said}” is not a number")
        return number


class Switch(Input):
    choices = [UNSET, ("true", "Yes"), ("false", "No")]  # noqa: RUF012

    def fits(self, value: Any) -> bool:
        return isinstance(value, bool)

    def field(self, value: Any) -> forms.Field:
        return forms.ChoiceField(choices=self.choices)

    def text(self, value: Any) -> str:
        return str(value).lower()

    def value(self, said: str) -> Any:
        return {"true": True, "false": False}.get(said)


class Choice(Input):
    """A value that is no longer allowed stays to be seen until another is chosen."""

    def fits(self, value: Any) -> bool:
        return isinstance(value, str | int | float) and not isinstance(value, bool)

    def field(self, value: Any) -> forms.Field:
        return forms.ChoiceField(choices=[UNSET, *((str(each), str(each)) for each in self._all(value))])

    def _all(self, value: Any) -> list[Any]:
        allowed = list(self.definition["enum"])
        return allowed if value is None or value in allowed else [*allowed, value]

    def text(self, value: Any) -> str:
        return str(value)

    def value(self, said: str) -> Any:
        return next((each for each in self.definition["enum"] if str(each) == said), said or None)


class Choices(Input):
    def fits(self, value: Any) -> bool:
        return isinstance(value, list) and all(each in self._allowed for each in value)

    @property
    def _allowed(self) -> list[Any]:
        return list(self.definition["items"]["enum"])

    def field(self, value: Any) -> forms.Field:
        choices = [(str(each), str(each)) for each in self._allowed]
        return forms.MultipleChoiceField(choices=choices, widget=forms.CheckboxSelectMultiple)

    def text(self, value: Any) -> list[str]:
        return [str(each) for each in value]

    def value(self, said: Sequence[str]) -> Any:
        return [each for each in self._allowed if str(each) in said] or None


class Lines(Input):
    def fits(self, value: Any) -> bool:
        return isinstance(value, list) and all(
            isinstance(each, str) and each.strip() == each != "" and "\n" not in each for each in value
        )

    def field(self, value: Any) -> forms.Field:
        return forms.CharField(strip=False, widget=forms.Textarea(attrs={"rows": 3}), help_text="One a line.")

    def text(self, value: Any) -> str:
        return "\n".join(value)

    def value(self, said: str) -> Any:
        return [line.strip() for line in said.splitlines() if line.strip()] or None


class Moment(Input):
    def fits(self, value: Any) -> bool:
        try:
            moment = datetime.fromisoformat(value)
        except (TypeError, ValueError):
            return False
        return moment.tzinfo is not None

    def field(self, value: Any) -> forms.Field:
        widget = forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
        return forms.CharField(widget=widget, help_text=f"Time zone: {zone_name()}.")

    def text(self, value: Any) -> str:
        return timezone.localtime(datetime.fromisoformat(value)).strftime("%Y-%m-%dT%H:%M")

    def value(self, said: str) -> Any:
        if not said:
            return None
        try:
            moment = timezone.make_aware(datetime.fromisoformat(said))
            return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        except ValueError as error:
            raise ValueError(f"“{said}” is not a date and a time") from error


class AsJson(Input):
    def fits(self, value: Any) -> bool:
        return True

    def field(self, value: Any) -> forms.Field:
        attrs = {"rows": 5, "spellcheck": "false", "class": "mono"}
        return forms.CharField(strip=False, widget=forms.Textarea(attrs=attrs), help_text="As JSON.")

    def text(self, value: Any) -> str:
        return json.dumps(value, indent=2, ensure_ascii=False)

    def value(self, said: str) -> Any:
        if not said.strip():
            return None
        try:
            return json.loads(said)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"is not JSON: {error}") from error


def input_of(definition: Json, value: Any = None) -> Input:
    """The input of a property that holds `value`."""
    usual = _usual(definition)
    return usual if value is None or usual.fits(value) else AsJson(definition)


def _usual(definition: Json) -> Input:
    kind, form = definition.get("type"), definition.get("format")
    items = definition.get("items") or {}
    if definition.get("enum"):
        return Choice(definition)
    if kind == "array":
        if items.get("enum"):
            return Choices(definition)
        return Lines(definition) if items.get("type", "string") == "string" else AsJson(definition)
    if kind in ("number", "boolean"):
        return Number(definition) if kind == "number" else Switch(definition)
    if kind == "object":
        return AsJson(definition)
    if form in ("date-time", "timer"):
        return Moment(definition)
    if form in LONG or definition.get("spec") in ("open-api", "async-api"):
        return Text(definition)
    return Line(definition)
