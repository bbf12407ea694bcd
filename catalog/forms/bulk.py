"""The form that changes many entities at once: what is ticked is set, the rest stays."""

from typing import Any

from django import forms

from catalog.forms import fields
from catalog.forms.entity import refuse_entity
from catalog.forms.fields import P, R
from catalog.forms.inputs import Input
from catalog.models import Blueprint
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.errors import PortalError

Json = dict[str, Any]


class BulkForm(forms.Form):
    set = forms.MultipleChoiceField(
        error_messages={"required": "Tick what is to be set. What is ticked and left empty is cleared."}
    )

    def __init__(self, data: Any, blueprint: Blueprint, *, by: By) -> None:
        super().__init__(data, use_required_attribute=False)
        self.blueprint, self.by = blueprint, by
        self.inputs: dict[str, Input] = {}
        team = fields.team_field([])
        if team:
            self.fields["team"] = team
        for name, definition in fields.typed(blueprint).items():
            self.inputs[name], self.fields[P + name] = fields.property_field(name, definition, None)
        for name, declared in blueprint.relations.items():
            self.fields[R + name] = fields.relation_field(name, declared, None)
        self.fields["set"].choices = [(name, name) for name in self.fields if name != "set"]  # type: ignore[attr-defined]

    @property
    def lines(self) -> list[tuple[Any, bool]]:
        """Each field, and whether it is ticked."""
        ticked = self["set"].value() or []
        return [(self[name], name in ticked) for name in self.fields if name != "set"]

    @property
    def offered(self) -> list[tuple[str, list[str]]]:
        return fields.offered(self.by, [*fields.typed(self.blueprint).values(), *self.blueprint.relations.values()])

    def wish(self) -> Wish | None:
        """What is wished of each entity, whose name is still to come; None with what is wrong on the form."""
        said = self.cleaned_data
        ticked = said["set"]
        try:
            properties = {
                name: fields.said_value(kind, name, said[P + name])
                for name, kind in self.inputs.items()
                if P + name in ticked
            }
        except PortalError as error:
            refuse_entity(self, error)
            return None
        relations = {
            name: fields.said_targets(said[R + name]) for name in self.blueprint.relations if R + name in ticked
        }
        given = {"properties", "relations", *({"team"} & set(ticked))}
        return Wish(
            blueprint=self.blueprint.identifier,
            identifier="",
            mode="patch",
            team=tuple(said.get("team") or ()),
            properties=properties,
            relations=relations,
            given=frozenset(given),
        )
