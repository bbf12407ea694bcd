"""Indexed properties: marked by a person or by a kept view, built by the worker, used by every list."""

import json

import pytest
from django.db import connection

from catalog import search
from catalog.commands import blueprint_create, blueprint_update, index_add, index_remove, view_save
from catalog.commands.indexes import MOST, indexes_settle
from catalog.models import Entity, IndexedProperty
from catalog.search import indexes, shares
from catalog.tables import kept
from portal.kit.errors import Conflict, Invalid, Refused
from tests.conftest import SETUP, events

DEFINITION = {
    "identifier": "part",
    "title": "Part",
    "schema": {
        "properties": {
            "weight": {"type": "number"},
            "stage": {"type": "string", "enum": ["new", "old", "gone"]},
            "note": {"type": "string"},
            "made": {"type": "string", "format": "date-time"},
            "spare": {"type": "boolean"},
            "tags": {"type": "array"},
        }
    },
}
# 3,000 parts: weights 0 to 2,999 but every tenth without one, stages in turn, one note longer than an index has room for.
FILL = """
insert into catalog_entity (blueprint_id, identifier, title, icon, team, properties, computed, datasource, created_by, updated_by)
select %s, 'p' || n, '', '', '{}', jsonb_strip_nulls(jsonb_build_object(
    'weight', case when n %% 10 <> 0 then n end, 'stage', (array['new', 'old', 'gone', 'odd'])[n %% 4 + 1],
    'note', case when n = 7 then repeat('é', 9000) else 'note ' || n %% 5 end, 'spare', n %% 3 = 0,
    'made', '2026-01-01T00:00:' || lpad((n %% 60)::text, 2, '0') || 'Z')), '{}', '', 'x', 'x'
from generate_series(0, 2999) as n
"""


@pytest.fixture
def part(db):
    blueprint = blueprint_create(DEFINITION, by=SETUP)
    with connection.cursor() as cursor:
        cursor.execute(FILL, [blueprint.pk])
        cursor.execute("analyze catalog_entity")
    return blueprint


@pytest.fixture
def indexed(transactional_db, part):
    for name in ("weight", "stage", "note", "made", "spare"):
        index_add(part, name, by=SETUP)
    indexes_settle([])
    yield part
    IndexedProperty.objects.all().delete()
    indexes_settle([])


def plan(rows):
    return rows.explain()


def first(part, name, descending=False, rows=None):
    rows = Entity.objects.filter(blueprint=part) if rows is None else rows
    return search.ordered(rows, part, [search.Sort(name, descending)])[:51]


def matching(part, name, operator, value):
    rule = search.parse({"combinator": "and", "rules": [{"property": name, "operator": operator, "value": value}]})
    return search.matching(Entity.objects.filter(blueprint=part), rule, by=SETUP, blueprint=part)


def test_lists_are_sorted_bounded_and_counted_by_the_index(indexed):
    assert [indexes.state(indexed, name) for name in ("weight", "stage", "note", "tags")] == ["ready"] * 3 + ["waits"]
    for name in ("weight", "stage", "note", "made", "spare"):
        for descending in (False, True):
            assert "Index Scan using own_" in plan(first(indexed, name, descending)), name
            assert "Sort" not in plan(first(indexed, name, descending)), name
    assert "own_" in plan(matching(indexed, "weight", ">", 2990))
    assert "own_" in plan(matching(indexed, "weight", "<=", 3))
    assert matching(indexed, "weight", ">", 2990).count() == 9
    assert matching(indexed, "weight", "!=", 5).count() == 2999
    same = first(indexed, "weight", True)
    assert [each.properties["weight"] for each in same] == [n for n in range(2999, 2900, -1) if n % 10][:51]
    check_groups(indexed)
    check_changes(indexed)


def check_groups(part):
    """Long lists are counted value by value, no further than a thousand; short ones to the last."""
    rows = Entity.objects.filter(blueprint=part)
    exact = {json.dumps(each.value): each.count for each in search.distribution(rows, part, "stage")}
    assert exact == {'"new"': 750, '"old"': 750, '"gone"': 750, '"odd"': 750}
    with counting_from(1000):
        for name in ("stage", "spare"):
            found = search.groups(rows, part, name, most=100)
            known = search.distribution(rows, part, name)
            assert {(each.value, each.count) for each in found} == {
                (each.value, min(each.count, 1000)) for each in known
            }
        assert [each.said for each in search.groups(rows, part, "spare", most=9)] == ["1,000+", "1,000"]
        assert [each.count for each in search.groups(matching(part, "weight", "<", 6), part, "stage", most=9)] == [
            2,
            1,
            1,
            1,
        ]
        light = matching(part, "weight", "<", 1500)
        assert {each.value: each.count for each in search.groups(light, part, "stage", most=9)} == {
            each.value: each.count for each in search.distribution(light, part, "stage")
        }
        assert len(search.groups(rows, part, "note", most=100)) == 6


def test_the_spread_of_a_long_list_is_that_of_what_changed_last(part):
    rows = Entity.objects.filter(blueprint=part)
    known = search.distribution(rows, part, "stage")
    assert sorted(search.spread(rows, part, "stage", most=8), key=str) == sorted(known, key=str)
    rows.filter(identifier__in=["p1", "p5", "p6"]).update(updated_at="2099-01-01T00:00:00Z")
    with counting_from(3):
        found = search.spread(rows, part, "stage", most=8)
        assert [(each.value, each.count) for each in found] == [("old", 2), ("gone", 1)]
        assert [each.value for each in search.spread(rows, part, "$team", most=8)] == [[]]


def check_changes(part):
    """Another order of an enum is another index; and what is unmarked goes."""
    schema = {
        "properties": DEFINITION["schema"]["properties"]
        | {"stage": {"type": "string", "enum": ["gone", "old", "new", "odd"]}}
    }
    part = blueprint_update(part, DEFINITION | {"schema": schema}, by=SETUP)
    assert indexes.state(part, "stage") == "waits"
    indexes_settle([])
    assert indexes.state(part, "stage") == "ready"
    assert "Index Scan using own_" in plan(first(part, "stage"))
    index_remove(IndexedProperty.objects.get(property="weight"), by=SETUP)
    indexes_settle([])
    assert indexes.state(part, "weight") == "waits"
    assert "own_" not in plan(first(part, "weight"))
    entity = Entity.objects.get(blueprint=part, identifier="p7")
    entity.properties |= {"note": "é" * 100_000, "stage": "x" * 100_000}
    entity.save()


class counting_from:
    """Lists are long from here on."""

    def __init__(self, rows):
        self.rows = rows

    def __enter__(self):
        self.before, shares.MOST_COUNTED = shares.MOST_COUNTED, self.rows

    def __exit__(self, *error):
        shares.MOST_COUNTED = self.before


def test_a_mark_is_refused_for_what_has_no_order_or_stands_nowhere(part, shop):
    from catalog import queries

    for blueprint, name in (
        (part, "tags"),
        (part, "nothing"),
        (part, "$title"),
        (queries.blueprint("deploymentConfig"), "locked"),
    ):
        with pytest.raises(Invalid, match="property"):
            index_add(blueprint, name, by=SETUP)
    assert not IndexedProperty.objects.exists() and events("index") == []


def test_a_second_mark_one_too_many_and_a_strangers_are_refused(part, page, bob):
    index_add(part, "weight", by=SETUP)
    with pytest.raises(Conflict, match="already"):
        index_add(part, "weight", by=SETUP)
    with pytest.raises(Refused):
        index_add(part, "note", by=page(bob))
    for number in range(MOST - 1):
        IndexedProperty.objects.create(blueprint=part, property=f"x{number}")
    with pytest.raises(Conflict, match="slower"):
        index_add(part, "note", by=SETUP)
    assert IndexedProperty.objects.count() == MOST and events("index") == ["index.added"]


def test_a_kept_view_of_a_large_table_marks_what_it_sorts_and_groups_by(part, monkeypatch):
    view_save(part, "Heavy", "sort=-weight,note&group=stage", shared=True, by=SETUP)
    assert kept.sorted_or_grouped() == set()
    monkeypatch.setattr(kept, "LARGE", 2_000)
    assert kept.sorted_or_grouped() == {(part.pk, "weight"), (part.pk, "stage")}


def test_the_admin_marks_and_unmarks_and_shows_what_has_become_of_it(part, alice, client):
    client.force_login(alice)
    answer = client.post("/admin/catalog/indexedproperty/add/", {"blueprint": part.pk, "property": "weight"})
    assert answer.status_code == 302
    row = IndexedProperty.objects.get()
    assert "waits" in client.get("/admin/catalog/indexedproperty/").content.decode()
    refused = client.post("/admin/catalog/indexedproperty/add/", {"blueprint": part.pk, "property": "tags"})
    assert "is no text, number, boolean or date" in refused.content.decode()
    assert client.post(f"/admin/catalog/indexedproperty/{row.pk}/delete/", {"post": "yes"}).status_code == 302
    assert events("index") == ["index.added", "index.removed"]
