"""What a computed property is, defined like a stored one: its type, its format, its values and their colours."""

from collections.abc import Mapping

from catalog.compute.graph import is_many, mirrored, on_the_way
from catalog.models import Blueprint, Json

TEXT: Json = {"type": "string"}
INSTANT: Json = {"type": "string", "format": "date-time"}
META: dict[str, Json] = {
    "$createdAt": INSTANT,
    "$updatedAt": INSTANT,
    "$team": {"type": "array", "items": {"type": "string", "format": "team"}},
}
# What the other blueprint says of writing it, or of its place there.
_OWN = {"default", "description"}
# Mirrors of mirrors: beyond, they go round.
DEEPEST = 50


def typed(blueprint: Blueprint, among: Mapping[str, Blueprint]) -> Json:
    """What `Blueprint.derived` keeps of it, so that a table asks no other blueprint: the definitions of its mirrors."""
    types = {name: _mirror(blueprint, name, among) for name in blueprint.mirror_properties}
    return {"types": types} if types else {}


def _mirror(blueprint: Blueprint, name: str, among: Mapping[str, Blueprint], depth: int = 0) -> Json:
    end, last = mirrored(blueprint, name, among)
    if end is None or depth > DEEPEST:
        return TEXT
    if last in end.mirror_properties:
        found = _mirror(end, last, among, depth + 1)
        title = end.mirror_properties[last].get("title")
        found = found | {"title": title} if title else found
    else:
        found = META.get(last) or defined(end, last)
    several = any(is_many(each, relation) for each, relation in on_the_way(blueprint, name, among))
    kept = {key: value for key, value in found.items() if key not in _OWN}
    return _listed(kept) if several else kept


def _listed(definition: Json) -> Json:
    """Lists are laid flat."""
    items = (definition.get("items") or TEXT) if definition["type"] == "array" else definition
    title = {"title": definition["title"]} if "title" in definition else {}
    return {"type": "array", "items": items} | title


def defined(blueprint: Blueprint, name: str) -> Json:
    """The definition of one property, a text where there is none."""
    if name in blueprint.mirror_properties:
        title = blueprint.mirror_properties[name].get("title")
        found: Json = blueprint.derived.get("types", {}).get(name) or {**TEXT, **blueprint.mirror_properties[name]}
        return found | {"title": title} if title else found
    if name in blueprint.aggregation_properties:
        return {"type": "number", **blueprint.aggregation_properties[name]}
    if name in blueprint.calculation_properties:
        return _coloured(blueprint.calculation_properties[name])
    return dict(blueprint.properties.get(name, TEXT))


def _coloured(declared: Json) -> Json:
    """A formula's colours are those of an enum, whose values are the ones that have a colour."""
    colours = declared.get("colors")
    if not colours or declared["type"] not in ("string", "number"):
        return dict(declared)
    values = [_number(each) for each in colours] if declared["type"] == "number" else list(colours)
    return declared | {"enum": values, "enumColors": colours}


def _number(text: str) -> float | str:
    try:
        return int(text) if text.lstrip("-").isdigit() else float(text)
    except ValueError:
        return text
