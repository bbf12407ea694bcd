"""The form of an entity, made from its blueprint. It sends only what somebody changed."""

import json
from typing import Any

from django import forms

from catalog import queries, wishes
from catalog.commands import entity_write
from catalog.forms import fields
from catalog.forms.fields import P, R
from catalog.forms.inputs import Input
from catalog.models import Blueprint, Entity
from catalog.wishes import Wish
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.errors import Conflict, PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]


class EntityForm(forms.Form):
    """Of an entity, or of a new one. `save` answers the entity, or None with what is wrong on the form."""

    template = "catalog/entity_form.html"

    def __init__(self, data: Any, blueprint: Blueprint, entity: Entity | None, *, by: By) -> None:
        super().__init__(data, use_required_attribute=False)
        self.blueprint, self.entity, self.by = blueprint, entity, by
        self.inputs: dict[str, Input] = {}
        self.relations = queries.relations_of(entity) if entity else {}
        self._add_head()
        for name, definition in fields.typed(blueprint).items():
            value = entity.properties.get(name) if entity else definition.get("default")
            self.inputs[name], self.fields[P + name] = fields.property_field(name, definition, value)
        for name, declared in blueprint.relations.items():
            self.fields[R + name] = fields.relation_field(name, declared, self.relations.get(name))
        self.fields["seen"] = forms.CharField(required=False, widget=forms.HiddenInput, initial=seen(entity))

    def _add_head(self) -> None:
        entity = self.entity
        self.fields["title"] = fields.title_field(entity.title if entity else "")
        self.fields["identifier"] = forms.CharField(
            required=False,
            max_length=1000,
            initial=entity.identifier if entity else "",
            widget=forms.TextInput(attrs={"autocomplete": "off", "class": "mono"}),
            help_text="" if entity else "Made from the title when it is left empty. Programs use it.",
        )
        team = fields.team_field(list(entity.team) if entity else [])
        if team:
            self.fields["team"] = team

    # What the template asks.
    @property
    def groups(self) -> list[tuple[str, list[Any]]]:
        head = [self[name] for name in ("title", "identifier", "team") if name in self.fields]
        own = [self[name] for name in self.fields if name.startswith(P)]
        arrows = [self[name] for name in self.fields if name.startswith(R)]
        return [each for each in [("", head), ("Properties", own), ("Relations", arrows)] if each[1]]

    @property
    def needed(self) -> set[str]:
        required = {P + name for name in self.blueprint.schema.get("required", [])}
        return required | {R + name for name, each in self.blueprint.relations.items() if each.get("required")}

    @property
    def kept(self) -> list[str]:
        """What is shown of the entity and cannot be typed here."""
        blueprint = self.blueprint
        hidden = blueprint.declared.keys() - fields.typed(blueprint).keys()
        return [each.get("title") or name for name, each in blueprint.declared.items() if name in hidden]

    @property
    def offered(self) -> list[tuple[str, list[str]]]:
        return fields.offered(self.by, [*self.blueprint.properties.values(), *self.blueprint.relations.values()])

    def save(self) -> Entity | None:
        try:
            wish = self._wish()
            return entity_write(wish, by=self.by) if wish else self.entity
        except PortalError as error:
            refuse_entity(self, error)
            return None

    def _wish(self) -> Wish | None:
        """None when nothing was changed."""
        said = self.cleaned_data
        changed = set(self.changed_data) - {"seen"}
        if self.entity and not changed:
            return None
        properties = {
            name: fields.said_value(kind, name, said[P + name])
            for name, kind in self.inputs.items()
            if self._tells(P + name, changed)
        }
        relations = {
            name: fields.said_targets(said[R + name])
            for name in self.blueprint.relations
            if self._tells(R + name, changed)
        }
        identifier = said["identifier"].strip()
        given = {"properties", "relations", *({"title", "team"} & changed)}
        return Wish(
            blueprint=self.blueprint.identifier,
            identifier=self.entity.identifier
            if self.entity
            else identifier or named_after(said["title"], self.blueprint),
            mode="patch" if self.entity else "create",
            rename=wishes.checked(identifier) if self.entity and identifier != self.entity.identifier else "",
            title=said["title"].strip(),
            team=tuple(said.get("team") or ()),
            properties=properties,
            relations=relations,
            given=frozenset(given),
            seen=said["seen"],
        )

    def _tells(self, field: str, changed: set[str]) -> bool:
        """A new entity is told all that is filled in; another only what was changed."""
        return field in changed if self.entity else bool(self.cleaned_data.get(field))


class EntityJson(forms.Form):
    """The same as JSON, as the API would be sent it: what is left out goes."""

    template = "catalog/entity_form.html"
    body = forms.CharField(
        label="The entity as JSON",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 24, "spellcheck": "false", "class": "mono"}),
    )
    seen = forms.CharField(required=False, widget=forms.HiddenInput)

    def __init__(self, data: Any, blueprint: Blueprint, entity: Entity | None, *, by: By) -> None:
        body = _body(entity) if entity else {"identifier": "", "title": "", "properties": {}, "relations": {}}
        initial = {"body": json.dumps(body, indent=2, ensure_ascii=False), "seen": seen(entity)}
        super().__init__(data, initial=initial)
        self.blueprint, self.entity, self.by = blueprint, entity, by

    def save(self) -> Entity | None:
        try:
            body = jsontext.read_object(self.cleaned_data["body"])
            identifier = self.entity.identifier if self.entity else ""
            mode: wishes.Mode = "replace" if self.entity else "create"
            wish = wishes.parse(self.blueprint.identifier, body, mode=mode, identifier=identifier)
            return entity_write(wishes.unless_changed(wish, self.cleaned_data["seen"]), by=self.by)
        except PortalError as error:
            refuse(self, error)
            return None


def seen(entity: Entity | None) -> str:
    return entity.updated_at.isoformat() if entity else ""


def named_after(title: str, blueprint: Blueprint) -> str:
    """`Order history!` becomes `order-history`; a title without letters leaves it to the portal."""
    words = "".join(c if c.isalnum() else " " for c in title.casefold()).split()
    name = "-".join(words)[:200]
    return wishes.checked(name) if name else ""


def refuse_entity(form: forms.BaseForm, error: PortalError) -> None:
    """Each fault to its field: `properties.tags.0` belongs to the tags."""
    paths = [fault["path"] for fault in error.details.get("errors", [])]
    fields = {path: _field(path) for path in paths}
    if isinstance(error, Conflict) and error.code == "identifier_taken" and "identifier" in form.fields:
        form.add_error("identifier", error.message)
        return
    refuse(form, error, fields)


def _field(path: str) -> str:
    group, _, name = path.partition(".")
    prefix = {"properties": P, "relations": R}.get(group)
    return prefix + name.split(".")[0] if prefix else path


def _body(entity: Entity) -> Json:
    facts = entity.facts(queries.relations_of(entity))
    return {name: value for name, value in facts.items() if value is not None}
