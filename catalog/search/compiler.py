"""The tree of a query as a condition of SQL. A negation is the exact complement: of what is unknown, too."""

from collections.abc import Callable, Sequence
from datetime import datetime
from functools import reduce
from operator import and_, ge, gt, le, lt, or_
from typing import Any

from django.db import models
from django.db.models import Exists, F, Func, OuterRef, Q, QuerySet, Value
from django.db.models.functions import Now

from catalog import kinds
from catalog.models import Blueprint, Entity, Relation
from catalog.search import standings, traversal, values
from catalog.search.instants import instant_of, span_of
from catalog.search.rules import (
    Any_,
    Compare,
    Contextual,
    Every,
    MatchAny,
    PropertySchema,
    RelatedTo,
    RelationRule,
    Rule,
    ScorecardRule,
    blueprint_in,
)
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Invalid

ALWAYS = ~Q(pk__in=[])
NEVER = Q(pk__in=[])
ORDER: dict[str, Callable[[Any, Any], Any]] = {">": gt, ">=": ge, "<": lt, "<=": le}
# So many alternatives the index is asked one by one; beyond, the values are compared.
FEW = 50


def matching(
    rows: QuerySet[Entity], rule: Rule, *, by: By, blueprint: Blueprint | None = None, now: datetime | None = None
) -> QuerySet[Entity]:
    """Those of `rows` that the rule is true of. `blueprint`: all rows are of it, so that its types are known."""
    return rows.filter(condition(rule, by=by, blueprint=blueprint, now=now))


def condition(rule: Rule, *, by: By, blueprint: Blueprint | None = None, now: datetime | None = None) -> Q:
    """The rule as a condition on entities, to ask of some rather than to choose them."""
    return _Compiler(by, blueprint, now).of(rule)


def bound_by(bounds: Callable[[By], Q | None]) -> None:
    """Who stands above says what the one who asks may know of the targets of relations beside their identifiers."""
    _bounds[:] = [bounds]


_bounds: list[Callable[[By], Q | None]] = [lambda by: None]


class _True(Func):
    template = "((%(expressions)s) IS TRUE)"
    output_field = models.BooleanField()


class _Infix(Func):
    template = "%(expressions)s"
    output_field = models.BooleanField()

    def __init__(self, left: Any, operator: str, right: Any) -> None:
        super().__init__(left, right, arg_joiner=f" {operator} ")


class _Absent(Func):
    template = "(%(expressions)s IS NULL)"
    output_field = models.BooleanField()


class _Like(Func):
    """Whether one of the texts in a list is like the pattern, whatever the case."""

    template = "(EXISTS (SELECT 1 FROM unnest(%(expressions)s)))"
    arg_joiner = ") AS each WHERE each ILIKE ("
    output_field = models.BooleanField()


class _Compiler:
    def __init__(self, by: By, blueprint: Blueprint | None, now: datetime | None) -> None:
        self.by, self.blueprint, self._now = by, blueprint, now

    def of(self, rule: Rule) -> Q:
        match rule:
            case Every(rules):
                own = self._pinned(rules)
                return reduce(and_, map(own.of, rules), ALWAYS) if rules else ALWAYS
            case Any_(rules):
                return reduce(or_, map(self.of, rules)) if rules else ALWAYS
            case RelatedTo():
                return Q(pk__in=traversal.related_to(rule))
            case MatchAny():
                return Q(pk__in=traversal.match_any(rule))
            case RelationRule():
                return _turned(self._relation(rule), rule.negated)
            case ScorecardRule():
                return _turned(self._scorecard(rule), rule.negated)
            case Compare():
                return _turned(self._compare(rule), rule.negated)
        raise AssertionError(rule)

    def _pinned(self, rules: Sequence[Rule]) -> "_Compiler":
        """Where one of the rules names the blueprint, the others are about its properties, whose types are known."""
        if self.blueprint is not None:
            return self
        blueprint = Blueprint.objects.filter(identifier=blueprint_in(rules)).first()
        if blueprint:
            kinds.settle(blueprint.identifier)
        return _Compiler(self.by, blueprint, self._now) if blueprint else self

    @property
    def now(self) -> datetime:
        self._now = self._now or database_now()
        return self._now

    def _compare(self, rule: Compare) -> Q:
        operator, value = rule.operator, rule.value
        if isinstance(value, Contextual):
            found = self._said(value)
            if operator not in ("=", "in", "containsAny"):
                said = [instant_of(each) or each if operator in ORDER else each for each in found]
                return reduce(or_, (self._field(rule.field, operator, each) for each in said), NEVER)
            operator, value = "in", tuple(found)
        if operator == "between":
            value = span_of(value, self.now) if isinstance(value, str) else value
        return self._field(rule.field, operator, value)

    def _field(self, field: Any, operator: str, value: Any) -> Q:
        if isinstance(field, Contextual):
            return ALWAYS if _holds(self._said(field), operator, value) else NEVER
        if isinstance(field, PropertySchema):
            return self._any_declared(field, operator, value)
        return self._named(field, self.blueprint, operator, value)

    def _named(self, name: str, blueprint: Blueprint | None, operator: str, value: Any) -> Q:
        if name == values.TEAM:
            return _owned(blueprint, operator, value)
        if name in values.TEXTS:
            return _text_column(name, operator, value)
        if name in values.INSTANTS:
            return _instant_column(values.INSTANTS[name], operator, value)
        if blueprint is None and (live := kinds.live_in(name)):
            return self._live_somewhere(name, live, operator, value)
        return _Property(name, blueprint).compare(operator, value)

    def _live_somewhere(self, name: str, live: list[str], operator: str, value: Any) -> Q:
        """Over all blueprints: in some as their owner says, in the others as it is stored."""
        owned = list(Blueprint.objects.filter(identifier__in=live))
        stored = ~Q(blueprint__in=owned) & _Property(name, None).compare(operator, value)
        told = [Q(blueprint=each) & _Property(name, each).compare(operator, value) for each in owned]
        return reduce(or_, told, stored)

    def _any_declared(self, schema: PropertySchema, operator: str, value: Any) -> Q:
        blueprints = [self.blueprint] if self.blueprint else list(Blueprint.objects.all())
        found = NEVER
        for blueprint in blueprints:
            live = blueprint.derived.get("live", ())
            known = [name for name in blueprint.declared if name not in live]
            names = [name for name in known if _fits(values.declared(blueprint, name), schema)]
            here = reduce(or_, (self._named(name, blueprint, operator, value) for name in names), NEVER)
            found |= Q(blueprint=blueprint.pk) & here if names else NEVER
        return found

    def _relation(self, rule: RelationRule) -> Q:
        arrows = Relation.objects.filter(source=OuterRef("pk"), name=rule.name)
        if rule.operator == "isEmpty" or rule.operator == "=" and rule.value is None:
            return Q(~Exists(arrows))
        value = tuple(self._said(rule.value)) if isinstance(rule.value, Contextual) else rule.value
        operator = "in" if isinstance(rule.value, Contextual) else rule.operator
        targets = Entity.objects.filter(pk=OuterRef("target")).filter(_text_column(rule.target, operator, value))
        seen = _bounds[0](self.by) if rule.target != "$identifier" else None
        targets = targets if seen is None else targets.filter(seen)
        return Q(Exists(arrows.filter(Exists(targets))))

    def _scorecard(self, rule: ScorecardRule) -> Q:
        if self.blueprint is None:
            raise Invalid.at("scorecard", "belongs to one blueprint: search in that one, or say which by $blueprint")
        standing = standings.of(self.blueprint, rule.scorecard, rule.rule)
        if rule.operator == "isEmpty" or rule.operator == "=" and rule.value is None:
            return Q(_Absent(standing))
        wanted = rule.value if rule.operator == "in" else [rule.value]
        texts = [each for each in wanted if isinstance(each, str)]
        found = reduce(or_, (Q(_Infix(standing, "=", Value(each))) for each in texts), NEVER)
        return found | (Q(_Absent(standing)) if None in wanted else NEVER)

    def _said(self, named: Contextual) -> list[Any]:
        """The values of the one who asks."""
        actor = self.by.actor
        if named.context == "user":
            kind, identifiers = "_user", [actor.email] if actor.email else []
        else:
            kind, identifiers = "_team", sorted(actor.teams)
        if named.property == "$identifier":
            return list(identifiers)
        found: list[Any] = []
        for each in Entity.objects.filter(blueprint__identifier=kind, identifier__in=identifiers).order_by(
            "identifier"
        ):
            value = str(each) if named.property == "$title" else each.properties.get(named.property)
            found += value if isinstance(value, list) else [value] if value is not None else []
        return found


class _Property:
    """Conditions on one property, which may stand in several columns, or in none when it is live."""

    def __init__(self, name: str, blueprint: Blueprint | None) -> None:
        self.name, self.blueprint = name, blueprint
        self.value = values.json_of(name, blueprint)
        self.columns = values.containers(name, blueprint)
        definition = values.declared(blueprint, name) if blueprint else {}
        self.is_instant = definition.get("format") in ("date-time", "timer")

    def compare(self, operator: str, value: Any) -> Q:
        return _CONDITIONS[operator](self, value)

    def equals(self, value: Any) -> Q:
        if value is None:
            return self.is_empty(None)
        moment = instant_of(value) if self.is_instant else None
        if moment:
            return Q(_Infix(values.instant(self.value), "=", Value(moment)))
        if isinstance(value, dict | list) or not self.columns:
            return Q(_Infix(self.value, "=", _json(value))) | self._has_element(value)
        return reduce(
            or_, (Q(**{f"{c}__contains": {self.name: each}}) for c in self.columns for each in (value, [value]))
        )

    def _has_element(self, value: Any) -> Q:
        if isinstance(value, dict | list):
            return NEVER
        return Q(_Infix(self.value, "@>", _json([value])))

    def is_in(self, wanted: Sequence[Any]) -> Q:
        if len(wanted) <= FEW or not self.columns:
            return reduce(or_, map(self.equals, wanted), NEVER)
        some = [each for each in wanted if each is not None]
        condition = Q(Func(self.value, _json(some), function="pc_among", output_field=models.BooleanField()))
        return condition | (self.is_empty(None) if len(some) < len(wanted) else NEVER)

    def beyond(self, sign: str) -> Callable[[Any], Q]:
        def compare(value: Any) -> Q:
            if isinstance(value, datetime):
                return Q(_Infix(values.instant(self.value), sign, Value(value)))
            if isinstance(value, int | float) and not isinstance(value, bool):
                return Q(_Infix(values.number(self.value), sign, values.amount(value)))
            return NEVER

        return compare

    def between(self, ends: tuple[datetime, datetime]) -> Q:
        return self.beyond(">=")(ends[0]) & self.beyond("<=")(ends[1])

    def is_like(self, shape: str) -> Callable[[Any], Q]:
        texts = Func(self.value, function="pc_texts", output_field=values.text_list())
        return lambda part: Q(_Like(texts, Value(_pattern(shape, part)))) if isinstance(part, str) else NEVER

    def is_empty(self, value: Any) -> Q:
        return Q(_Absent(self.value))

    def is_expired(self, value: Any) -> Q:
        return Q(_Infix(values.instant(self.value), "<=", Now()))


_CONDITIONS: dict[str, Callable[[_Property, Any], Q]] = {
    "=": _Property.equals,
    "in": _Property.is_in,
    "containsAny": _Property.is_in,
    ">": lambda own, value: own.beyond(">")(value),
    ">=": lambda own, value: own.beyond(">=")(value),
    "<": lambda own, value: own.beyond("<")(value),
    "<=": lambda own, value: own.beyond("<=")(value),
    "between": _Property.between,
    "contains": lambda own, value: own.is_like("%{}%")(value),
    "beginsWith": lambda own, value: own.is_like("{}%")(value),
    "endsWith": lambda own, value: own.is_like("%{}")(value),
    "isEmpty": _Property.is_empty,
    "isExpired": _Property.is_expired,
}
SHAPES = {"contains": "%{}%", "beginsWith": "{}%", "endsWith": "%{}"}


def _text_column(name: str, operator: str, value: Any) -> Q:
    """A title that is not set is the identifier, as everywhere it is shown."""
    column = values.TEXTS[name]
    if operator == "isEmpty" or operator == "=" and value is None:
        return Q(**{column: ""})
    if operator == "=":
        return _column_in(column, [value])
    if operator in ("in", "containsAny"):
        empty = Q(**{column: ""}) if None in value else NEVER
        return _column_in(column, value) | empty
    if operator in SHAPES and isinstance(value, str):
        pattern = Value(_pattern(SHAPES[operator], value))
        found = Q(_Infix(F(column), "ILIKE", pattern))
        return found | Q(title="") & Q(_Infix(F("identifier"), "ILIKE", pattern)) if column == "title" else found
    return NEVER


def _column_in(column: str, wanted: Sequence[Any]) -> Q:
    texts = [each for each in wanted if isinstance(each, str) and each]
    found = Q(**{f"{column}__in": texts})
    return found | Q(title="", identifier__in=texts) if column == "title" else found


def _instant_column(column: str, operator: str, value: Any) -> Q:
    if operator == "isExpired":
        return Q(**{f"{column}__lte": Now()})
    if operator == "between":
        return Q(**{f"{column}__gte": value[0], f"{column}__lte": value[1]})
    if operator in ("in", "containsAny"):
        return Q(**{f"{column}__in": [moment for each in value if (moment := instant_of(each))]})
    lookups = {"=": "", ">": "__gt", ">=": "__gte", "<": "__lt", "<=": "__lte"}
    moment = value if isinstance(value, datetime) else instant_of(value)
    if operator not in lookups or moment is None:
        return NEVER
    return Q(**{column + lookups[operator]: moment})


def _owned(blueprint: Blueprint | None, operator: str, value: Any) -> Q:
    """By the entity's own teams; where it has none and its blueprint inherits, by those at the end of the path."""
    path = values.inherited(blueprint) if blueprint else []
    if not path:
        return _team(operator, value)
    if operator == "isEmpty" or operator == "=" and value is None:
        return Q(team=[]) & ~_leading_to(path, ~Q(team=[]))
    if operator in ("in", "containsAny") and None in value:
        some = _owned(blueprint, operator, [each for each in value if each is not None])
        return some | _owned(blueprint, "isEmpty", None)
    return _team(operator, value) | Q(team=[]) & _leading_to(path, _team(operator, value))


def _leading_to(path: list[str], condition: Q) -> Q:
    ends: QuerySet[Entity] = Entity.objects.filter(condition)
    for name in reversed(path):
        arrows = Relation.objects.filter(name=name, target__in=ends.values("pk")).order_by()
        ends = Entity.objects.filter(pk__in=arrows.values("source"))
    return Q(pk__in=ends.values("pk"))


def _team(operator: str, value: Any) -> Q:
    if operator == "isEmpty" or operator == "=" and value is None:
        return Q(team=[])
    if operator == "=":
        return Q(team__contains=[value]) if isinstance(value, str) else Q(team=value) if _is_texts(value) else NEVER
    if operator in ("in", "containsAny"):
        texts = [each for each in value if isinstance(each, str)]
        return Q(team__overlap=texts) | (Q(team=[]) if None in value else NEVER) if texts or None in value else NEVER
    if operator in SHAPES and isinstance(value, str):
        return Q(_Like(F("team"), Value(_pattern(SHAPES[operator], value))))
    return NEVER


def _is_texts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _turned(condition: Q, negated: bool) -> Q:
    """What is unknown is as good as false, until it is turned round. So only then it is made false: no index serves that."""
    return ~Q(_True(condition)) if negated else condition


def _json(value: Any) -> Value:
    return Value(value, output_field=models.JSONField())


def _pattern(shape: str, part: str) -> str:
    escaped = part.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return shape.format(escaped)


def _fits(definition: Any, schema: PropertySchema) -> bool:
    items = (definition.get("items") or {}).get("type") or ""
    same_format = not schema.format or definition.get("format") == schema.format
    return definition.get("type") == schema.type and same_format and schema.items in ("", items)


def _holds(said: list[Any], operator: str, value: Any) -> bool:
    """A comparison with the one who asks, which is the same for every row."""
    if operator == "isEmpty" or operator == "=" and value is None:
        return not said
    if operator in ("=", "in", "containsAny"):
        wanted = [value] if operator == "=" else value
        return any(_same(each, one) for each in said for one in wanted) or None in wanted and not said
    if operator in SHAPES:
        texts = [each.lower() for each in said if isinstance(each, str)]
        return any(_TESTS[operator](each, str(value).lower()) for each in texts)
    return any(_is_beyond(each, operator, value) for each in said)


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "contains": str.__contains__,
    "beginsWith": str.startswith,
    "endsWith": str.endswith,
}


def _same(one: Any, other: Any) -> bool:
    """As JSON sees it: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _is_beyond(said: Any, operator: str, value: Any) -> bool:
    if operator == "between":
        return _is_beyond(said, ">=", value[0]) and _is_beyond(said, "<=", value[1])
    own = instant_of(said) if isinstance(value, datetime) else said
    kinds = datetime if isinstance(value, datetime) else int | float
    if operator not in ORDER or any(isinstance(each, bool) or not isinstance(each, kinds) for each in (own, value)):
        return False
    return bool(ORDER[operator](own, value))
