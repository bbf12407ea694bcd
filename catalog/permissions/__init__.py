"""Who may see and write the entities of which blueprint. Every query and every command of the catalog asks here.

A blueprint's row carries what people set of it, so that nothing is ever decided by an older state.
"""

from collections.abc import Collection, Iterator
from functools import reduce
from operator import and_, or_
from typing import Literal

from django.db.models import Exists, OuterRef, Q, QuerySet

from catalog import kinds
from catalog.models import Blueprint, Entity, Relation
from catalog.permissions.grants import ADMIN, Grant, Grants, moderator_of
from catalog.permissions.policies import matched
from portal.accounts.policy import allows, require
from portal.audit.models import Event
from portal.kit.by import Actor, By
from portal.kit.errors import Missing, Refused

Deed = Literal["register", "update", "unregister"]

NOTHING = Q(pk__in=[])
# Who is on no team, and sees what every member sees.
ANYBODY = By(Actor("user", "anybody", "anybody"), "clock")
# Blueprints whose entities events name beside the one they are about.
PLACES = ("service", "environment")
# What is set for many places at once names them in its facts, and no column of its events does.
FOR_MANY = ("route", "lock_rule")
DOING = {"register": "add to", "update": "change", "unregister": "delete from"}


def readable(by: By, rows: QuerySet[Entity], blueprint: Blueprint | None = None) -> QuerySet[Entity]:
    """Those of `rows` that the viewer may see; all are of the `blueprint` where it is given, which saves a query.

    Raises Refused for a credential that may not read the catalog.
    """
    require(by, "catalog.read")
    if blueprint:
        kinds.settle(blueprint.identifier)
    for going in kinds.going(blueprint.identifier if blueprint else ""):
        rows = rows.exclude(going)
    seen = bounds(by, blueprint)
    return rows if seen is None else rows.filter(seen)


def bounds(by: By, blueprint: Blueprint | None = None) -> Q | None:
    """The condition that is true of the entities which the viewer may see; None where he may see all."""
    if sees_all(by.actor):
        return None
    if blueprint:
        return _seen(by, blueprint)
    if not by.actor.restricted:
        return None
    bound = [(each, seen) for each in _bounded() if (seen := _seen(by, each)) is not None]
    if not bound:
        return None
    free = ~Q(blueprint__in=[each.pk for each, _ in bound])
    return reduce(or_, (Q(blueprint=each.pk) & seen for each, seen in bound), free)


def granted(by: By, *kinds: str) -> dict[str, QuerySet[Entity]]:
    """Of those of the blueprints whose permissions keep some entities from the viewer: the ones that he may see."""
    if sees_all(by.actor) or not by.actor.restricted:
        return {}
    bound = [(each, _granted(by, each)) for each in restricted().filter(identifier__in=kinds)]
    return {each.identifier: Entity.objects.filter(seen, blueprint=each) for each, seen in bound if seen is not None}


def kept_from_some(entity: int) -> bool:
    """Whether there are members who may not see the entity with this key."""
    seen = bounds(ANYBODY)
    return seen is not None and not Entity.objects.filter(seen, pk=entity).exists()


def restricted() -> QuerySet[Blueprint]:
    """Those of which somebody said who reads them."""
    return Blueprint.objects.filter(permissions__has_key="read")


def _bounded() -> QuerySet[Blueprint]:
    """And those of kinds whose owners keep some from whom they are not for."""
    owned = [each.identifier for each in kinds.bounded()]
    return Blueprint.objects.filter(Q(permissions__has_key="read") | Q(identifier__in=owned))


def visible_events(by: By, rows: QuerySet[Event]) -> QuerySet[Event]:
    """Events tell what an entity was and is, so they are for those who may see it; what is gone, for who sees all."""
    for name, known in _kept(by):
        rows = rows.filter(_about(name, known))
        if name in PLACES:
            seen = known.values("identifier")
            rows = rows.filter(Q(**{name: ""}) | Q(**{f"{name}__in": seen})).exclude(noun__in=FOR_MANY, service="")
    return rows


def bounds_of_names(by: By) -> Q | None:
    """As `bounds`, for rows that name what they are about in texts, `blueprint` and `entity`; true of those that name none."""
    kept = [_about(name, known) for name, known in _kept(by)]
    return reduce(and_, kept) if kept else None


def _about(name: str, known: QuerySet[Entity]) -> Q:
    return ~Q(blueprint=name) | Q(entity="") | Q(Exists(known.filter(identifier=OuterRef("entity"))))


def _kept(by: By) -> Iterator[tuple[str, QuerySet[Entity]]]:
    """Each blueprint of which the viewer may not see all, and the entities that he may."""
    if sees_all(by.actor) or not by.actor.restricted:
        return
    for blueprint in _bounded():
        seen = _seen(by, blueprint)
        if seen is not None:
            yield blueprint.identifier, Entity.objects.filter(seen, blueprint=blueprint)


def may_write(
    by: By,
    deed: Deed,
    blueprint: Blueprint,
    *,
    teams: Collection[str],
    entity: Entity | None = None,
    properties: Collection[str] | None = None,
    relations: Collection[str] | None = None,
) -> bool:
    """`teams` own the entity (those it is to have, when it is registered); `properties` and `relations` are to change.

    Without those two: whether there is anything at all that he may do.
    """
    return not _forbidden(by, deed, blueprint, teams, entity, properties, relations)


def require_write(
    by: By,
    deed: Deed,
    blueprint: Blueprint,
    *,
    teams: Collection[str],
    entity: Entity | None = None,
    properties: Collection[str] | None = None,
    relations: Collection[str] | None = None,
) -> None:
    """As `may_write`. Raises Refused, or Missing for an entity that he may not even see."""
    require(by, "entity.write")
    forbidden = _forbidden(by, deed, blueprint, teams, entity, properties, relations)
    if not forbidden:
        return
    if entity is not None and entity.pk and not readable(by, Entity.objects.filter(pk=entity.pk), blueprint).exists():
        raise Missing(f'Entity with identifier "{entity.identifier}" was not found', nearest=[])
    raise Refused(f"{by.actor.name} may not {refusal(deed, blueprint, teams, forbidden)}")


def refusal(deed: Deed, blueprint: Blueprint, teams: Collection[str], parts: Collection[str] = ("",)) -> str:
    """`change Service: its owners (payments), moderators of the blueprint and administrators may.`"""
    grants = Grants.of(blueprint)
    named = sorted(each for each in parts if each)
    grant = _part(grants, named[0]) or grants.update if named else getattr(grants, deed)
    what = f"{' and '.join(named[:3])} of {blueprint.title}" if named else blueprint.title
    return f"{DOING[deed] if not named else 'set'} {what}: {_who(grant, blueprint, teams)} may."


def restriction(blueprint: Blueprint) -> str:
    """Why somebody sees less than there is."""
    return f"You may not see all of {blueprint.title}: {_who(Grants.of(blueprint).read, blueprint, [])} may."


def _who(grant: Grant, blueprint: Blueprint, teams: Collection[str]) -> str:
    owners = ", ".join(sorted(teams)) or "none yet"
    who = [f"its owners ({owners})"] if grant.owned_by_team else []
    who += [f"the team {each}" for each in sorted(grant.teams)]
    who += sorted(grant.users)
    who += sorted(grant.roles - {ADMIN, moderator_of(blueprint.identifier)})
    return ", ".join([*who, "moderators of the blueprint"]) + " and administrators"


def _forbidden(
    by: By,
    deed: Deed,
    blueprint: Blueprint,
    teams: Collection[str],
    entity: Entity | None,
    properties: Collection[str] | None,
    relations: Collection[str] | None,
) -> list[str]:
    """What stands in the way: names of parts, or one empty name for the whole. Empty when he may."""
    if not allows(by.actor, "entity.write"):
        return [""]
    if writes_all(by.actor, blueprint):
        return []
    grants = Grants.of(blueprint)

    def reaches(grant: Grant) -> bool:
        owns = grant.owned_by_team and not by.actor.teams.isdisjoint(teams)
        return grant.holds(by.actor) or owns or _matches(by, blueprint, grant, entity)

    if deed == "unregister":
        return [] if reaches(grants.unregister) else [""]
    if deed == "register" and not reaches(grants.register):
        return [""]
    if reaches(grants.update):
        return []
    if properties is None and relations is None:
        return [] if deed == "register" or any(reaches(each) for each in grants.parts) else [""]
    wanted = {name: grants.properties.get(name) for name in properties or ()}
    wanted |= {name: grants.relations.get(name) for name in relations or ()}
    # Who adds an entity may fill in what nobody was singled out for.
    return [name for name, grant in wanted.items() if not (reaches(grant) if grant else deed == "register")]


def _part(grants: Grants, name: str) -> Grant | None:
    return grants.properties.get(name) or grants.relations.get(name)


def _matches(by: By, blueprint: Blueprint, grant: Grant, entity: Entity | None) -> bool:
    if grant.policy is None or entity is None or entity.pk is None:
        return False
    return Entity.objects.filter(matched(by, blueprint, grant.policy), pk=entity.pk).exists()


def sees_all(actor: Actor) -> bool:
    """What a program may write, it may read."""
    return actor.is_admin or actor.kind == "credential" and "catalog:write" in actor.scopes


def writes_all(actor: Actor, blueprint: Blueprint) -> bool:
    """Whatever people set, of those who may write at all."""
    return actor.is_admin or actor.kind == "credential" or blueprint.identifier in actor.moderates


def _seen(by: By, blueprint: Blueprint) -> Q | None:
    kind = kinds.kind(blueprint.identifier)
    also = kind.seen(by) if kind and kind.seen and by.actor.restricted else None
    granted = _granted(by, blueprint)
    return granted if also is None else also if granted is None else granted & also


def _granted(by: By, blueprint: Blueprint) -> Q | None:
    """Who may write it may read it; to own an entity is enough where its owners may write."""
    if "read" not in (blueprint.permissions or {}) or blueprint.identifier in by.actor.moderates:
        return None
    grants = Grants.of(blueprint)
    every = [grants.read, *grants.writing]
    if any(grant.holds(by.actor) for grant in every):
        return None
    seen = [matched(by, blueprint, grant.policy) for grant in every if grant.policy]
    if by.actor.teams and any(grant.owned_by_team for grant in every):
        seen.append(owned_by(blueprint, by.actor.teams))
    return reduce(or_, seen, NOTHING)


def owned_by(blueprint: Blueprint, teams: Collection[str]) -> Q:
    """By its own team, else by that at the end of the path along which the blueprint inherits ownership."""
    own = Q(team__overlap=sorted(teams))
    ownership = blueprint.ownership or {}
    if ownership.get("type") != "Inherited":
        return own
    ends: QuerySet[Entity] = Entity.objects.filter(own)
    for name in reversed(str(ownership.get("path", "")).split(".")):
        ends = Entity.objects.filter(
            pk__in=Relation.objects.filter(name=name, target__in=ends).order_by().values("source")
        )
    return own | Q(team=[], pk__in=ends.values("pk"))
