"""The fields of an entity's forms, and the way from what somebody typed into them to what is wished."""

from typing import Any

from django import forms

from catalog import kinds, permissions, queries
from catalog.forms.inputs import Input, input_of
from catalog.models import Blueprint, Entity
from portal.accounts.models import Team, User
from portal.kit.by import By
from portal.kit.errors import Invalid

Json = dict[str, Any]

# What a field's name begins with: a property's, and a relation's.
P, R = "p-", "r-"
MOST_OFFERED = 200


def typed(blueprint: Blueprint) -> dict[str, Json]:
    """The definitions of what people type: neither true by the clock alone nor kept up by the kind's owner."""
    owner, kind = kinds.live(blueprint), kinds.kind(blueprint.identifier)
    kept = (owner.properties if owner else frozenset()) | (kind.told if kind else frozenset())
    return {name: each for name, each in blueprint.properties.items() if name not in kept}


def title_field(title: str) -> forms.Field:
    widget = forms.TextInput(attrs={"autocomplete": "off"})
    return forms.CharField(required=False, max_length=1000, initial=title, widget=widget)


def team_field(teams: list[str]) -> forms.Field | None:
    """None where there is no team to choose."""
    known = list(Team.objects.values_list("identifier", flat=True))
    choices = [(each, each) for each in [*known, *(each for each in teams if each not in known)]]
    if not choices:
        return None
    widget = forms.CheckboxSelectMultiple
    return forms.MultipleChoiceField(required=False, choices=choices, initial=teams, widget=widget)


def property_field(name: str, definition: Json, value: Any) -> tuple[Input, forms.Field]:
    kind = input_of(definition, value)
    field = kind.field(value)
    field.label = definition.get("title") or name
    field.required = False
    field.help_text = " ".join(filter(None, [definition.get("description"), str(field.help_text)]))
    field.initial = "" if value is None else kind.text(value)
    return kind, field


def relation_field(name: str, declared: Json, value: str | list[str] | None) -> forms.Field:
    said = ", ".join(value) if isinstance(value, list) else value or ""
    several = "Identifiers, with commas between." if declared.get("many") else ""
    attrs = {"autocomplete": "off", "list": f"offered-{declared['target']}", "class": "mono"}
    return forms.CharField(
        required=False,
        label=declared.get("title") or name,
        initial=said,
        widget=forms.TextInput(attrs=attrs),
        help_text=" ".join(filter(None, [declared.get("description"), several])),
    )


def said_value(kind: Input, name: str, said: Any) -> Any:
    """Raises Invalid at the property with what would be right."""
    try:
        return kind.value(said)
    except ValueError as error:
        raise Invalid.at(f"properties.{name}", str(error)) from error


def said_targets(said: str) -> tuple[str, ...]:
    return tuple(each.strip() for each in said.split(",") if each.strip())


def offered(by: By, definitions: list[Json]) -> list[tuple[str, list[str]]]:
    """For each datalist that properties or relations like these use what it offers."""
    targets = {each["target"] for each in definitions if "target" in each}
    lists = [(f"offered-{target}", _identifiers(by, target)) for target in sorted(targets)]
    formats = {each.get("format") for each in definitions}
    if "user" in formats:
        people = User.objects.filter(is_active=True).values_list("email", flat=True)
        lists.append(("people", list(people[:MOST_OFFERED])))
    if "team" in formats:
        lists.append(("teams", list(Team.objects.values_list("identifier", flat=True)[:MOST_OFFERED])))
    return lists


def _identifiers(by: By, blueprint: str) -> list[str]:
    rows = permissions.readable(by, Entity.objects.filter(blueprint__identifier=blueprint)).order_by("identifier")
    return list(rows.values_list("identifier", flat=True)[:MOST_OFFERED])


def value_of(entity: Entity, name: str) -> Any:
    """What is stored in a field: of a property, a relation, the title or the team."""
    if name.startswith(P):
        return entity.properties.get(name.removeprefix(P))
    if name.startswith(R):
        return queries.relations_of(entity).get(name.removeprefix(R))
    return list(entity.team) if name == "team" else entity.title
