"""A property, a mirror or a relation gets another name: values, arrows and whatever speaks of it come along."""

import re
from typing import Any, Literal

from django.db import transaction

from catalog import compute, hooks, kinds, queries
from catalog.commands.blueprints.write import check_free, held, stamp
from catalog.commands.moves import move_start, moves_finish
from catalog.commands.timers import timers_rename
from catalog.models import Blueprint, View
from catalog.moves import Move, Part
from catalog.schema.definition import GROUPS, check_blueprint, group_of
from catalog.schema.identifiers import check_property_key
from catalog.schema.renames import Rename
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing
from portal.kit.locking import retried

Json = dict[str, Any]
What = Literal["property", "mirror", "relation"]

# Where each is declared.
PLACES: dict[What, tuple[str, ...]] = {
    "property": ("schema.properties", "calculationProperties", "aggregationProperties"),
    "mirror": ("mirrorProperties",),
    "relation": ("relations",),
}


def blueprint_rename(blueprint: Blueprint, what: What, old: str, new: str, *, path: str, by: By) -> Blueprint:
    """Raises Missing for an unknown `old`, Conflict for a taken `new` and for what belongs to the portal.

    `path` is where the client said the new name.
    """
    require(by, "blueprint.write", blueprint=blueprint.identifier)
    check_property_key(new, path)
    moves_finish(blueprint, {old, new})
    return _rename(blueprint.identifier, what, old, new, by)


@retried
@transaction.atomic
def _rename(identifier: str, what: What, old: str, new: str, by: By) -> Blueprint:
    blueprint = held(identifier)
    group = _group(blueprint, what, old)
    if new == old:
        return blueprint
    _check_new(blueprint, what, old, new)
    rename = Rename(identifier, "relation" if what == "relation" else "property", old, new, queries.known_blueprints())
    moved = move_start(blueprint, Move(_part(group), old, new), by=by)
    if blueprint.permissions:
        blueprint.permissions = rename.of_permissions(blueprint.permissions)
    if what != "relation":
        blueprint.indexed.filter(property=old).update(property=new)
        timers_rename(blueprint, old, new)
    renamed: Json = {"what": what, "blueprint": identifier, "from": old, "to": new}
    _rewrite(blueprint, rename, {"renamed": renamed, "entities": moved, **_unsure(blueprint, rename)}, by)
    for other in Blueprint.objects.exclude(pk=blueprint.pk).select_for_update(no_key=True).order_by("pk"):
        _rewrite(other, rename, {"renamed": renamed}, by)
    for view in View.objects.filter(blueprint=blueprint).select_for_update():
        _rewrite_view(view, rename, by)
    hooks.renamed(rename, by)
    compute.derive(blueprint)
    return blueprint


def _group(blueprint: Blueprint, what: What, name: str) -> str:
    definition = kinds.definition_of(blueprint)
    found = next((group for group in PLACES[what] if name in group_of(definition, group)), None)
    if found is None:
        raise Missing(f'{what.capitalize()} with identifier "{name}" was not found')
    return found


def _part(group: str) -> Part:
    parts: dict[str, Part] = {"schema.properties": "properties", "relations": "relations"}
    return parts.get(group, "computed")


def _check_new(blueprint: Blueprint, what: What, old: str, new: str) -> None:
    definition = kinds.definition_of(blueprint)
    groups = ("relations",) if what == "relation" else GROUPS
    if any(new in group_of(definition, group) for group in groups):
        raise Conflict(f"“{new}” is taken in the blueprint “{blueprint.title}”.", code="identifier_taken")
    kind = kinds.kind(blueprint.identifier)
    if kind and any(old in group_of(kind.definition, group) for group in groups):
        raise Conflict(f"“{old}” comes with the portal and keeps its name.", code="protected")
    check_free(blueprint, {old, new})


def _rewrite(blueprint: Blueprint, rename: Rename, payload: Json, by: By) -> None:
    before = kinds.definition_of(blueprint)
    after = rename.of_definition(before)
    if after == before:
        return
    facts = blueprint.facts()
    check_blueprint(after)
    kinds.fill(blueprint, after)
    stamp(blueprint, by)
    record("blueprint.updated", blueprint.noun(), by=by, before=facts, after=blueprint.facts(), payload=payload)


def _unsure(blueprint: Blueprint, rename: Rename) -> Json:
    """Calculations that still hold the old name after what was plain is rewritten; people look at them."""
    word = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(rename.old)}(?![A-Za-z0-9_])")
    programs = {name: each["calculation"] for name, each in blueprint.calculation_properties.items()}
    left = [name for name, each in programs.items() if word.search(rename.of_program(each).replace(rename.new, ""))]
    return {"lookAt": left} if left else {}


def _rewrite_view(view: View, rename: Rename, by: By) -> None:
    before, query = view.facts(), rename.of_view(view.query)
    if query == view.query:
        return
    view.query = query
    view.save(update_fields=["query"])
    record("view.updated", view.noun(), by=by, before=before, after=view.facts())
