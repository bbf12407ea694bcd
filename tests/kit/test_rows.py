"""Rows written and read past the ORM are the ORM's rows."""

from datetime import UTC, datetime

import pytest
from django.db import DataError, transaction

from catalog.models import Blueprint, Entity
from portal.audit.models import Event
from portal.kit import rows

AT = datetime(2026, 1, 31, 12, tzinfo=UTC)


def entity(shop, identifier, **more):
    kind = Blueprint.objects.get(identifier="service")
    told = {"title": "", "icon": "", "team": ["payments", "a,b"], "properties": {"a": [1, None, "ü"]}, "computed": {}}
    return rows.new(
        Entity, blueprint=kind, identifier=identifier, **told | {"updated_at": AT, "created_by": "Dana"} | more
    )


def test_a_new_row_is_what_its_model_would_make():
    told = {"name": "thing.made", "noun": "thing", "before": None, "payload": {"a": 1}}
    mine, theirs = vars(rows.new(Event, **told)), vars(Event(**told))
    assert mine.keys() == theirs.keys() and mine["_state"].adding
    anew = {"_state", "public_id", "trace", "at"}
    assert {name: mine[name] for name in mine.keys() - anew} == {name: theirs[name] for name in theirs.keys() - anew}
    assert mine["public_id"] != rows.new(Event, **told).public_id


@pytest.mark.parametrize("count", [1, rows.FEW, rows.FEW + 1])
def test_few_and_many_are_kept_alike(shop, count):
    made = [entity(shop, f"made-{number}", icon="Box" if number else "") for number in range(count)]
    rows.insert(made)
    for row in made:
        kept = Entity.objects.get(pk=row.pk)
        assert (kept.identifier, kept.icon, kept.team, kept.properties, kept.updated_at, kept.created_by) == (
            row.identifier,
            row.icon,
            ["payments", "a,b"],
            {"a": [1, None, "ü"]},
            AT,
            "Dana",
        )
        assert kept.created_at and kept.blueprint.identifier == "service"


@pytest.mark.parametrize("count", [1, rows.FEW + 1])
@pytest.mark.parametrize("wrong", [{"icon": "x" * 101}, {"identifier": "half \ud83d"}, {"identifier": "nul \0"}])
def test_what_a_column_cannot_hold_is_refused_and_not_cut(shop, count, wrong):
    rest = [entity(shop, f"made-{number}") for number in range(count - 1)]
    with pytest.raises(DataError), transaction.atomic():
        rows.insert([*rest, entity(shop, **{"identifier": "odd"} | wrong)])
    assert not Entity.objects.filter(created_by="Dana").exists()


def test_one_is_the_row_that_its_manager_gets(shop):
    found, known = rows.one(Blueprint, identifier="service"), Blueprint.objects.get(identifier="service")
    assert {**vars(found), "_state": None} == {**vars(known), "_state": None} and not found._state.adding
    assert rows.one(Blueprint, identifier="nothing") is None
