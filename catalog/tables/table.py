"""A blueprint's table: what the state asks for, found, sorted, grouped and made ready for the template."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.functional import cached_property

from catalog import queries, search
from catalog.models import Blueprint, Entity, Relation
from catalog.search import standings
from catalog.search.values import RELATIONS
from catalog.tables import cells, filters, looks
from catalog.tables.addresses import entity_url
from catalog.tables.columns import Column, columns_of, shown_at_first
from catalog.tables.state import Filter, State
from portal.kit.by import By
from portal.kit.errors import Invalid
from portal.kit.paging import counted, number
from portal.kit.templatetags.kit import middle

Json = dict[str, Any]

PAGE = 50
MOST_GROUPS = 100
UNSET = "(not set)"


@dataclass
class Table:
    """`problem` is a sentence about the filter where it could not be read; then nothing is filtered away.

    `within` keeps the table to some of the blueprint's entities, whatever is asked for.
    """

    blueprint: Blueprint
    state: State
    by: By
    within: Q = field(default_factory=Q)

    def __post_init__(self) -> None:
        self.look = looks.of(self.blueprint.identifier)
        self.columns = columns_of(self.blueprint) | {column.name: column for column in self.look.more}
        wished = [name for name in self.state.columns or self.look.shown if name in self.columns]
        self.shown = [self.columns[name] for name in wished or shown_at_first(self.blueprint, self.columns)]
        self.problem = ""
        try:
            self.rule = filters.rule_of(self.state, self.columns)
        except Invalid as wrong:
            self.problem, self.rule = wrong.details["errors"][0]["message"], None
        self.sort = [each for each in self.state.sort if self._sorts(each.property)]
        group = self.columns.get(self.state.group)
        self.group = group if group and group.countable else None

    def _sorts(self, name: str) -> bool:
        return name in ("$identifier", "$title") or name in self.columns and self.columns[name].sortable

    @property
    def all(self) -> QuerySet[Entity]:
        """All there are, in no order."""
        return queries.entities(self.by, self.blueprint).filter(self.within).order_by()

    @property
    def in_order(self) -> QuerySet[Entity]:
        """All that match, as they stand in the table."""
        return search.ordered(self.rows, self.blueprint, self.sort)

    @property
    def rows(self) -> QuerySet[Entity]:
        """All that match, in no order."""
        return self.found.rows if self.found else self._kept

    @cached_property
    def found(self) -> search.Found | None:
        return search.words(self._kept, self.state.words) if self.state.words else None

    @property
    def _kept(self) -> QuerySet[Entity]:
        """All that the filters let through."""
        if not self.rule:
            return self.all
        return search.matching(self.all, self.rule, by=self.by, blueprint=self.blueprint)

    @property
    def count_text(self) -> str:
        if self.found:
            count = self.page.count if self.group is None else self.found.count
            return number(count or 0, search.MOST_FOUND, "result", "results")
        return counted(self.rows, "result", "results")

    @property
    def filtered(self) -> bool:
        return bool(self.state.words or self.state.filters)

    @property
    def has_spreads(self) -> bool:
        return any(column.spreads for column in self.shown)

    @cached_property
    def page(self) -> search.Page:
        if self.found:
            page = partial(search.page, self.found.every, count_to=search.MOST_FOUND + 1)
        else:
            page = partial(search.page, self.rows)
        page = partial(page, blueprint=self.blueprint, keys=self.sort, size=PAGE)
        try:
            return page(cursor=self.state.cursor)
        except Invalid:  # somebody edited the address; the first page will do
            return page()

    def heads(self) -> list[Json]:
        first = self._head("$title", self.look.title or self.blueprint.title)
        return [first, *(self._head(column.name, column.title) for column in self.shown)]

    def _head(self, name: str, title: str) -> Json:
        now = next((key for key in self.sort if key.property == name), None)
        direction = ("descending" if now.descending else "ascending") if now else None
        wished = search.Sort(name, descending=direction == "ascending")
        sortable = name == "$title" or self.columns[name].sortable
        return {"title": title, "sort": direction, "url": self.state.url(sort=(wished,)) if sortable else None}

    def lines(self, entities: Sequence[Entity]) -> list[Json]:
        """Rows for the template."""
        values = self._values(entities)
        own = self.look.load(self.by, entities) if self.look.load else {}
        return [self._line(each, values[each.pk], own.get(each.pk)) for each in entities]

    def _values(self, entities: Sequence[Entity]) -> dict[int, Json]:
        """Their properties and, where these are shown, how they stand by scorecards and who owns them."""
        values, kinds = queries.properties_of(entities), {column.kind for column in self.shown}
        judged = standings.said(entities) if "level" in kinds else {}
        teams = queries.teams_of(entities) if "team" in kinds else {}
        return {pk: each | judged.get(pk, {}) | {"$team": teams.get(pk, [])} for pk, each in values.items()}

    def _line(self, entity: Entity, values: Json, own: Any) -> Json:
        arrows = _arrows(entity)
        made = self.look.cells if own is not None else {}
        return {
            "identifier": entity.identifier,
            "title": made["$title"](own) if "$title" in made else middle(str(entity), 44),
            "says_identifier": "$title" not in made and not is_slug(entity.identifier, entity.title),
            "url": entity_url(self.blueprint.identifier, entity.identifier),
            "edit_url": reverse("catalog:cell", args=[self.blueprint.identifier, entity.identifier]),
            "cells": [
                (column, made[column.name](own) if column.name in made else self._cell(column, entity, values, arrows))
                for column in self.shown
            ],
        }

    def _cell(self, column: Column, entity: Entity, values: Json, arrows: dict[str, list[Relation]]) -> Any:
        name = column.name
        if column.kind == "relation":
            return cells.targets(arrows.get(name.removeprefix(RELATIONS), []))
        if name == "$team":
            return cells.teams(values["$team"])
        if name in ("$createdAt", "$updatedAt"):
            return cells.of({"kind": "datetime", "value": _meta(entity, name)})
        if name.startswith("$"):
            return cells.of({"kind": "text", "value": _meta(entity, name)})
        return cells.value(column.definition, values.get(name))

    def groups(self) -> list[Json]:
        """Each value with its count, the commonest first; the open one with its first rows."""
        if self.group is None:
            return []
        shares = search.groups(self.rows, self.blueprint, self.group.name, most=MOST_GROUPS)
        return [self._group(self.group, share) for share in shares]

    def _group(self, column: Column, share: search.Share) -> Json:
        value = None if share.value == [] else share.value
        said = _said(value)
        is_open = self.state.open == said
        line = _line_for(column, value)
        is_named = column.kind == "relation" or column.name == "$team"
        group: Json = {
            "html": (said if is_named else cells.value(column.definition, value)) or UNSET,
            "count": share.said,
            "is_open": is_open,
            "url": self.state.url(open=None if is_open else said),
            "filter_url": self.state.url(filters=(*self.state.filters, line), group="", open=None) if line else None,
            "lines": [],
        }
        if is_open:
            rows = search.matching(self.rows, _is(column, value), by=self.by, blueprint=self.blueprint)
            page = search.page(rows, self.blueprint, self.sort, size=PAGE)
            group |= {"lines": self.lines(page.rows), "has_more": page.next is not None}
        return group

    def spreads(self) -> list[Json | None]:
        """For each shown column how its values are spread, None where there are too many to tell."""
        return [self._spread(column) if column.spreads else None for column in self.shown]

    def _spread(self, column: Column) -> Json:
        shares = search.spread(self.rows, self.blueprint, column.name, most=8)
        total = sum(share.count for share in shares) or 1
        colours = column.definition.get("enumColors") or {}
        parts, at = [], 0.0
        for share in shares:
            width = 100 * share.count / total
            line = _line_for(column, share.value)
            parts.append(
                {
                    "x": round(at, 2),
                    "width": round(max(width - 1, 0.5), 2),
                    "word": _said(share.value) or UNSET,
                    "count": share.count,
                    "colour": colours.get(str(share.value), "lightGray" if share.value in (None, False) else "blue"),
                    "url": self.state.url(filters=(*self.state.filters, line)) if line else None,
                }
            )
            at += width
        return {"title": column.title, "parts": parts}

    def exported(self) -> Iterator[tuple[Entity, Json]]:
        """Every row that matches, in the table's order, with its properties; a few hundred at a time in memory."""
        batch: list[Entity] = []
        for entity in self.in_order.iterator(chunk_size=500):
            batch.append(entity)
            if len(batch) == 500:
                yield from self._valued(batch)
                batch = []
        yield from self._valued(batch)

    @property
    def exportable(self) -> list[Column]:
        return [column for column in self.shown if column not in self.look.more]

    def _valued(self, batch: list[Entity]) -> Iterator[tuple[Entity, Json]]:
        values = self._values(batch)
        for entity in batch:
            yield entity, self.plain(entity, values[entity.pk])

    def plain(self, entity: Entity, values: Json) -> Json:
        """The shown columns as plain values."""
        arrows = _arrows(entity)
        row: Json = {"identifier": entity.identifier, "title": entity.title or None}
        for column in self.exportable:
            if column.kind == "relation":
                pointed = arrows.get(column.name.removeprefix(RELATIONS), [])
                row[column.name] = [each.target.identifier for each in pointed]
            elif column.name == "$team":
                row[column.name] = values["$team"]
            else:
                row[column.name] = _meta(entity, column.name) if column.name[0] == "$" else values.get(column.name)
        return row


def is_slug(identifier: str, title: str) -> bool:
    """Whether the identifier tells nothing that the title does not."""
    return not title or "".join(filter(str.isalnum, title)).casefold() == "".join(filter(str.isalnum, identifier))


def _arrows(entity: Entity) -> dict[str, list[Relation]]:
    found: dict[str, list[Relation]] = {}
    for arrow in entity.arrows.all():
        found.setdefault(arrow.name, []).append(arrow)
    return found


def _meta(entity: Entity, name: str) -> Any:
    columns = {
        "$createdAt": "created_at",
        "$createdBy": "created_by",
        "$updatedAt": "updated_at",
        "$updatedBy": "updated_by",
        "$datasource": "datasource",
    }
    # What a look adds is told by the look, of the rows that it knows.
    return getattr(entity, columns[name]) if name in columns else None


def _said(value: Any) -> str:
    """A value in the address, and in words."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(_said, value))
    return str(value) if isinstance(value, str | int | float) else "…"


def _is_plain(value: Any) -> bool:
    return isinstance(value, str | int | float)


def _is(column: Column, value: Any) -> search.Rule:
    operator: Json = {"operator": "isEmpty"} if value is None else {"operator": "=", "value": value}
    return search.parse({"combinator": "and", "rules": [column.named | operator]})


def _line_for(column: Column, value: Any) -> Filter | None:
    """The filter's line that finds what has this value."""
    if value is None:
        return Filter(column.name, "isEmpty")
    if isinstance(value, list) and len(value) == 1:
        value = value[0]  # those that are owned by others too are found with it
    return Filter(column.name, "=", _said(value)) if _is_plain(value) and _said(value) else None
