"""One value of an entity, changed where it stands in a table."""

import json
from dataclasses import replace
from typing import Any

from django import forms

from catalog import permissions, queries
from catalog.commands import entity_write
from catalog.forms import fields
from catalog.forms.entity import refuse_entity, seen
from catalog.forms.fields import P, R
from catalog.forms.inputs import Input
from catalog.models import Entity
from catalog.search.values import RELATIONS
from catalog.wishes import Wish
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, PortalError, Refused

Json = dict[str, Any]

KEPT = "The portal keeps this value by itself."
COMPUTED = "This value is computed from others, so it is not typed."
LIVE = "This follows from what stands behind it, such as a lock or a deployment, so it is not typed."


class CellForm(forms.Form):
    """`was` is the value that the writer saw: somebody else's change of it is not overwritten; of others it does not matter."""

    was = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, entity: Entity, column: str, *, by: By) -> None:
        """Raises Invalid or Refused with the reason where the value cannot be typed."""
        super().__init__(data, auto_id="cell-%s", use_required_attribute=False)
        self.entity, self.by = entity, by
        self.name, self.definition = _field_of(entity, column)
        relations = [column.removeprefix(RELATIONS)] if self.name.startswith(R) else []
        permissions.require_write(
            by,
            "update",
            entity.blueprint,
            teams=queries.owner_teams(entity),
            entity=entity,
            properties=[] if relations else [column],
            relations=relations,
        )
        self.input, self.fields[self.name] = self._made(fields.value_of(entity, self.name))
        self.fields["was"].initial = _said(fields.value_of(entity, self.name))

    def _made(self, value: Any) -> tuple[Input | None, forms.Field]:
        if self.name.startswith(P):
            return fields.property_field(self.name.removeprefix(P), self.definition, value)
        if self.name.startswith(R):
            return None, fields.relation_field(self.name.removeprefix(R), self.definition, value)
        made = fields.team_field(value) if self.name == "team" else fields.title_field(value)
        if made is None:
            raise Invalid.at("team", "there is no team to choose yet")
        return None, made

    @property
    def field(self) -> Any:
        return self[self.name]

    @property
    def offered(self) -> list[tuple[str, list[str]]]:
        return fields.offered(self.by, [self.definition])

    def save(self) -> bool:
        """Whether it is as wished now; else what is wrong stands on the form."""
        try:
            if _said(fields.value_of(self.entity, self.name)) != self.cleaned_data["was"]:
                raise Conflict(f"{self.entity.updated_by} has changed this meanwhile. Press Escape and look again.")
            if self.name in self.changed_data:
                entity_write(replace(self._wish(), seen=seen(self.entity)), by=self.by)
            return True
        except PortalError as error:
            refuse_entity(self, error)
            return False

    def _wish(self) -> Wish:
        said = self.cleaned_data[self.name]
        bare = Wish(self.entity.blueprint.identifier, self.entity.identifier, "patch")
        if self.input:
            name = self.name.removeprefix(P)
            value = fields.said_value(self.input, name, said)
            return replace(bare, properties={name: value}, given=frozenset({"properties"}))
        if self.name.startswith(R):
            relations = {self.name.removeprefix(R): fields.said_targets(said)}
            return replace(bare, relations=relations, given=frozenset({"relations"}))
        if self.name == "team":
            return replace(bare, team=tuple(said), given=frozenset({"team"}))
        return replace(bare, title=said.strip(), given=frozenset({"title"}))


def _field_of(entity: Entity, column: str) -> tuple[str, Json]:
    """The field that a column is typed in, and its definition."""
    blueprint = entity.blueprint
    if column in ("$title", "$team"):
        return column.removeprefix("$"), {}
    if column.startswith(RELATIONS) and column.removeprefix(RELATIONS) in blueprint.relations:
        name = column.removeprefix(RELATIONS)
        return R + name, blueprint.relations[name]
    if column in fields.typed(blueprint):
        return P + column, blueprint.properties[column]
    if column in blueprint.computed_properties:
        raise Refused(COMPUTED)
    raise Refused(LIVE if column in blueprint.properties else KEPT)


def _said(value: Any) -> str:
    return json.dumps(value, sort_keys=True, ensure_ascii=False)
