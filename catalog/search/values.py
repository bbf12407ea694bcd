"""What a query can speak of, as expressions of SQL."""

from decimal import Decimal
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Case, Expression, F, Func, OuterRef, Subquery, Value, When
from django.db.models.functions import Coalesce, Left, Lower

from catalog import kinds
from catalog.models import Blueprint, Entity, shown_title
from catalog.search import standings
from portal.kit.errors import Invalid

Json = dict[str, Any]

# Columns that queries name with a dollar.
TEXTS = {
    "$identifier": "identifier",
    "$title": "title",
    "$icon": "icon",
    "$createdBy": "created_by",
    "$updatedBy": "updated_by",
    "$datasource": "datasource",
    "$blueprint": "blueprint__identifier",
}
INSTANTS = {"$createdAt": "created_at", "$updatedAt": "updated_at"}
TEAM = "$team"
RELATIONS = "relations."
# Texts have no limit, and rows of an index have.
LONGEST_KEY = 200
META = {*TEXTS, *INSTANTS, TEAM}


class _Arrow(Func):
    """`column -> 'key'`. Django's own takes a key of digits for the place in a list."""

    template = "(%(expressions)s::text)"
    arg_joiner = " -> "
    output_field = models.JSONField()


def json_of(name: str, blueprint: Blueprint | None) -> Expression:
    """The JSON value of a property, NULL where there is none. JSON's own null is never stored at this level."""
    owner = kinds.live(blueprint) if blueprint else None
    if blueprint and name in blueprint.derived.get("live", ()):
        raise Invalid.at(
            name,
            "depends on the clock, so it is computed for whoever reads it; nothing is found, sorted or counted by it",
        )
    if owner and name in owner.properties:
        owner = owner.of(name)
        return owner.expression(name) if owner.expression else _Arrow(_live(owner), Value(name))
    stored, computed = _Arrow(F("properties"), Value(name)), _Arrow(F("computed"), Value(name))
    if blueprint is None:
        return Coalesce(stored, computed)
    return computed if name in blueprint.computed_properties else stored


def inherited(blueprint: Blueprint) -> list[str]:
    """The relations along which its entities are owned, empty where it does not inherit."""
    ownership = blueprint.ownership or {}
    return str(ownership.get("path", "")).split(".") if ownership.get("type") == "Inherited" else []


def _live(owner: kinds.Live) -> Expression:
    if not owner.function:
        return Value({}, output_field=models.JSONField())
    return Func(F("pk"), function=owner.function, output_field=models.JSONField())


def containers(name: str, blueprint: Blueprint | None) -> tuple[str, ...]:
    """The columns in which the property may stand; none for a live one."""
    owner = kinds.live(blueprint) if blueprint else None
    if owner and name in owner.properties:
        return ()
    if blueprint is None:
        return ("properties", "computed")
    return ("computed",) if name in blueprint.computed_properties else ("properties",)


def number(value: Expression) -> Func:
    return Func(value, function="pc_num", output_field=models.DecimalField(max_digits=40, decimal_places=20))


def instant(value: Expression) -> Func:
    return Func(value, function="pc_ts", output_field=models.DateTimeField())


def moment(blueprint: Blueprint | None, name: str) -> Expression | F:
    """When something happened: a date property, or $createdAt or $updatedAt."""
    return F(INSTANTS[name]) if name in INSTANTS else instant(json_of(name, blueprint))


def text(value: Expression) -> Func:
    return Func(value, function="pc_text", output_field=models.TextField())


def declared(blueprint: Blueprint, name: str) -> Json:
    """The definition of an own or computed property, a mirror's as what it shows; empty for one that is not declared."""
    if name in blueprint.mirror_properties:
        return dict(blueprint.derived.get("types", {}).get(name) or blueprint.mirror_properties[name])
    if name in blueprint.aggregation_properties:
        return {"type": "number", **blueprint.aggregation_properties[name]}
    for group in (blueprint.schema["properties"], blueprint.calculation_properties):
        if name in group:
            return dict(group[name])
    return {}


def sort_key(blueprint: Blueprint, name: str) -> "Expression | F | Subquery[Any]":
    """What rows are put in order by: numbers by size, dates by time, enums as they were declared, texts whatever their case."""
    if name == "$title":
        return shown_title()
    if name.startswith(RELATIONS):
        # Not by its title: the order would tell the title of one that the viewer may not see.
        return _target(name, Lower(F("identifier")))
    if name == TEAM:
        return Func(F("team"), Value(", "), function="array_to_string", output_field=models.TextField())
    if name in TEXTS:
        return F(TEXTS[name])
    if name in INSTANTS:
        return F(INSTANTS[name])
    if name.startswith(standings.PREFIX):
        return standings.sort_key(blueprint, name)
    definition, value = declared(blueprint, name), json_of(name, blueprint)
    if definition.get("type") == "number":
        return number(value)
    if definition.get("format") in ("date-time", "timer"):
        return instant(value)
    if definition.get("type") == "boolean":
        return _boolean(value)
    if definition.get("enum"):
        return _place(text(value), definition["enum"])
    said: Expression = Lower(text(value))
    return Left(_natural(said) if name.lower().endswith("version") else said, LONGEST_KEY)


def _natural(said: Expression) -> Expression:
    """1.9.0 before 1.10.0: every number stands with ten digits."""
    for pattern, by in ((r"(\d+)", r"000000000\1"), (r"0*(\d{10})", r"\1")):
        said = Func(
            said, Value(pattern), Value(by), Value("g"), function="regexp_replace", output_field=models.TextField()
        )
    return said


def is_countable(blueprint: Blueprint, name: str) -> bool:
    """Texts and booleans: what lists are grouped by."""
    definition = declared(blueprint, name)
    return definition.get("type") in ("string", "boolean") and definition.get("format") not in ("date-time", "timer")


def counting_key(blueprint: Blueprint, name: str) -> Func:
    """The value itself, cut where an index has no room for it."""
    return Func(json_of(name, blueprint), function="pc_share", output_field=models.JSONField())


def _target(name: str, of: Expression | F) -> "Subquery[Any]":
    targets = Entity.objects.filter(
        arrows_in__source=OuterRef("pk"), arrows_in__name=name.removeprefix(RELATIONS)
    ).order_by("arrows_in__position", "arrows_in__id")
    return Subquery(targets.annotate(said=of).values("said")[:1], output_field=models.TextField())


def _boolean(value: Expression) -> Expression:
    places = [
        When(models.Q(_Equals(value, Value(each, models.JSONField()))), then=Value(int(each))) for each in (False, True)
    ]
    return Case(*places, output_field=models.IntegerField())


def _place(value: Expression, allowed: list[Any]) -> Expression:
    listed = Value([str(each) for each in allowed], output_field=text_list())
    return Func(listed, value, function="array_position", output_field=models.IntegerField())


def text_list() -> "ArrayField[Any, Any]":
    return ArrayField(models.TextField())


def amount(value: float) -> Value:
    """A number as SQL sees it: a float's shortest text, so that 0.1 is 0.1."""
    return Value(Decimal(str(value)), output_field=models.DecimalField(max_digits=40, decimal_places=20))


class _Equals(Func):
    template = "%(expressions)s"
    arg_joiner = " = "
    output_field = models.BooleanField()


def share_key(blueprint: Blueprint | None, name: str) -> "Expression | F | Subquery[Any]":
    """What rows are counted by: of a relation, the identifier it points at first."""
    if name.startswith(RELATIONS):
        return _target(name, F("identifier"))
    if name in TEXTS:
        return F(TEXTS[name])
    if name in INSTANTS:
        return F(INSTANTS[name])
    if name.startswith(standings.PREFIX) and blueprint:
        return standings.share_key(blueprint, name)
    return F("team") if name == TEAM else json_of(name, blueprint)
