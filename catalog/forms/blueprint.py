"""The blueprint editor: a form, or the same as JSON. Both end in one definition for the command."""

import json
from collections.abc import Sequence
from typing import Any

from django import forms
from django.forms import formset_factory

from catalog import kinds
from catalog.forms.computed import FORMS, paths_offered, rows_of
from catalog.forms.rows import Rows
from catalog.icons import ICONS
from catalog.models import Blueprint
from catalog.schema.types import BY_KEY, COLOURS, TYPES, type_of
from portal.kit import jsontext
from portal.kit.errors import Invalid, PortalError
from portal.kit.forms import refuse, sentence

Json = dict[str, Any]


# The plain ones first; the order of TYPES says who owns a definition.
PLAIN = ("text", "number", "boolean", "enum", "url", "date-time", "user", "team", "array", "object")
OFFERED = [(each.key, each.label) for each in sorted(TYPES, key=lambda each: (*PLAIN, each.key).index(each.key))]


class BlueprintForm(forms.Form):
    identifier = forms.CharField(max_length=100, help_text="What the API calls it, such as service. It stays.")
    title = forms.CharField(max_length=100)
    description = forms.CharField(max_length=200, required=False)
    icon = forms.CharField(
        max_length=100,
        required=False,
        help_text="A name such as Cluster, Database or Docs; others are kept, and show a box.",
        widget=forms.TextInput(attrs={"list": "icons", "autocomplete": "off"}),
    )


class PropertyForm(forms.Form):
    name = forms.CharField(label="Identifier", max_length=100)
    title = forms.CharField(max_length=100, required=False)
    type = forms.ChoiceField(choices=OFFERED, initial="text")
    description = forms.CharField(max_length=1000, required=False)
    enum = forms.CharField(
        label="Values",
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "placeholder": "one a line, such as\nproduction: red"}),
    )
    required = forms.BooleanField(required=False)

    def clean(self) -> Json:
        data = super().clean() or self.cleaned_data
        if data.get("type") == "enum" and not (data.get("enum") or "").strip():
            self.add_error("enum", "An enum needs its values, one a line.")
        return data

    def definition(self, old: Json) -> Json:
        """`old` keeps whatever the form does not show, as long as the type stays."""
        data = self.cleaned_data
        kind = BY_KEY[data["type"]]
        stays = bool(old) and type_of(old).key == kind.key
        made = dict(old) if stays else {key: old[key] for key in ("icon",) if key in old} | kind.definition()
        for key in ("title", "description"):
            made.pop(key, None)
            if data[key].strip():
                made[key] = data[key].strip()
        return made | values_of(data["enum"], made["type"]) if kind.key == "enum" else made


class RelationForm(forms.Form):
    name = forms.CharField(label="Identifier", max_length=100)
    title = forms.CharField(max_length=100, required=False)
    target = forms.ChoiceField()
    many = forms.BooleanField(label="To many", required=False)
    required = forms.BooleanField(required=False)

    def __init__(self, *args: Any, targets: list[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["target"].choices = [("", "Choose a blueprint"), *targets]  # type: ignore[attr-defined]

    def definition(self, old: Json) -> Json:
        data = self.cleaned_data
        made = {key: value for key, value in old.items() if key != "title"}
        made |= {"title": data["title"].strip()} if data["title"].strip() else {}
        return made | {name: data[name] for name in ("target", "many", "required")}


PropertyRows = formset_factory(PropertyForm, formset=Rows, extra=1, can_delete=True, can_order=True)
RelationRows = formset_factory(RelationForm, formset=Rows, extra=1, can_delete=True, can_order=True)
# Fields by the last part of the path that a fault is told at, where they have other names.
FIELDS = {
    "enumColors": "enum",
    "colors": "colours",
    "format": "type",
    "func": "measure",
    "averageOf": "unit",
    "measureTimeBy": "time",
    "pathFilter": "path",
}


class FormEditor:
    """Several forms that are one blueprint. `among`: all blueprints."""

    template = "admin/catalog/blueprint/form.html"

    def __init__(self, posted: Any, blueprint: Blueprint | None, among: Sequence[Blueprint]) -> None:
        targets = [(each.identifier, each.title) for each in among]
        self.icons = sorted(ICONS)
        self.paths = paths_offered(blueprint, {each.identifier: each for each in among})
        self.rows: dict[str, forms.Form] = {}  # by the path that the command calls them
        self.start: Json = blueprint.facts() if blueprint else {}
        self.declared: Json = blueprint.properties if blueprint else {}
        self.relations_before: Json = blueprint.relations if blueprint else {}
        self.form = BlueprintForm(posted, initial=self.start)
        if blueprint:
            self.form.fields["identifier"].widget.attrs["readonly"] = True
        required = self.start.get("schema", {}).get("required", [])
        rows = [_property_row(name, each, name in required) for name, each in self.declared.items()]
        self.properties: Any = PropertyRows(posted, prefix="properties", initial=None if posted else rows)
        for row in self.properties.forms:
            # What came with the portal would be back at once.
            row.fields["DELETE"].disabled = is_base(blueprint, row["name"].value())
        rows = [{"name": name, **each} for name, each in self.relations_before.items()]
        self.relations: Any = RelationRows(
            posted, prefix="relations", initial=None if posted else rows, form_kwargs={"targets": targets}
        )
        self.computed = {group: rows_of(group, self.start.get(group) or {}, posted, targets) for group in FORMS}

    @property
    def mirrors(self) -> Any:
        return self.computed["mirrorProperties"]

    @property
    def calculations(self) -> Any:
        return self.computed["calculationProperties"]

    @property
    def aggregations(self) -> Any:
        return self.computed["aggregationProperties"]

    def is_valid(self) -> bool:
        checked = [part.is_valid() for part in (self.form, self.properties, self.relations, *self.computed.values())]
        return all(checked)

    def definition(self) -> Json:
        rows, arrows = self.properties.kept(), self.relations.kept()
        self.rows = {f"schema.properties.{_name(row)}": row for row in rows} | {
            f"relations.{_name(row)}": row for row in arrows
        }
        made: Json = {}
        for group, formset in self.computed.items():
            old, kept = self.start.get(group) or {}, formset.kept()
            self.rows |= {f"{group}.{_name(row)}": row for row in kept}
            made[group] = {_name(row): row.definition(old.get(_name(row), {})) for row in kept}
        return (
            self.start
            | self.form.cleaned_data
            | made
            | {
                "schema": {
                    "properties": {_name(row): row.definition(self.declared.get(_name(row), {})) for row in rows},
                    "required": [_name(row) for row in rows if row.cleaned_data["required"]],
                },
                "relations": {_name(row): row.definition(self.relations_before.get(_name(row), {})) for row in arrows},
            }
        )

    def refuse(self, error: PortalError) -> None:
        """Each fault goes to the row and the field it is about."""
        left = []
        for fault in error.details.get("errors") or [{"path": "", "message": error.message}]:
            if not self._refuse_row(fault):
                left.append(fault)
        if left:
            refuse(self.form, Invalid.of(left))

    def _refuse_row(self, fault: dict[str, str]) -> bool:
        for path, row in self.rows.items():
            if f"{fault['path']}.".startswith(f"{path}."):
                parts = [FIELDS.get(part, part) for part in fault["path"].removeprefix(path).split(".")]
                row.add_error(next((part for part in parts if part in row.fields), "name"), sentence(fault["message"]))
                return True
        return False


class JsonEditor:
    """The definition as the API takes it: also mirror, calculation and aggregation properties."""

    template = "admin/catalog/blueprint/json.html"

    def __init__(self, posted: Any, blueprint: Blueprint | None, among: Sequence[Blueprint]) -> None:
        self.form = JsonForm(posted, initial={"definition": _pretty(blueprint)})

    def is_valid(self) -> bool:
        return self.form.is_valid()

    def definition(self) -> Json:
        read: Json = self.form.cleaned_data["definition"]
        return read

    def refuse(self, error: PortalError) -> None:
        for fault in error.details.get("errors") or [{"path": "", "message": error.message}]:
            where = f"{fault['path']}: " if fault["path"] else ""
            self.form.add_error("definition", f"{where}{fault['message']}")


class JsonForm(forms.Form):
    definition = forms.CharField(widget=forms.Textarea(attrs={"spellcheck": "false"}))

    def clean_definition(self) -> Json:
        try:
            return jsontext.read_object(self.cleaned_data["definition"])
        except Invalid as error:
            raise forms.ValidationError(sentence(error.details["errors"][0]["message"])) from error


def values_of(text: str, kind: str) -> Json:
    """`production: red` on each line; the colour may be left out."""
    values: list[Any] = []
    colours: dict[str, str] = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        value, _, colour = line.rpartition(":")
        if colour.strip() not in COLOURS or not value.strip():
            value, colour = line, ""
        values.append(_number(value.strip()) if kind == "number" else value.strip())
        if colour:
            colours[value.strip()] = colour.strip()
    return {"enum": values, "enumColors": colours}


def _number(text: str) -> Any:
    try:
        return BY_KEY["number"].parse(text)
    except ValueError:
        return text  # the command says what is wrong with it


def _property_row(name: str, definition: Json, required: bool) -> Json:
    colours = definition.get("enumColors") or {}
    lines = [
        f"{value}: {colours[str(value)]}" if str(value) in colours else str(value)
        for value in definition.get("enum", [])
    ]
    return {
        "name": name,
        "title": definition.get("title") or "",
        "type": type_of(definition).key,
        "description": definition.get("description") or "",
        "enum": "\n".join(lines),
        "required": required,
    }


def _name(row: Any) -> str:
    name: str = row.cleaned_data["name"]
    return name


def _pretty(blueprint: Blueprint | None) -> str:
    empty: Json = {"identifier": "", "title": "", "schema": {"properties": {}, "required": []}, "relations": {}}
    shown = empty
    if blueprint:
        facts = blueprint.facts() | {"schema": blueprint.schema | {"properties": blueprint.properties}}
        shown = {key: value for key, value in facts.items() if value is not None}
    return json.dumps(shown, indent=2, ensure_ascii=False)


def is_base(blueprint: Blueprint | None, name: str) -> bool:
    """Whether the property came with the portal, and therefore stays."""
    kind = kinds.kind(blueprint.identifier) if blueprint else None
    return bool(kind and name in kind.definition["schema"]["properties"])
