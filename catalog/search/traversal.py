"""Sets of entities that are reached along relations, as subqueries. A walk may go in circles: each entity counts once."""

from django.db.models.expressions import RawSQL

from catalog.models import Blueprint
from catalog.search.rules import MatchAny, RelatedTo, Step

_NAMED = """select e.id from catalog_entity e join catalog_blueprint b on b.id = e.blueprint_id
    where b.identifier = %s and e.identifier = any(%s)"""
_ANYWHERE = """select e.id from catalog_entity e
    where e.blueprint_id = any(array(select id from catalog_blueprint)) and e.identifier = any(%s)"""

_WALK = """with recursive start as ({start}), reach(id) as (
    select r.{end} from start join catalog_relation r on r.{begin} = start.id{only}
    union
    select r.{end} from reach join catalog_relation r on r.{begin} = reach.id{only}
) select id from reach"""
_ONLY = """ and {word} exists (select 1 from catalog_entity s join unnest(%s::bigint[], %s::text[]) as d(blueprint, name)
    on s.blueprint_id = d.blueprint and d.name = r.name where s.id = r.source_id)"""

FORWARD, BACKWARD = ("source_id", "target_id"), ("target_id", "source_id")


def related_to(rule: RelatedTo) -> RawSQL:
    """Upstream is what the named entities depend on: along the arrows. Downstream is what depends on them."""
    ways = {"upstream": [FORWARD], "downstream": [BACKWARD], "": [FORWARD, BACKWARD]}[rule.direction]
    only, names = _only(rule.required)
    parts, parameters = [], []
    for begin, end in ways:
        parts.append(f"({_WALK.format(start=_NAMED, begin=begin, end=end, only=only)})")
        parameters += [rule.blueprint, list(rule.identifiers), *names, *names]
    return RawSQL(" union ".join(parts), parameters)


def _only(required: bool | None) -> tuple[str, list[list[object]]]:
    if required is None:
        return "", []
    found = [
        (blueprint.pk, name)
        for blueprint in Blueprint.objects.only("relations")
        for name, declared in blueprint.relations.items()
        if declared.get("required")
    ]
    names: list[list[object]] = [[pk for pk, _ in found], [name for _, name in found]]
    return _ONLY.format(word="" if required else "not"), names


def match_any(rule: MatchAny) -> RawSQL:
    """Without a start the path leads from the searched entities to the named ones, so it is walked backwards from those."""
    steps, (begin, end) = (rule.path, FORWARD) if rule.start else (rule.path[::-1], BACKWARD)
    start = _NAMED if rule.start else _ANYWHERE
    parameters: list[object] = [rule.start] if rule.start else []
    parameters.append(list(rule.identifiers))
    parts = [f"s0(id) as ({start})"]
    for number, step in enumerate(steps):
        sql, added = _step(step, number, begin, end)
        parts.append(sql)
        parameters += added
    return RawSQL(f"with recursive {', '.join(parts)} select id from s{len(steps)}", parameters)


def _step(step: Step, number: int, begin: str, end: str) -> tuple[str, list[object]]:
    arrow = f"join catalog_relation r on r.{begin} = w.id and r.name = %s"
    if not step.hops:
        return f"s{number + 1}(id) as (select distinct r.{end} from s{number} w {arrow})", [step.relation]
    walk = (
        f"w{number}(id, depth) as (select id, 0 from s{number} union "
        f"select r.{end}, depth + 1 from w{number} w {arrow} where depth < %s)"
    )
    return f"{walk}, s{number + 1}(id) as (select distinct id from w{number} where depth > 0)", [
        step.relation,
        step.hops,
    ]
