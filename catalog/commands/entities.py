from collections.abc import Sequence
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import hooks, kinds, permissions, queries
from catalog.models import Blueprint, Entity, Relation
from catalog.schema.identifiers import check_identifier
from catalog.schema.validate import check_properties
from catalog.wishes import Wish
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]
Arrows = dict[str, list[Entity]]


@retried
@transaction.atomic
def entity_write(wish: Wish, *, by: By) -> Entity:
    """The one way to create, override, merge, replace or patch an entity, whatever the door.

    The kind's owner may take the write over; live properties go to their owner's command.
    """
    kind = kinds.kind(wish.blueprint)
    if kind and kind.write:
        entity = kind.write(wish, by)
        if entity is not None:
            return entity
    return entity_store(wish, by=by)


@transaction.atomic
def entity_store(wish: Wish, *, by: By, event: bool = True, checked: bool = True) -> Entity:
    """Stores it as it is wished.

    `event=False` is for an owner that records an event of its own for this noun; `checked=False` for what the
    portal itself writes, which no rule that people add to a blueprint may stop.
    """
    if not by.actor.is_person:
        require(by, "entity.write")  # before anything tells what is there and what is not
    blueprint = queries.blueprint(wish.blueprint)
    entity = _fetch_or_make(blueprint, wish, by)
    is_new = entity.pk is None
    teams = wish.team if is_new else queries.owner_teams(entity)
    permissions.require_write(by, "register" if is_new else "update", blueprint, teams=teams)
    if wish.seen and wish.seen != entity.updated_at.isoformat():
        raise Conflict(
            f"{entity.updated_by} has changed “{entity}” meanwhile. Reload, then do your change again.", code="stale"
        )
    before = {} if is_new else entity.facts(queries.relations_of(entity))
    live, stored = _split_live(blueprint, wish.properties)
    _apply(entity, wish, stored, fresh=is_new)
    arrows = _resolve(entity, wish, by)
    if checked:
        _check(blueprint, entity, arrows, wish, before)
    _save(entity, by)
    _point(entity, arrows, wish, fresh=is_new)
    _follow(entity, before, by)
    after = entity.facts(queries.relations_of(entity))
    if event and after != before:
        record(
            "entity.created" if is_new else "entity.updated", entity.noun(), by=by, before=before or None, after=after
        )
    owner = kinds.live(blueprint.identifier)
    if owner and live:
        owner.write(entity, live, by)
    return entity


@retried
@transaction.atomic
def entity_delete(entity: Entity, *, dependents: bool = False, by: By) -> list[str]:
    """Deletes it and, if wished, what has a required relation to it; answers the identifiers, this one first.

    Raises Missing when it is gone, Conflict when others need it or an app above holds it.
    """
    held, wished = _held([entity.pk])
    if not wished:
        raise Missing(f'Entity with identifier "{entity.identifier}" was not found')
    return _delete(held, wished=wished, dependents=dependents, by=by)


@retried
@transaction.atomic
def entities_delete(blueprint: str, identifiers: Sequence[str], *, dependents: bool = False, by: By) -> list[str]:
    """All of them or none; those that are gone already are no fault. Answers the identifiers that went, dependents too."""
    kind = queries.blueprint(blueprint)
    rows = Entity.objects.filter(blueprint=kind, identifier__in=identifiers)
    held, wished = _held(list(rows.values_list("pk", flat=True)))
    return _delete(held, wished=wished, dependents=dependents, by=by) if held else []


def _held(keys: Sequence[int]) -> tuple[list[Entity], int]:
    """The entities, then all that need them, and how many are the first. Rows are held in the order of their keys."""
    doomed = queries.with_dependents(Entity.objects.filter(pk__in=keys).select_related("blueprint"))
    rows = Entity.objects.select_for_update(of=("self",)).select_related("blueprint")
    held = list(rows.filter(pk__in=[each.pk for each in doomed]).order_by("pk"))
    wished = [each for each in held if each.pk in set(keys)]
    # Once more, now that nothing moves: somebody may have come to need them meanwhile.
    return queries.with_dependents(wished), len(wished)


def _delete(doomed: list[Entity], *, wished: int, dependents: bool, by: By) -> list[str]:
    """`doomed`: the `wished` first of them were asked for, the others need those."""
    for each in doomed if dependents else doomed[:wished]:
        teams = queries.owner_teams(each)
        permissions.require_write(by, "unregister", each.blueprint, teams=teams)
    needing = doomed[wished:]
    if needing and not dependents:
        names = ", ".join(each.identifier for each in needing[:5])
        raise Conflict(
            f"{len(needing)} entities need “{doomed[0].identifier}”: {names}. "
            "Delete them first, or send delete_dependents=true.",
            code="has_dependents",
            dependents=[each.identifier for each in needing[:100]],
        )
    hooks.deleting(doomed, by)
    for each in doomed:
        record("entity.deleted", each.noun(), by=by, before=each.facts(queries.relations_of(each)))
    Entity.objects.filter(pk__in=[each.pk for each in doomed]).delete()
    return [each.identifier for each in doomed]


def _follow(entity: Entity, before: Json, by: By) -> None:
    kind = kinds.kind(entity.blueprint.identifier)
    if kind and kind.saved:
        kind.saved(entity, by)
    if before:
        hooks.changed(entity, before, by)


def _check(blueprint: Blueprint, entity: Entity, arrows: Arrows, wish: Wish, before: Json) -> None:
    required = blueprint.schema["required"]
    if wish.merges and before:
        # What the entity lacked before is not this writer's fault.
        required = [name for name in required if name in before["properties"]]
    check_properties(blueprint.schema["properties"], required, entity.properties)
    _check_required(blueprint, entity, arrows, wish, fresh=not before)


def _fetch_or_make(blueprint: Blueprint, wish: Wish, by: By) -> Entity:
    identifier = wish.identifier or "e_" + random_text(16)
    found = _locked(blueprint, identifier)
    if found is None:
        # Two who make the same entity at once: the second waits here, then finds it.
        advisory_lock("entity", blueprint.identifier, identifier)
        found = _locked(blueprint, identifier)
    if found and wish.mode == "create":
        raise Conflict(f'Entity with identifier "{identifier}" already exists', code="identifier_taken")
    if found:
        return found
    if wish.mode in {"replace", "patch"}:
        raise Missing(
            f'Entity with identifier "{identifier}" was not found',
            nearest=queries.nearest(blueprint.identifier, identifier),
        )
    return Entity(blueprint=blueprint, identifier=identifier, created_by=by.actor.name)


def _locked(blueprint: Blueprint, identifier: str) -> Entity | None:
    rows = Entity.objects.select_for_update(of=("self",)).select_related("blueprint")
    return rows.filter(blueprint=blueprint, identifier=identifier).first()


def _split_live(blueprint: Blueprint, properties: Json) -> tuple[Json, Json]:
    owner = kinds.live(blueprint.identifier)
    names = owner.properties if owner else frozenset()
    live = {name: value for name, value in properties.items() if name in names}
    stored = {name: value for name, value in properties.items() if name not in names}
    for name in blueprint.calculation_properties | blueprint.mirror_properties | blueprint.aggregation_properties:
        if name in stored:
            raise Invalid.at(f"properties.{name}", "is computed by the portal and cannot be written")
    return live, stored


def _apply(entity: Entity, wish: Wish, properties: Json, *, fresh: bool) -> None:
    keep = wish.merges and not fresh
    if wish.rename:
        entity.identifier = wish.rename
    if "title" in wish.given or not keep:
        entity.title = wish.title
    if "icon" in wish.given or not keep:
        entity.icon = wish.icon
    if "team" in wish.given or not keep:
        entity.team = list(wish.team)
    merged = entity.properties | properties if keep else properties
    # Null clears a value, so that absent and null are one thing inside.
    entity.properties = {name: value for name, value in merged.items() if value is not None}


def _resolve(entity: Entity, wish: Wish, by: By) -> Arrows:
    """The target entities of each wished relation, in the order given. It may point at itself."""
    blueprint = entity.blueprint
    arrows: Arrows = {}
    for name, identifiers in wish.relations.items():
        declared = blueprint.relations.get(name)
        if declared is None:
            raise Missing(f'Relation with identifier "{name}" was not found')
        if len(identifiers) > 1 and not declared.get("many"):
            raise Invalid.at(f"relations.{name}", "takes one identifier, not several")
        found = {
            each.identifier: each
            for each in Entity.objects.filter(blueprint__identifier=declared["target"], identifier__in=identifiers)
        }
        if declared["target"] == blueprint.identifier and entity.identifier in identifiers:
            found[entity.identifier] = entity
        for missing in [each for each in identifiers if each not in found]:
            found[missing] = _make_missing(name, declared["target"], missing, wish, by)
        arrows[name] = [found[each] for each in identifiers]
    return arrows


def _make_missing(relation: str, blueprint: str, identifier: str, wish: Wish, by: By) -> Entity:
    if not wish.create_missing:
        raise Missing(
            f'Entity with identifier "{identifier}" was not found', nearest=queries.nearest(blueprint, identifier)
        )
    check_identifier(identifier, f"relations.{relation}", longest=1000, also="=")
    # Made bare: whatever its blueprint requires is for later.
    return entity_store(Wish(blueprint=blueprint, identifier=identifier, mode="merge"), by=by, checked=False)


def _check_required(blueprint: Blueprint, entity: Entity, arrows: Arrows, wish: Wish, *, fresh: bool) -> None:
    for name, declared in blueprint.relations.items():
        if not declared.get("required") or arrows.get(name):
            continue
        if wish.merges and not fresh and name not in arrows:
            continue  # it has one already, or never had; a merge that does not speak of it leaves it
        raise Invalid.at(f"relations.{name}", "is required")


def _save(entity: Entity, by: By) -> None:
    entity.updated_at, entity.updated_by, entity.datasource = timezone.now(), by.actor.name, by.agent[:300]
    try:
        with transaction.atomic():
            entity.save()
    except IntegrityError as taken:
        raise Conflict(
            f'Entity with identifier "{entity.identifier}" already exists', code="identifier_taken"
        ) from taken


def _point(entity: Entity, arrows: Arrows, wish: Wish, *, fresh: bool) -> None:
    names = arrows.keys() if wish.merges and not fresh else None
    if not fresh:
        old = entity.arrows.all()
        (old if names is None else old.filter(name__in=names)).delete()
    Relation.objects.bulk_create(
        Relation(source=entity, name=name, target=target, position=position)
        for name, targets in arrows.items()
        for position, target in enumerate(targets)
    )
