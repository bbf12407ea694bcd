"""Rows of the blueprint editor for what the portal computes: mirrors, calculations and aggregations."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django import forms
from django.forms import formset_factory

from catalog.forms.rows import Rows
from catalog.models import Blueprint
from catalog.schema.paths import META
from catalog.schema.types import BY_KEY, TYPES, type_of

Json = dict[str, Any]

# A timer and the name of a blueprint are not computed, a spec and an enum say more than a value's type.
KINDS = [each for each in TYPES if not each.spec and each.key not in ("enum", "timer", "blueprints")]
MEASURES = [
    ("entities:count", "how many there are"),
    ("entities:average", "how many there are, on average"),
    ("property:sum", "the sum of a property"),
    ("property:average", "the average of a property"),
    ("property:min", "the least of a property"),
    ("property:max", "the greatest of a property"),
    ("property:median", "the middle of a property"),
]
UNITS = [
    ("total", "of all"),
    ("hour", "per hour"),
    ("day", "per day"),
    ("week", "per week"),
    ("month", "per month of 30 days"),
]
MOST_PATHS = 500


def _area(rows: int, placeholder: str = "") -> forms.Textarea:
    return forms.Textarea(attrs={"rows": rows, "spellcheck": "false", "placeholder": placeholder})


def _mono(placeholder: str = "", **attrs: str) -> forms.TextInput:
    return forms.TextInput(attrs={"spellcheck": "false", "placeholder": placeholder, "class": "mono"} | attrs)


class ComputedForm(forms.Form):
    """`definition(old)`: as the API takes it, with whatever of `old` the form does not show."""

    name = forms.CharField(label="Identifier", max_length=100)
    title = forms.CharField(max_length=100, required=False)

    def titled(self, made: Json) -> Json:
        title = self.cleaned_data["title"].strip()
        return made | {"title": title} if title else {key: value for key, value in made.items() if key != "title"}


class MirrorForm(ComputedForm):
    path = forms.CharField(
        widget=_mono("relation.property", list="mirror-paths"),
        help_text="Relations, then a property of what they lead to, with dots between.",
    )

    def definition(self, old: Json) -> Json:
        return self.titled(old | {"path": self.cleaned_data["path"].strip()})

    @staticmethod
    def row(name: str, declared: Json) -> Json:
        return {"name": name, "title": declared.get("title") or "", "path": declared["path"]}


class CalculationForm(ComputedForm):
    type = forms.ChoiceField(choices=[(each.key, each.label) for each in KINDS], initial="text")
    calculation = forms.CharField(
        label="Formula, in JQ",
        max_length=10_000,
        widget=_area(3, '"https://grafana.example/d/" + .identifier'),
        help_text="Of .identifier, .title, .team, .properties and .relations of the entity; mirrors and aggregations stand among the properties.",
    )
    colours = forms.CharField(label="Colours", required=False, widget=_area(3, "one a line, such as\nhealthy: green"))

    def definition(self, old: Json) -> Json:
        data = self.cleaned_data
        kind = BY_KEY[data["type"]]
        stays = bool(old) and type_of(old).key == kind.key
        kept = {key: old[key] for key in old if stays or key not in ("type", "format", "spec", "items")}
        made = kept | ({} if stays else kind.definition()) | {"calculation": data["calculation"].strip()}
        if colours := colours_of(data["colours"]):
            made |= {"colorized": True, "colors": colours}
        elif old.get("colors"):
            made = {key: value for key, value in made.items() if key not in ("colorized", "colors")}
        return self.titled(made)

    @staticmethod
    def row(name: str, declared: Json) -> Json:
        return {
            "name": name,
            "title": declared.get("title") or "",
            "type": type_of(declared).key,
            "calculation": declared["calculation"],
            "colours": "\n".join(f"{value}: {colour}" for value, colour in (declared.get("colors") or {}).items()),
        }


class AggregationForm(ComputedForm):
    title = forms.CharField(max_length=100)
    target = forms.ChoiceField(label="Of which blueprint")
    measure = forms.ChoiceField(label="What is told", choices=MEASURES, initial="entities:count")
    property = forms.CharField(label="Property of the target", required=False, widget=_mono())
    unit = forms.ChoiceField(label="Average", choices=UNITS, initial="total", required=False)
    time = forms.CharField(label="By the date", required=False, widget=_mono("$createdAt"))
    path = forms.CharField(
        label="Only along the path",
        required=False,
        widget=_mono("relation.relation"),
        help_text="Empty: whatever is related, directly or not, either way.",
    )
    against = forms.BooleanField(label="The path begins at the target", required=False)
    query = forms.CharField(
        label="Only those that match, in JSON",
        required=False,
        widget=_area(
            3, '{"combinator": "and", "rules": [{"property": "status", "operator": "=", "value": "success"}]}'
        ),
    )

    def __init__(self, *args: Any, targets: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [("", "Choose a blueprint"), *targets]  # type: ignore[attr-defined]

    def clean_query(self) -> Json | None:
        text = self.cleaned_data["query"].strip()
        try:
            read = json.loads(text) if text else None
        except (ValueError, RecursionError) as error:
            raise forms.ValidationError(f"This is not JSON: {error}.") from error
        if read is not None and not isinstance(read, dict):
            raise forms.ValidationError("A query is a JSON object.")
        return read

    def definition(self, old: Json) -> Json:
        data = self.cleaned_data
        made = old | {"target": data["target"], "calculationSpec": self._spec()}
        made = self.titled(made | {"query": data["query"], "pathFilter": self._chains(old)})
        return {key: value for key, value in made.items() if value is not None or key in old}

    def _spec(self) -> Json:
        data = self.cleaned_data
        by, function = data["measure"].split(":")
        spec = {"calculationBy": by, "func": function}
        if by == "property":
            spec |= {"property": data["property"].strip()} if data["property"].strip() else {}
        if function == "average":
            spec |= {"averageOf": data["unit"] or "total"}
            spec |= {"measureTimeBy": data["time"].strip()} if data["time"].strip() else {}
        return spec

    def _chains(self, old: Json) -> list[Json] | None:
        steps = [each.strip() for each in self.cleaned_data["path"].split(".") if each.strip()]
        if not steps:
            return [] if old.get("pathFilter") == [] else None
        return [
            {"path": steps} | ({"fromBlueprint": self.cleaned_data["target"]} if self.cleaned_data["against"] else {})
        ]

    @staticmethod
    def row(name: str, declared: Json) -> Json:
        spec, chains = declared["calculationSpec"], declared.get("pathFilter") or [{}]
        query = declared.get("query")
        return {
            "name": name,
            "title": declared.get("title") or "",
            "target": declared["target"],
            "measure": f"{spec['calculationBy']}:{spec['func']}",
            "property": spec.get("property", ""),
            "unit": spec.get("averageOf", "total"),
            "time": spec.get("measureTimeBy", ""),
            "path": ".".join(chains[0].get("path", [])),
            "against": chains[0].get("fromBlueprint") == declared["target"],
            "query": _said(query) if query else "",
        }


def _said(query: Json) -> str:
    """On one line where it fits in the field."""
    ordered = {key: query[key] for key in sorted(query)}  # jsonb puts the short keys first
    text = json.dumps(ordered, ensure_ascii=False)
    return text if len(text) <= 160 else json.dumps(ordered, indent=2, ensure_ascii=False)


# By the group in a definition.
FORMS: dict[str, type[ComputedForm]] = {
    "mirrorProperties": MirrorForm,
    "calculationProperties": CalculationForm,
    "aggregationProperties": AggregationForm,
}


def rows_of(group: str, declared: Json, posted: Any, targets: list[tuple[str, str]]) -> Any:
    form: Any = FORMS[group]
    made = formset_factory(form, formset=Rows, extra=1, can_delete=True)
    rows = [form.row(name, each) for name, each in sorted(declared.items())]
    more: Json = {"targets": targets} if form is AggregationForm else {}
    return made(posted, prefix=group, initial=None if posted else rows, form_kwargs=more)


def colours_of(text: str) -> dict[str, str]:
    """`healthy: green` on each line; a colour that there is not is left to the command to refuse."""
    found = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        value, _, colour = line.rpartition(":")
        found[value.strip() or line] = colour.strip() if value.strip() else ""
    return found


def paths_offered(blueprint: Blueprint | None, among: Mapping[str, Blueprint]) -> list[str]:
    """Paths of mirrors along one relation and along two, the short ones first."""
    own = blueprint.relations if blueprint else {}
    near = [(relation, among[each["target"]]) for relation, each in own.items() if each["target"] in among]
    far = [
        (f"{relation}.{name}", among[each["target"]])
        for relation, there in near
        for name, each in there.relations.items()
        if each["target"] in among
    ]
    return [path for way in (near, far) for path in _ends(way)][:MOST_PATHS]


def _ends(ways: list[tuple[str, Blueprint]]) -> Iterator[str]:
    for relation, there in ways:
        for name in ["$title", *there.declared, *sorted(META - {"$title"})]:
            yield f"{relation}.{name}"
