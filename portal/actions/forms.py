"""The form that asks for a run, made from the inputs that the action declares."""

from typing import Any

from django import forms

from catalog import queries as catalog
from catalog.forms.inputs import Input, input_of
from portal.accounts.models import Team, User
from portal.actions.commands import run_create
from portal.actions.models import Action, Run
from portal.actions.schema.inputs import is_computed
from portal.kit.by import By
from portal.kit.errors import Invalid, Missing, PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

P = "p-"
MOST_OFFERED = 200


class RunForm(forms.Form):
    """`save` answers the run, or None with what is wrong on the form."""

    def __init__(self, data: Any, action: Action, *, by: By, entity: str = "") -> None:
        super().__init__(data, use_required_attribute=False)
        self.action, self.by = action, by
        self.inputs: dict[str, Input] = {}
        if action.needs_entity:
            attrs = {"autocomplete": "off", "list": f"offered-{action.blueprint}", "class": "mono"}
            self.fields["entity"] = forms.CharField(
                label=f"Which {action.blueprint}",
                initial=entity,
                widget=forms.TextInput(attrs=attrs),
                error_messages={"required": f"Name the {action.blueprint} that this is about."},
            )
        for name, definition in action.inputs.items():
            self._add(name, definition)

    def _add(self, name: str, definition: Json) -> None:
        plain = {word: value for word, value in definition.items() if not is_computed(value)}
        default = plain.get("default")
        kind = self.inputs[name] = input_of(plain, default)
        field = kind.field(default)
        field.label, field.required = definition.get("title") or name, False
        field.help_text = " ".join(filter(None, [definition.get("description"), str(field.help_text)]))
        field.initial = "" if default is None else kind.text(default)
        if plain.get("format") == "entity":
            field.widget.attrs |= {"list": f"offered-{plain['blueprint']}", "class": "mono"}
        self.fields[P + name] = field

    @property
    def needed(self) -> set[str]:
        required = (self.action.trigger.get("userInputs") or {}).get("required")
        return {"entity"} | {P + name for name in required} if isinstance(required, list) else {"entity"}

    @property
    def offered(self) -> list[tuple[str, list[str]]]:
        """For each datalist what it offers."""
        named = {each["blueprint"] for each in self.action.inputs.values() if each.get("format") == "entity"}
        named |= {self.action.blueprint} if self.action.needs_entity else set()
        lists = [(f"offered-{blueprint}", self._identifiers(blueprint)) for blueprint in sorted(named)]
        formats = {each.get("format") for each in self.action.inputs.values()}
        if "user" in formats:
            people = User.objects.filter(is_active=True).values_list("email", flat=True)
            lists.append(("people", list(people[:MOST_OFFERED])))
        if "team" in formats:
            lists.append(("teams", list(Team.objects.values_list("identifier", flat=True)[:MOST_OFFERED])))
        return lists

    def _identifiers(self, blueprint: str) -> list[str]:
        try:
            found = catalog.entities(self.by, catalog.blueprint(blueprint))
        except Missing:
            return []
        return list(found.values_list("identifier", flat=True)[:MOST_OFFERED])

    def save(self) -> Run | None:
        said = self.cleaned_data
        try:
            values = {name: self._value(name, each) for name, each in self.inputs.items()}
            given = {name: value for name, value in values.items() if value is not None}
            return run_create(self.action, given, entity=said.get("entity", "").strip(), by=self.by)
        except Missing as error:
            self.add_error("entity" if "entity" in self.fields else None, error.message)
        except PortalError as error:
            paths = [fault["path"] for fault in error.details.get("errors", [])]
            refuse(self, error, {path: _field(path) for path in paths})
        return None

    def _value(self, name: str, kind: Input) -> Any:
        try:
            return kind.value(self.cleaned_data[P + name])
        except ValueError as error:
            raise Invalid.at(f"properties.{name}", str(error)) from error


def _field(path: str) -> str:
    group, _, rest = path.partition(".")
    return P + rest.split(".")[0] if group == "properties" else path
