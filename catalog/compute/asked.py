"""What an aggregation reads of its targets, told from its definition."""

from dataclasses import dataclass

from catalog import search
from catalog.compute.aggregations import depends_on_time
from catalog.models import Json
from catalog.search.rules import Compare, RelationRule, leaves
from portal.kit.errors import Invalid


@dataclass(frozen=True)
class Asked:
    """`names`: their properties; `relations`: (name, what of the entity it points at).

    `loose`: its query asks of more, or of the clock: nobody can tell which writes change the number.
    """

    names: frozenset[str]
    relations: frozenset[tuple[str, str]]
    loose: bool


def asked(declared: Json) -> Asked:
    spec = declared["calculationSpec"]
    timed = spec.get("averageOf") not in (None, "total")
    names = {spec[key] for key in ("property", *(["measureTimeBy"] if timed else [])) if spec.get(key)}
    try:
        rules = list(leaves(search.parse(declared["query"]))) if declared.get("query") else []
    except Invalid:  # it came past the check, long ago
        return Asked(frozenset(names), frozenset(), loose=True)
    compared = [each for each in rules if isinstance(each, Compare) and isinstance(each.field, str)]
    related = [each for each in rules if isinstance(each, RelationRule)]
    names |= {str(each.field) for each in compared}
    loose = len(compared) + len(related) < len(rules) or depends_on_time(declared)
    return Asked(frozenset(names), frozenset((each.name, each.target) for each in related), loose)
