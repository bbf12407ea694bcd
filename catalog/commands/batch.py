"""Entities of one blueprint, written together: a fixed number of statements, and for each wish a fate of its own.

Everything is read and judged first; what is wrong with a wish ends that wish. What goes wrong while the rest is stored
ends them all, and the caller starts anew with each by itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Literal

from django.db import connection
from django.utils import timezone

from catalog import compute, hooks, kinds, permissions, queries
from catalog.commands.sights import see
from catalog.commands.timers import timers_keep
from catalog.models import Blueprint, Entity, Relation
from catalog.moves import settle
from catalog.schema.identifiers import check_identifier
from catalog.schema.validate import checker_of, defaults
from catalog.wishes import Wish
from portal.accounts.policy import require
from portal.audit.record import Entry, record_many
from portal.kit import rows
from portal.kit.by import By
from portal.kit.errors import Conflict, Invalid, Missing, PortalError
from portal.kit.ids import random_text
from portal.kit.locking import advisory_locks

Json = dict[str, Any]
Key = tuple[str, str]  # a blueprint's identifier, an entity's

# Their entities are made by their own doors alone.
PROTECTED = {"_user", "_team"}
WRITTEN = ["identifier", "title", "icon", "team", "properties", "datasource", "updated_at", "updated_by"]


@dataclass(frozen=True)
class Written:
    """`same`: it was so already, and nothing was written."""

    entity: Entity
    created: bool
    same: bool = False


@dataclass
class Draft:
    """An entity as it is to be. `before`: its facts as they were, empty for a new one; `held`: its arrows as they were.

    `arrows`: the targets of the relations that are wished; `live`: what goes to the owner of the live properties.
    """

    wish: Wish
    entity: Entity
    before: Json = field(default_factory=dict)
    held: list[Relation] = field(default_factory=list)
    arrows: dict[str, list[Entity]] = field(default_factory=dict)
    live: Json = field(default_factory=dict)

    @property
    def is_new(self) -> bool:
        return not self.before

    @property
    def keeps(self) -> bool:
        """Whether what the wish does not speak of stays."""
        return self.wish.merges and not self.is_new

    def stale(self) -> list[Relation]:
        """Arrows that do not survive. Those that stay as they are are none of them, nor to be drawn again."""
        spoken = [each for each in self.held if not self.keeps or each.name in self.arrows]
        return [each for each in spoken if not self._stays(each)]

    def drawn(self) -> list[Relation]:
        kept = {(each.name, each.target_id, each.position) for each in self.held}
        return [
            Relation(source=self.entity, name=name, target=target, position=position)
            for name, targets in self.arrows.items()
            for position, target in enumerate(targets)
            if (name, target.pk, position) not in kept
        ]

    def _stays(self, arrow: Relation) -> bool:
        wished = self.arrows.get(arrow.name, [])
        return arrow.position < len(wished) and wished[arrow.position].pk == arrow.target_id

    def after(self) -> Json:
        targets: dict[str, list[str]] = {}
        for each in self.held:
            if self.keeps and each.name not in self.arrows:
                target = self.entity if each.target_id == self.entity.pk else each.target
                targets.setdefault(each.name, []).append(target.identifier)
        targets |= {name: [each.identifier for each in found] for name, found in self.arrows.items()}
        return self.entity.facts(queries.relations_shown(self.entity.blueprint, targets))

    @cached_property
    def is_same(self) -> bool:
        """Whether it is wished as it was found: then nothing is written of it. Asked once the targets are known."""
        return not self.is_new and self.after() == self.before and not self.stale() and not self.drawn()

    def changing(self) -> dict[Literal["properties", "relations"], set[str]]:
        """What gets another value than it has; `$title` and its like are among the properties."""
        now, old = self.after(), self.before or {"properties": {}, "relations": {}}
        meta = {f"${name}" for name in ("title", "icon", "team") if (now[name] or None) != (old.get(name) or None)}
        meta |= {"$identifier"} if old.get("identifier", now["identifier"]) != now["identifier"] else set()
        properties, relations = (
            {name for name in now[key].keys() | old[key].keys() if now[key].get(name) != old[key].get(name)}
            for key in ("properties", "relations")
        )
        return {"properties": meta | properties | self.live.keys(), "relations": relations}

    def change(self) -> compute.Change:
        """What others may have to compute again."""
        entity = self.entity
        if self.is_new:
            arrows = frozenset(f"relations.{name}" for name, targets in self.arrows.items() if targets)
            return compute.Change(entity.blueprint, entity.pk, arrows)
        parts = self.changing()
        names = parts["properties"] | {f"relations.{name}" for name in parts["relations"]} | {*compute.WRITER}
        names |= {"$title"} if "$identifier" in names else set()  # which stands for a title that is not set
        old: dict[str, list[int]] = {}
        for each in self.held:
            if each.name in parts["relations"]:
                old.setdefault(each.name, []).append(each.target_id)
        return compute.Change(entity.blueprint, entity.pk, frozenset(names), old)


def written(wishes: Sequence[Wish], *, by: By, event: bool = True, checked: bool = True) -> list[Written | PortalError]:
    """What became of each wish. All are for one blueprint, each for another entity, and name things plainly."""
    require(by, "entity.write")  # before anything tells what is there and what is not
    batch = _Batch(queries.blueprint_to_fill(wishes[0].blueprint), wishes, by, checked)
    fates: list[Draft | PortalError] = [batch.fate(wish) for wish in wishes]
    _store(batch.drafts, by)
    if event:
        _tell(batch.drafts, by)
    _enliven(batch.drafts, by)
    return [Written(each.entity, each.is_new, each.is_same) if isinstance(each, Draft) else each for each in fates]


class _Batch:
    """What the wishes need of the catalog, read once and held; and the drafts that come of them, in order."""

    def __init__(self, blueprint: Blueprint, wishes: Sequence[Wish], by: By, checked: bool) -> None:
        self.blueprint, self.by, self.checked = blueprint, by, checked
        self.alone = len(wishes) == 1
        self.blueprints = {blueprint.identifier: blueprint}
        self.drafts: list[Draft] = []
        self.held: dict[str, Entity] = {}
        self.arrows: dict[int, list[Relation]] = {}
        own = {each.identifier for each in wishes} - {""}
        aimed = {key for each in wishes for key in self._aims(each)}
        self.known = _found(aimed)
        lacking = {key for each in wishes if each.create_missing for key in self._aims(each)} - self.known.keys()
        self._hold(own, {each.rename for each in wishes} - {""}, lacking)

    def _aims(self, wish: Wish) -> list[Key]:
        declared = self.blueprint.relations
        return [
            (declared[name]["target"], each)
            for name, identifiers in wish.relations.items()
            if name in declared
            for each in identifiers
        ]

    def _hold(self, own: set[str], renamed: set[str], lacking: set[Key]) -> None:
        """Two who make the same entity at once wait here for each other, in the order of the names."""
        name = self.blueprint.identifier
        wanted = {(name, each) for each in own | renamed} | lacking
        if not wanted:
            return
        advisory_locks(("entity", *key) for key in wanted)
        if lacking:
            self.known |= _found(lacking)
        held = Entity.objects.select_for_update(no_key=not renamed).filter(blueprint=self.blueprint, identifier__in=own)
        for each in held.order_by("pk"):
            each.blueprint = self.blueprint
            self.held[each.identifier] = self.known[name, each.identifier] = each
        settle(list(self.held.values()))
        if self.held:
            arrows = Relation.objects.filter(source__in=self.held.values()).select_related("target")
            for arrow in arrows.order_by("position", "id"):
                self.arrows.setdefault(arrow.source_id, []).append(arrow)

    def fate(self, wish: Wish) -> Draft | PortalError:
        count = len(self.drafts)
        try:
            return self._drafted(wish)
        except PortalError as error:
            if self.alone:
                raise
            for each in self.drafts[count:]:  # made for this one alone
                del self.known[each.entity.blueprint.identifier, each.entity.identifier]
            del self.drafts[count:]
            return error

    def _drafted(self, wish: Wish) -> Draft:
        draft = self._begun(wish)
        entity = draft.entity
        teams = queries.owner_teams(entity) if not draft.is_new and self.by.actor.is_person else wish.team
        deed: permissions.Deed = "register" if draft.is_new else "update"
        permissions.require_write(self.by, deed, self.blueprint, teams=teams, entity=entity)
        if wish.seen and draft.is_new:
            raise Conflict(
                f"“{wish.identifier}” is not there any more. Look in the changelog who deleted it.", code="stale"
            )
        if wish.seen and wish.seen != entity.updated_at.isoformat():
            raise Conflict(
                f"{entity.updated_by} has changed “{entity}” meanwhile. Reload, then do your change again.",
                code="stale",
            )
        draft.live, stored = _split_live(self.blueprint, wish.properties)
        if draft.is_new and self.checked:
            stored = defaults(self.blueprint.schema["properties"]) | stored
        _apply(draft, stored)
        draft.arrows = self._resolved(draft)
        if self.checked:
            _check(self.blueprint, draft)
        if not permissions.writes_all(self.by.actor, self.blueprint):
            parts = draft.changing()
            permissions.require_write(self.by, deed, self.blueprint, teams=teams, entity=entity, **parts)
        self._add(draft)
        return draft

    def _begun(self, wish: Wish) -> Draft:
        held = self.held.get(wish.identifier)
        if held and wish.mode == "create":
            raise Conflict(f'Entity with identifier "{wish.identifier}" already exists', code="identifier_taken")
        if held:
            arrows = self.arrows.get(held.pk, [])
            shown: dict[str, list[str]] = {}
            for each in arrows:
                shown.setdefault(each.name, []).append(each.target.identifier)
            return Draft(wish, held, held.facts(queries.relations_shown(self.blueprint, shown)), arrows)
        if wish.mode in {"replace", "patch"}:
            raise Missing(
                f'Entity with identifier "{wish.identifier}" was not found',
                nearest=self._nearest(self.blueprint.identifier, wish.identifier),
            )
        return Draft(wish, self._new(self.blueprint, wish.identifier or "e_" + random_text(16)))

    def _new(self, blueprint: Blueprint, identifier: str) -> Entity:
        return Entity(blueprint=blueprint, identifier=identifier, created_by=self.by.actor.name)

    def _add(self, draft: Draft) -> None:
        entity = draft.entity
        self.known[entity.blueprint.identifier, entity.identifier] = entity
        self.drafts.append(draft)

    def _resolved(self, draft: Draft) -> dict[str, list[Entity]]:
        """The targets of each wished relation, in the order given. It may point at itself."""
        found: dict[str, list[Entity]] = {}
        for name, identifiers in draft.wish.relations.items():
            declared = self.blueprint.relations.get(name)
            if declared is None:
                raise Missing(f'Relation with identifier "{name}" was not found')
            if len(identifiers) > 1 and not declared.get("many"):
                raise Invalid.at(f"relations.{name}", "takes one identifier, not several")
            found[name] = [self._target(draft, name, declared["target"], each) for each in identifiers]
        return found

    def _target(self, draft: Draft, relation: str, blueprint: str, identifier: str) -> Entity:
        if blueprint == self.blueprint.identifier and identifier == draft.entity.identifier:
            return draft.entity
        return self.known.get((blueprint, identifier)) or self._made(draft.wish, relation, blueprint, identifier)

    def _made(self, wish: Wish, relation: str, blueprint: str, identifier: str) -> Entity:
        """A target that is not there, bare: whatever its blueprint requires is for later."""
        path = f"relations.{relation}"
        message = f'Entity with identifier "{identifier}" was not found'
        if blueprint in PROTECTED and wish.create_missing:
            message += "; people and teams are not made by pointing at them"
        if blueprint in PROTECTED or not wish.create_missing:
            errors = [{"path": path, "message": message}]
            raise Missing(message, errors=errors, nearest=self._nearest(blueprint, identifier))
        check_identifier(identifier, path, longest=1000, also="=")
        if blueprint not in self.blueprints:
            self.blueprints[blueprint] = queries.blueprint(blueprint)
        permissions.require_write(self.by, "register", self.blueprints[blueprint], teams=())
        draft = Draft(Wish(blueprint, identifier, "merge"), self._new(self.blueprints[blueprint], identifier))
        self._add(draft)
        return draft.entity

    def _nearest(self, blueprint: str, identifier: str) -> list[str]:
        # Twenty hints would cost more than the twenty writes.
        return queries.nearest(blueprint, identifier, by=self.by) if self.alone else []


def _found(keys: set[Key]) -> dict[Key, Entity]:
    """Of these entities those that are there, with no more than a relation needs of them."""
    if not keys:
        return {}
    query = """
        select e.id, e.blueprint_id, e.identifier, wanted.blueprint from unnest(%s::text[], %s::text[]) as wanted (blueprint, identifier)
        join catalog_blueprint b on b.identifier = wanted.blueprint
        join catalog_entity e on e.blueprint_id = b.id and e.identifier = wanted.identifier
    """
    with connection.cursor() as cursor:
        cursor.execute(query, [list(each) for each in zip(*keys, strict=True)])
        return {
            (blueprint, identifier): Entity(pk=pk, blueprint_id=blueprint_id, identifier=identifier)
            for pk, blueprint_id, identifier, blueprint in cursor.fetchall()
        }


def _split_live(blueprint: Blueprint, properties: Json) -> tuple[Json, Json]:
    owner = kinds.live(blueprint)
    names = owner.properties if owner else frozenset()
    live = {name: value for name, value in properties.items() if name in names}
    stored = {name: value for name, value in properties.items() if name not in names}
    for name in blueprint.computed_properties:
        if name in stored:
            raise Invalid.at(f"properties.{name}", "is computed by the portal and cannot be written")
    return live, stored


def _apply(draft: Draft, properties: Json) -> None:
    entity, wish, keeps = draft.entity, draft.wish, draft.keeps
    if wish.rename:
        entity.identifier = wish.rename
    if "title" in wish.given or not keeps:
        entity.title = wish.title
    if "icon" in wish.given or not keeps:
        entity.icon = wish.icon
    if "team" in wish.given or not keeps:
        entity.team = list(wish.team)
    merged = entity.properties | properties if keeps else properties
    # Null clears a value, so that absent and null are one thing inside.
    entity.properties = {name: value for name, value in merged.items() if value is not None}


def _check(blueprint: Blueprint, draft: Draft) -> None:
    required = None
    if draft.keeps:
        # What the entity lacked before is not this writer's fault.
        required = [name for name in blueprint.schema["required"] if name in draft.before["properties"]]
    checker_of(blueprint.schema).check(draft.entity.properties, required=required)
    for name, declared in blueprint.relations.items():
        if not declared.get("required") or draft.arrows.get(name):
            continue
        if draft.keeps and name not in draft.arrows:
            continue  # it has one already, or never had; a merge that does not speak of it leaves it
        raise Invalid.at(f"relations.{name}", "is required")


def _store(drafts: list[Draft], by: By) -> None:
    now = timezone.now()
    changed = [each for each in drafts if not each.is_same]
    see([each.entity for each in drafts if each.is_same], now, by)
    for each in changed:
        entity = each.entity
        entity.updated_at, entity.updated_by, entity.datasource = now, by.actor.name, by.agent[:300]
        entity.created_at = now if each.is_new else entity.created_at
    new = [each.entity for each in changed if each.is_new]
    there = [each.entity for each in changed if not each.is_new]
    # Rows that compute something come with their values, which their arrows tell.
    computing = any("plan" in each.blueprint.derived for each in new)
    (rows.keyed if computing else rows.insert)(new)
    rows.update(there, WRITTEN)
    stale = [arrow.pk for each in changed for arrow in each.stale()]
    if stale:
        Relation.objects.filter(pk__in=stale).delete()
    arrows = [arrow for each in changed for arrow in each.drawn()]
    rows.insert(arrows)  # whether their ends are there is looked at when the transaction ends
    if computing:
        there += compute.own_first(new, {each.target_id for each in arrows})
        rows.insert(new)
    timers_keep((each.entity, each.before.get("properties", {})) for each in changed)
    compute.own(there)
    compute.changed(each.change() for each in changed if each.entity.blueprint.derived)
    for each in drafts:
        _follow(each, by)


def _follow(draft: Draft, by: By) -> None:
    kind = kinds.kind(draft.entity.blueprint.identifier)
    if kind and kind.saved:
        kind.saved(draft.entity, by)
    if draft.before:
        hooks.changed(draft.entity, draft.before, by)


def _tell(drafts: list[Draft], by: By) -> None:
    told: list[Entry] = []
    for each in drafts:
        after = each.after()
        if after != each.before:
            verb = "created" if each.is_new else "updated"
            told.append(Entry(f"entity.{verb}", each.entity.noun(), each.before or None, after))
    if told:
        record_many(told, by=by)


def _enliven(drafts: list[Draft], by: By) -> None:
    for each in drafts:
        owner = kinds.live(each.entity.blueprint)
        if owner and each.live:
            owner.write(each.entity, each.live, by)
