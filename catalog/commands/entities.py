from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import timezone

from catalog import hooks, kinds, permissions, queries
from catalog.commands.lookups import settled
from catalog.models import Blueprint, Entity, Relation
from catalog.schema.identifiers import check_identifier
from catalog.schema.validate import check_properties, defaults
from catalog.wishes import Wish
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.ids import random_text
from portal.kit.locking import advisory_lock, retried

Json = dict[str, Any]
Arrows = dict[str, list[Entity]]

# Their entities are made by their own doors alone.
PROTECTED = {"_user", "_team"}


@dataclass(frozen=True)
class Written:
    entity: Entity
    created: bool


@retried
@transaction.atomic
def entity_write(wish: Wish, *, by: By) -> Entity:
    """The one way to create, override, merge, replace or patch an entity, whatever the door.

    The kind's owner may take the write over; live properties go to their owner's command.
    """
    wish = settled(wish, by=by)
    kind = kinds.kind(wish.blueprint)
    if kind and kind.write:
        entity = kind.write(wish, by)
        if entity is not None:
            return entity
    return entity_store(wish, by=by)


def entities_write(wishes: Sequence[Wish], *, dry: bool = False, by: By) -> list[Written | PortalError]:
    """Each wish by itself, in order: what is wrong with one does not touch another. `dry` writes nothing."""
    return [_outcome(wish, dry, by) for wish in wishes]


def _outcome(wish: Wish, dry: bool, by: By) -> Written | PortalError:
    try:
        return _one(wish, dry, by)
    except PortalError as error:
        return error


@retried
@transaction.atomic
def _one(wish: Wish, dry: bool, by: By) -> Written:
    wish = settled(wish, by=by)
    known = queries.exists(wish.blueprint, wish.identifier)
    entity = entity_write(wish, by=by)
    if dry:
        transaction.set_rollback(True)
    return Written(entity, not known)


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
    if is_new and checked:
        stored = defaults(blueprint.schema["properties"]) | stored
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
    message = f'Entity with identifier "{identifier}" was not found'
    path = f"relations.{relation}"
    if blueprint in PROTECTED and wish.create_missing:
        message += "; people and teams are not made by pointing at them"
    if blueprint in PROTECTED or not wish.create_missing:
        errors = [{"path": path, "message": message}]
        raise Missing(message, errors=errors, nearest=queries.nearest(blueprint, identifier))
    check_identifier(identifier, path, longest=1000, also="=")
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
