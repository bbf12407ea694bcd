"""Mirrors and calculations: right whenever somebody reads, found once a worker has come by."""

import pytest

from catalog import compute, queries, search
from catalog.commands import blueprint_create, blueprint_rename, blueprint_update, entity_delete
from catalog.models import Entity, Stale
from portal.audit.models import Event
from portal.kit.errors import Invalid
from tests.conftest import SETUP, write

TEXT = {"type": "string"}


def blueprint(identifier, properties=None, **rest):
    definition = {"identifier": identifier, "title": identifier, "schema": {"properties": properties or {}}}
    return blueprint_create(definition | rest, by=SETUP)


def update(identifier, **changes):
    return blueprint_update(queries.blueprint(identifier), changes, partial=True, by=SETUP)


def to(target, **rest):
    return {"target": target} | rest


def mirror(path):
    return {"path": path}


def calculation(program, kind="string", **rest):
    return {"type": kind, "calculation": program} | rest


def read(kind, identifier):
    """As every door reads it."""
    entity = Entity.objects.select_related("blueprint").get(blueprint__identifier=kind, identifier=identifier)
    values = queries.properties_of([entity])[entity.pk]
    return {name: value for name, value in values.items() if name in entity.blueprint.computed_properties}


def stored(kind, identifier):
    return Entity.objects.get(blueprint__identifier=kind, identifier=identifier).computed


def swept():
    while compute.sweep():
        pass
    assert not Stale.objects.exists()


def found(kind, name, value):
    own = queries.blueprint(kind)
    rule = search.parse({"combinator": "and", "rules": [{"property": name, "operator": "=", "value": value}]})
    rows = search.matching(Entity.objects.filter(blueprint=own), rule, by=SETUP, blueprint=own)
    return sorted(rows.values_list("identifier", flat=True))


@pytest.fixture
def park(db):
    """A van is driven by a driver of a depot, and carries parcels. The van shows what it knows of them."""
    blueprint("depot", {"city": TEXT, "open": {"type": "boolean"}})
    blueprint("driver", {"name": TEXT}, relations={"depot": to("depot")})
    blueprint("parcel", {"weight": {"type": "number"}, "tags": {"type": "array"}})
    blueprint(
        "van",
        {"plate": TEXT},
        relations={"driver": to("driver"), "load": to("parcel", many=True)},
        mirrorProperties={
            "city": mirror("driver.depot.city"),
            "who": mirror("driver.$title"),
            "weights": mirror("load.weight"),
            "tags": mirror("load.tags"),
        },
        calculationProperties={
            "label": calculation(".properties.plate + ' of ' + .properties.city"),
            "heavy": calculation("(.properties.weights // [] | add // 0) > 10", "boolean"),
            "wrong": calculation(".properties.plate", "number"),
        },
    )
    write("depot", "east", properties={"city": "Leipzig"})
    write("depot", "west", properties={"city": "Bonn"})
    write("driver", "dora", title="Dora", relations={"depot": ("east",)})
    write("parcel", "p1", properties={"weight": 3, "tags": ["glass"]})
    write("parcel", "p2", properties={"weight": 9, "tags": ["glass", "cold"]})
    write("van", "v1", properties={"plate": "L-1"}, relations={"driver": ("dora",), "load": ("p2", "p1")})
    swept()


FULL = {
    "city": "Leipzig",
    "who": "Dora",
    "weights": [9, 3],
    "tags": ["glass", "cold", "glass"],
    "label": "L-1 of Leipzig",
    "heavy": True,
}


def test_an_entity_shows_what_it_mirrors_and_calculates(park):
    assert read("van", "v1") == stored("van", "v1") == FULL


def test_a_write_stores_its_own_values_with_itself(park):
    write("van", "v1", mode="merge", properties={"plate": "L-2"})
    assert stored("van", "v1")["label"] == "L-2 of Leipzig" and found("van", "label", "L-2 of Leipzig") == ["v1"]


def test_what_points_at_nothing_shows_nothing(park):
    write("van", "v2", properties={"plate": "L-9"})
    assert read("van", "v2") == {"heavy": False, "label": "L-9 of "}


def delete(kind, identifier):
    entity_delete(queries.entity_to_write(kind, identifier), by=SETUP)


CHANGES = {
    "a value at the end": (lambda: write("depot", "east", mode="merge", properties={"city": "Halle"}), "city", "Halle"),
    "an arrow on the way": (
        lambda: write("driver", "dora", mode="merge", relations={"depot": ("west",)}),
        "city",
        "Bonn",
    ),
    "an arrow of its own": (lambda: write("van", "v1", mode="merge", relations={"load": ("p1",)}), "weights", [3]),
    "a title": (lambda: write("driver", "dora", mode="merge", title="Doris"), "who", "Doris"),
    "a title that is taken away": (lambda: write("driver", "dora", mode="merge", title=""), "who", "dora"),
    "a name that stands for a title": (
        lambda: [
            write("driver", "dora", mode="merge", title=""),
            swept(),
            write("driver", "dora", mode="merge", rename="dot"),
        ],
        "who",
        "dot",
    ),
    "what is at the end goes": (lambda: delete("depot", "east"), "city", None),
    "what is on the way goes": (lambda: delete("driver", "dora"), "who", None),
    "one of many goes": (lambda: delete("parcel", "p2"), "weights", [3]),
    "a property goes": (lambda: update("depot", schema={"properties": {}}), "city", None),
    "a property gets another name": (
        lambda: blueprint_rename(queries.blueprint("depot"), "property", "city", "town", path="", by=SETUP),
        "city",
        "Leipzig",
    ),
    "a relation gets another name": (
        lambda: blueprint_rename(queries.blueprint("driver"), "relation", "depot", "home", path="", by=SETUP),
        "city",
        "Leipzig",
    ),
    "a mirror is led elsewhere": (
        lambda: update("van", mirrorProperties={"city": mirror("driver.depot.$identifier")}),
        "label",
        "L-1 of east",
    ),
    "a program is another": (
        lambda: update("van", calculationProperties={"label": calculation(".identifier")}),
        "label",
        "v1",
    ),
    "a definition goes": (lambda: update("van", mirrorProperties={}), "city", None),
    "what becomes required is filled in": (
        lambda: update("van", schema={"properties": {"plate": TEXT, "city2": TEXT | {"default": "x"}}, "required": []}),
        "city",
        "Leipzig",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_shown_at_once_and_found_once_swept(park, change):
    do, name, value = CHANGES[change]
    do()
    assert read("van", "v1").get(name) == value
    swept()
    assert stored("van", "v1").get(name) == read("van", "v1").get(name) == value
    if isinstance(value, str):
        assert found("van", name, value) == ["v1"]


def test_a_change_of_what_nobody_shows_leaves_no_mark(park):
    write("depot", "east", mode="merge", properties={"open": True})
    write("parcel", "p3", properties={"weight": 1})
    assert not Stale.objects.exists()


def test_a_sweep_is_no_event_and_leaves_the_time_of_the_last_write(park):
    before = Entity.objects.get(identifier="v1").updated_at
    write("depot", "east", mode="merge", properties={"city": "Halle"})
    told = Event.objects.count()
    swept()
    assert stored("van", "v1")["city"] == "Halle"
    assert Event.objects.count() == told and Entity.objects.get(identifier="v1").updated_at == before


def test_a_sweep_writes_nothing_where_a_value_is_as_it_was(park, django_assert_num_queries):
    write("depot", "east", mode="merge", properties={"city": "Leipzig"}, title="East")
    before = Entity.objects.extra(select={"row": "ctid::text"}).get(identifier="v1").row
    Stale.objects.create(
        kind="due", blueprint=queries.blueprint("van").pk, entity=Entity.objects.get(identifier="v1").pk
    )
    swept()
    assert Entity.objects.extra(select={"row": "ctid::text"}).get(identifier="v1").row == before


def test_a_value_of_another_type_is_nothing(park):
    assert "wrong" not in read("van", "v1")


def test_a_mirror_shows_what_its_end_computes(park):
    blueprint("tour", relations={"van": to("van")}, mirrorProperties={"label": mirror("van.label")})
    write("tour", "t", relations={"van": ("v1",)})
    swept()
    write("depot", "east", mode="merge", properties={"city": "Halle"})
    assert read("tour", "t") == {"label": "L-1 of Halle"}
    swept()
    assert stored("tour", "t") == {"label": "L-1 of Halle"}


def test_an_aggregation_follows_what_it_counts(park):
    count = {"calculationBy": "entities", "func": "count"}
    total = {"calculationBy": "property", "func": "sum", "property": "weight"}
    update(
        "depot",
        aggregationProperties={
            "vans": {"title": "Vans", "target": "van", "calculationSpec": count},
            "mass": {"title": "Mass", "target": "parcel", "calculationSpec": total, "pathFilter": []},
        },
    )
    swept()
    assert stored("depot", "east")["vans"] == 1
    write("van", "v2", relations={"driver": ("dora",)})
    assert read("depot", "east")["vans"] == 2
    swept()
    assert stored("depot", "east")["vans"] == 2 and stored("depot", "west")["vans"] == 0
    write("driver", "dora", mode="merge", relations={"depot": ("west",)})
    assert (read("depot", "east")["vans"], read("depot", "west")["vans"]) == (0, 2)
    swept()
    assert (stored("depot", "east")["vans"], stored("depot", "west")["vans"]) == (0, 2)
    delete("van", "v2")
    swept()
    assert stored("depot", "west")["vans"] == 1


def test_a_circle_over_several_blueprints_is_refused_with_its_path(park):
    update("driver", mirrorProperties={"from": mirror("depot.of")})
    update("van", mirrorProperties={"city": mirror("driver.from")})
    update("depot", relations={"van": to("van")})
    with pytest.raises(Invalid) as refused:
        update("depot", mirrorProperties={"of": mirror("van.label")})
    (fault,) = refused.value.details["errors"]
    assert fault["path"] == "mirrorProperties.of.path"
    assert fault["message"] == ("is computed from itself: depot.of → van.label → van.city → driver.from → depot.of")
    assert queries.blueprint("depot").mirror_properties == {}


def test_a_mirror_of_itself_is_refused(db):
    with pytest.raises(Invalid):
        blueprint("part", relations={"of": to("part")}, mirrorProperties={"top": mirror("of.top")})
    assert "part" not in queries.blueprints_known()


def test_a_worker_holds_few_rows_until_it_knows_how_long_they_take(db):
    """Whoever writes one of them waits for the programs of all."""
    size = {"size": {"title": "Size", "type": "number", "calculation": "1"}}
    schema = {"properties": {}, "required": []}
    box = blueprint_create(
        {"identifier": "box", "title": "Box", "schema": schema, "calculationProperties": size}, by=SETUP
    )
    boxes = [write("box", f"b{n}") for n in range(30)]
    compute.sweep()
    Stale.objects.bulk_create(Stale(kind="due", blueprint=box.pk, entity=each.pk) for each in boxes)
    compute.sweep(seconds=0.001)
    assert Stale.objects.count() == 5
    compute.sweep()
    assert not Stale.objects.exists()
