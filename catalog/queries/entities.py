from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from catalog import compute, kinds, moves, permissions
from catalog.compute import relations_shown
from catalog.models import Blueprint, Entity, Relation, Sight
from catalog.queries.blueprints import blueprint
from catalog.queries.places import nearest
from portal.accounts.policy import require
from portal.kit.by import By
from portal.kit.errors import Conflict, Missing

Json = dict[str, Any]

MOST_ARROWS = 1000
MOST_DEPENDENTS = 10_000  # that go with what they need, in one transaction while somebody waits


def entities(by: By, blueprint: Blueprint) -> QuerySet[Entity]:
    """All of a blueprint's that the viewer may see, by identifier, with their relations at hand."""
    rows = permissions.readable(by, Entity.objects.filter(blueprint=blueprint), blueprint)
    return with_relations(rows, by).order_by("identifier", "id")


def all_entities(by: By) -> QuerySet[Entity]:
    """Of every blueprint, with their relations at hand."""
    return with_relations(permissions.readable(by, Entity.objects.all()), by)


def of_datasource(by: By, prefix: str, suffix: str, *, before: datetime | None, after: int) -> QuerySet[Entity]:
    """What a client whose name begins and ends so wrote last, by key; `before`: only what it has not written since,
    changed or as it was.
    """
    rows = permissions.readable(by, Entity.objects.select_related("blueprint"))
    rows = rows.only("identifier", "blueprint__identifier")  # there may be very many
    rows = rows.filter(datasource__startswith=prefix, datasource__endswith=suffix, pk__gt=after)
    if before:
        seen = Sight.objects.filter(entity=OuterRef("pk"), at__gte=before)
        rows = rows.filter(~Exists(seen), updated_at__lt=before)
    return rows.order_by("pk")


def found(entities: QuerySet[Entity], text: str) -> QuerySet[Entity]:
    """Those whose identifier or title holds the text."""
    text = text.strip()
    if not text:
        return entities
    return entities.filter(Q(identifier__icontains=text) | Q(title__icontains=text))


def exists(kind: str, identifier: str, *, by: By | None = None) -> bool:
    """`by`: whether there is one that he may see."""
    rows = Entity.objects.filter(blueprint__identifier=kind, identifier=identifier)
    seen = permissions.bounds(by) if by else None
    return (rows if seen is None else rows.filter(seen)).exists()


def entity(by: By, kind: str, identifier: str) -> Entity:
    require(by, "catalog.read")
    own = blueprint(kind)
    rows = permissions.readable(by, Entity.objects.filter(blueprint=own), own)
    # As with_relations(), but for a single one another query costs more than the same row twice.
    found = rows.filter(identifier=identifier).prefetch_related(_arrows(by, "target__blueprint")).first()
    if found is None:
        raise Missing(f'Entity with identifier "{identifier}" was not found', nearest=nearest(kind, identifier, by=by))
    found.blueprint = own
    return found


def with_relations(rows: QuerySet[Entity], by: By | None = None) -> QuerySet[Entity]:
    """With what a list shows of their blueprints and targets, each read once however many rows have it."""
    named = Prefetch("arrows__target__blueprint", queryset=Blueprint.objects.only("identifier"))
    return rows.prefetch_related("blueprint", _arrows(by, "target"), named)


def _arrows(by: By | None, joined: str) -> "Prefetch[str]":
    """In their order, with what is shown of their targets; `joined`: what is read in the same query."""
    rows = arrows_seen(Relation.objects.select_related(joined), by).order_by("position", "id")
    shown = ("source_id", "name", "position", "target__identifier", "target__title", "target__blueprint_id")
    return Prefetch("arrows", queryset=rows.only(*shown, f"{joined}__identifier"))


def arrows_seen(arrows: QuerySet[Relation], by: By | None) -> QuerySet[Relation]:
    """Each notes whether its target is `hidden`: what an entity points at is its own; how that is called is not."""
    seen = permissions.bounds(by) if by else None
    if seen is None:
        return arrows
    return arrows.annotate(hidden=~Exists(Entity.objects.filter(seen, pk=OuterRef("target"))))


def relations_of(entity: Entity, *, titles: bool = False, by: By | None = None) -> Json:
    """`{name: identifier, or a list of them where the blueprint says many}`; unset relations are left out.

    With `titles` each is `{"identifier", "title"}`, as `by` may see it where it was not fetched with its relations.
    """
    found: dict[str, list[Any]] = {}
    prefetched = "arrows" in getattr(entity, "_prefetched_objects_cache", {})
    arrows: Iterable[Relation] = (
        entity.arrows.all()
        if prefetched
        else arrows_seen(entity.arrows.select_related("target"), by if titles else None).order_by("position", "id")
    )
    for arrow in arrows:
        target = arrow.target
        title = target.identifier if getattr(arrow, "hidden", False) else str(target)
        shown = {"identifier": target.identifier, "title": title} if titles else target.identifier
        found.setdefault(arrow.name, []).append(shown)
    return relations_shown(entity.blueprint, found)


def properties_of(entities: Sequence[Entity], *, calculated: bool = True, live: bool = True) -> dict[int, Json]:
    """Each entity's properties as they are now: stored, and unless not wished computed and live. A fixed number of queries."""
    computed = compute.shown(entities) if calculated else {}
    values = {each.pk: moves.shown(each.blueprint, each.properties) | computed.get(each.pk, {}) for each in entities}
    for identifier, kind in {each.blueprint.identifier: each.blueprint for each in entities}.items():
        owner = kinds.live(kind) if live else None
        if owner:
            for pk, now in owner.load([each for each in entities if each.blueprint.identifier == identifier]).items():
                values[pk] |= now
    return values


def told_to_jq(entity: Entity, properties: Json) -> Json:
    """The entity as programs in jq read it, with its `properties` as they are now."""
    return compute.told(entity, properties, relations_of(entity), compute.owners([entity])[entity.pk])


def with_dependents(entities: Iterable[Entity], *, bounded: bool = True) -> list[Entity]:
    """The entities, then all that need them by a required relation, however far, each once.

    Raises Conflict where more than MOST_DEPENDENTS need them, unless that is not `bounded`.
    """
    found = {each.pk: each for each in entities}
    first, own = next(iter(found.values()), None), len(found)
    frontier = list(found.values())
    while frontier:
        needing: dict[int, Entity] = {}
        for arrow in _required(frontier):
            if arrow.source_id not in found:
                needing[arrow.source_id] = arrow.source
            if bounded and len(found) - own + len(needing) > MOST_DEPENDENTS:
                raise Conflict(
                    f"More than {MOST_DEPENDENTS:,} entities need “{first}”, too many to go with it at once. "
                    "Delete those first, as many at a time as you like.",
                    code="has_dependents",
                )
        frontier = list(needing.values())
        found |= needing
    return list(found.values())


def unneeded(entities: Sequence[Entity]) -> list[Entity]:
    """Those that nobody but others of them needs, however far."""
    own = {each.pk for each in entities}
    try:
        every = with_dependents(entities)
    except Conflict:
        return []  # which of them so many need, shows for each alone
    kept = {each.pk for each in every} - own
    arrows = [(each.source_id, each.target_id) for each in _required(every)] if kept else []
    while grown := {target for source, target in arrows if source in kept} - kept:
        kept |= grown
    return [each for each in entities if each.pk not in kept]


def _required(targets: Iterable[Entity]) -> Iterator[Relation]:
    """The arrows at these without which their sources cannot be."""
    arrows = Relation.objects.filter(target__in=targets).select_related("source").order_by("source_id")
    blueprints: dict[int, Blueprint] = {}  # one for all of a kind: there may be very many
    for each in arrows.iterator():
        key = each.source.blueprint_id
        if key not in blueprints:
            blueprints[key] = Blueprint.objects.get(pk=key)
        each.source.blueprint = blueprints[key]
        if (blueprints[key].relation_called(each.name) or {}).get("required"):
            yield each


def seen_of(by: By, entities: Iterable[Entity]) -> set[int]:
    """The keys of those that the viewer may see."""
    rows = permissions.readable(by, Entity.objects.filter(pk__in=[each.pk for each in entities]))
    return set(rows.values_list("pk", flat=True))


def pointing_at(entity: Entity) -> int:
    """How many others point at it by relations that they can do without."""
    arrows = Relation.objects.filter(target=entity).exclude(source=entity).select_related("source__blueprint")
    loose = (each for each in arrows if not (each.source.blueprint.relation_called(each.name) or {}).get("required"))
    return len({each.source_id for each in loose})


def pointed_from(entities: Sequence[Entity]) -> dict[int, list[tuple[str, str, str]]]:
    """For each, the arrows at it from others than these: (blueprint, identifier, name), a thousand at most in all."""
    arrows = Relation.objects.filter(target__in=entities).exclude(source__in=entities).order_by("id")
    named = arrows.values_list("target_id", "source__blueprint__identifier", "source__identifier", "name")
    found: dict[int, list[tuple[str, str, str]]] = {each.pk: [] for each in entities}
    for target, *arrow in named[:MOST_ARROWS]:
        found[target].append((arrow[0], arrow[1], arrow[2]))
    return found


def entity_to_write(kind: str, identifier: str) -> Entity:
    """For a command that checks by itself who may."""
    found = with_relations(Entity.objects.filter(blueprint=blueprint(kind), identifier=identifier)).first()
    if found is None:
        raise Missing(f'Entity with identifier "{identifier}" was not found', nearest=nearest(kind, identifier))
    return found
