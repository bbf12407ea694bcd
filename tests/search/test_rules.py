"""What a query finds, a sentence each."""

import pytest

from catalog import queries, search
from catalog.models import Entity
from portal.kit.errors import Invalid
from tests.conftest import SETUP, write


@pytest.fixture
def crates(db):
    """Five boxes: the first two whole, the third empty, the last of odd types."""
    from catalog.commands import blueprint_create

    blueprint_create(
        {
            "identifier": "box",
            "title": "Box",
            "schema": {
                "properties": {
                    "size": {"type": "number"},
                    "colour": {"type": "string", "enum": ["red", "blue"]},
                    "tags": {"type": "array"},
                    "packed": {"type": "string", "format": "date-time"},
                    "heavy": {"type": "boolean"},
                }
            },
            "relations": {"inside": {"target": "box"}, "near": {"target": "box", "many": True}},
        },
        by=SETUP,
    )
    write(
        "box",
        "a",
        title="Alpha",
        team=("payments",),
        properties={"size": 1, "colour": "red", "tags": ["x", "y"], "packed": "2026-01-31T12:00:00Z", "heavy": True},
    )
    write(
        "box",
        "b",
        title="Beta",
        properties={"size": 10, "colour": "blue", "tags": ["50%_a"], "packed": "2026-02-01", "heavy": False},
        relations={"inside": ("a",)},
    )
    write("box", "c", relations={"inside": ("b",), "near": ("a", "b")})
    write("box", "d-service", properties={"size": 2.5, "note": "Ünïcode Text"}, relations={"inside": ("c",)})
    return queries.blueprint("box")


def found(blueprint, *rules, combinator="and", known=True):
    rule = search.parse({"combinator": combinator, "rules": list(rules)})
    rows = Entity.objects.filter(blueprint=blueprint)
    return "".join(
        sorted(
            each.identifier[0] for each in search.matching(rows, rule, by=SETUP, blueprint=blueprint if known else None)
        )
    )


def rule(property, operator, value=None, **more):
    return {"property": property, "operator": operator, "value": value} | more


@pytest.mark.parametrize("known", [True, False])
@pytest.mark.parametrize(
    ("property", "operator", "value", "expected"),
    [
        ("size", "=", 1, "a"),
        ("size", "=", 1.0, "a"),
        ("size", "=", "1", ""),
        ("size", "!=", 1, "bcd"),
        ("size", "=", None, "c"),
        ("size", ">", 2, "bd"),
        ("size", ">=", 2.5, "bd"),
        ("size", "<", 10, "ad"),
        ("size", "isEmpty", None, "c"),
        ("size", "isNotEmpty", None, "abd"),
        ("size", "in", [1, 10], "ab"),
        ("size", "notIn", [1, 10], "cd"),
        ("colour", "=", "red", "a"),
        ("colour", "!=", "red", "bcd"),
        ("colour", "contains", "E", "ab"),
        ("colour", "doesNotContains", "E", "cd"),
        ("colour", "beginsWith", "r", "a"),
        ("colour", "endsWith", "ue", "b"),
        ("colour", ">", 3, ""),
        ("heavy", "=", True, "a"),
        ("heavy", "=", False, "b"),
        ("heavy", "!=", True, "bcd"),
        ("heavy", "=", "true", ""),
        ("tags", "=", "x", "a"),
        ("tags", "containsAny", ["y", "z"], "a"),
        ("tags", "containsAny", ["z"], ""),
        ("tags", "in", ["y"], "a"),
        ("tags", "contains", "%_", "b"),
        ("tags", "contains", "_a", "b"),
        ("tags", "contains", "_", "b"),
        ("packed", ">", "2026-01-31T13:00:00+01:00", "b"),
        ("packed", ">=", "2026-01-31T13:00:00+01:00", "ab"),
        ("packed", "between", {"from": "2026-01-01", "to": "2026-01-31T12:00:00Z"}, "a"),
        ("packed", "notBetween", {"from": "2026-01-01", "to": "2026-01-31T12:00:00Z"}, "bcd"),
        ("note", "contains", "ünï", "d"),
        ("$identifier", "=", "a", "a"),
        ("$identifier", "in", ["a", "c", "zzz"], "ac"),
        ("$identifier", "contains", "SERVICE", "d"),
        ("$title", "=", "c", "c"),
        ("$title", "beginsWith", "al", "a"),
        ("$title", "isEmpty", None, "cd"),
        ("$team", "=", "payments", "a"),
        ("$team", "isEmpty", None, "bcd"),
        ("$team", "containsAny", ["payments", "x"], "a"),
        ("$createdAt", ">", "2020-01-01", "abcd"),
        ("$updatedAt", "between", {"preset": "today"}, "abcd"),
        ("$createdAt", "between", {"preset": "tomorrow"}, ""),
        ("$blueprint", "=", "box", "abcd"),
        ("$blueprint", "!=", "box", ""),
        ("$datasource", "contains", "x", ""),
        ("nothing", "=", None, "abcd"),
        ("nothing", "=", 1, ""),
    ],
)
def test_a_rule_finds(crates, property, operator, value, expected, known):
    assert found(crates, rule(property, operator, value), known=known) == expected


def test_rules_are_all_true_or_any(crates):
    red, large = rule("colour", "=", "red"), rule("size", ">", 2)
    assert found(crates, red, large) == ""
    assert found(crates, red, large, combinator="or") == "abd"
    assert (
        found(
            crates, {"combinator": "or", "rules": [red, {"combinator": "and", "rules": [large, rule("size", "<", 5)]}]}
        )
        == "ad"
    )
    assert found(crates) == "abcd"


@pytest.mark.parametrize(
    ("start", "direction", "expected"),
    [
        ("c", "upstream", "ab"),
        ("a", "downstream", "bcd"),
        ("a", "upstream", ""),
        ("b", None, "acd"),
        ("d-service", "upstream", "abc"),
    ],
)
def test_upstream_is_what_it_depends_on(crates, start, direction, expected):
    related = {"operator": "relatedTo", "blueprint": "box", "value": start} | (
        {"direction": direction} if direction else {}
    )
    assert found(crates, related) == expected


def test_a_walk_round_a_circle_ends(crates):
    write("box", "a", mode="merge", relations={"inside": ("d-service",)})
    assert found(crates, {"operator": "relatedTo", "blueprint": "box", "value": "b", "direction": "upstream"}) == "abcd"


def match(path, value, **more):
    return {"operator": "matchAny", "property": {"path": path} | more, "value": value}


def test_a_path_leads_from_what_is_searched_to_what_is_named(crates):
    assert found(crates, match(["inside"], "a")) == "b"
    assert found(crates, match(["inside", "inside"], ["a"])) == "c"
    assert found(crates, match([{"relation": "inside", "maxHops": 3}], "a")) == "bcd"
    assert found(crates, match([{"relation": "inside", "maxHops": 2}], "a")) == "bc"
    assert found(crates, match(["near"], "b")) == "c"


def test_a_path_from_another_blueprint_ends_at_what_is_searched(crates):
    assert found(crates, match(["inside", "near"], "d-service", fromBlueprint="box")) == "ab"


def test_relations_are_searched_by_what_they_point_at(crates):
    def pointing(operator, value=None, **more):
        return found(crates, {"relation": "inside", "operator": operator, "value": value} | more)

    assert pointing("=", "a") == "b"
    assert pointing("!=", "a") == "acd"
    assert pointing("isEmpty") == "a"
    assert pointing("isNotEmpty") == "bcd"
    assert pointing("=", "Alpha", targetProperty="$title") == "b"
    assert pointing("in", ["a", "c"]) == "bd"


def test_any_property_of_a_type(crates):
    assert found(crates, {"propertySchema": {"type": "number"}, "operator": "=", "value": 10}) == "b"
    assert (
        found(
            crates,
            {"propertySchema": {"type": "string", "format": "date-time"}, "operator": ">", "value": "2026-02-01"},
        )
        == ""
    )


@pytest.mark.parametrize(
    ("query", "path"),
    [
        ([], "query"),
        ({}, "query.combinator"),
        ({"combinator": "xor", "rules": []}, "query.combinator"),
        ({"combinator": "and", "rules": {}}, "query.rules"),
        ({"combinator": "and", "rules": [5]}, "query.rules.0"),
        ({"combinator": "and", "rules": [{"property": "x", "operator": "~"}]}, "query.rules.0.operator"),
        ({"combinator": "and", "rules": [{"property": "x", "operator": ["="]}]}, "query.rules.0.operator"),
        (
            {"combinator": "and", "rules": [{"propertySchema": {"type": ["string"]}, "operator": "="}]},
            "query.rules.0.propertySchema.type",
        ),
        ({"combinator": "and", "rules": [{"operator": "="}]}, "query.rules.0.property"),
        ({"combinator": "and", "rules": [rule("x", "in", "a")]}, "query.rules.0.value"),
        ({"combinator": "and", "rules": [rule("x", "in", [{}])]}, "query.rules.0.value"),
        ({"combinator": "and", "rules": [rule("x", ">", "soon")]}, "query.rules.0.value"),
        ({"combinator": "and", "rules": [rule("x", "between", {"preset": "never"})]}, "query.rules.0.value.preset"),
        ({"combinator": "and", "rules": [rule("x", "between", {"from": "2026-01-01"})]}, "query.rules.0.value.to"),
        (
            {"combinator": "and", "rules": [{"combinator": "and", "rules": [{"scorecard": "x", "operator": ">"}]}]},
            "query.rules.0.rules.0.operator",
        ),
        ({"combinator": "and", "rules": [match([], "a")]}, "query.rules.0.property.path"),
        (
            {"combinator": "and", "rules": [match([{"relation": "x", "maxHops": 16}], "a")]},
            "query.rules.0.property.path.0.maxHops",
        ),
        (
            {
                "combinator": "and",
                "rules": [match([{"relation": "x", "maxHops": 2}, {"relation": "y", "maxHops": 2}], "a")],
            },
            "query.rules.0.property.path",
        ),
        (
            {"combinator": "and", "rules": [{"operator": "relatedTo", "blueprint": "box", "value": 1}]},
            "query.rules.0.value",
        ),
        ({"combinator": "and", "rules": [rule("x", "=", 1)] * 501}, "query.rules.500"),
    ],
)
def test_a_fault_is_named_with_its_place(query, path):
    with pytest.raises(Invalid) as refused:
        search.parse(query)
    assert refused.value.details["errors"][0]["path"] == path


def test_words_must_all_be_there_and_may_be_begun(crates):
    def named(text):
        return "".join(
            sorted(each.identifier[0] for each in search.words(Entity.objects.filter(blueprint=crates), text).rows)
        )

    assert named("serv") == "d"
    assert named("unicode") == ""
    assert named("ünïc tex") == "d"
    assert named("red alpha") == "a"
    assert named("red beta") == ""
    assert named("lph") == "a"
    assert named("--") == ""
    assert named("& | ! :* ' \\ (") == ""


@pytest.mark.parametrize(
    ("text", "found"), [("1.10", True), ("1.1", True), ("10.2", True), ("2 1", True), ("1.2", False), ("01.1", False)]
)
def test_what_is_written_together_stands_together(crates, text, found):
    write("box", "z", properties={"version": "1.10.2", "packed": "2026-10-01T01:20:00Z"})
    assert search.words(Entity.objects.filter(blueprint=crates, identifier="z"), text).count == found


def test_a_word_that_many_hold_is_counted_to_a_thousand_and_all_are_found(crates):
    many = [Entity(blueprint=crates, identifier=f"n{n:04}", title="Common") for n in range(1002)]
    Entity.objects.bulk_create(many)
    found = search.words(Entity.objects.filter(blueprint=crates), "common")
    assert found.count == search.MOST_FOUND + 1 and found.rows.count() == 1002
    assert search.words(Entity.objects.filter(blueprint=crates), "common n0001").count == 1


@pytest.mark.parametrize("keys", [(), ("-size",), ("size", "$title"), ("-$updatedAt",)])
def test_a_common_word_is_paged_the_same_whether_all_are_found_first_or_met_in_order(crates, keys):
    sizes = [{"size": n % 4} if n % 3 else {} for n in range(30)]
    Entity.objects.bulk_create(
        Entity(blueprint=crates, identifier=f"n{n}", title=f"Common {n % 5}", properties=size)
        for n, size in enumerate(sizes)
    )
    found = search.words(Entity.objects.filter(blueprint=crates), "common").every
    sort = [search.Sort(key.lstrip("-"), descending=key.startswith("-")) for key in keys]

    def walk(count_to):
        def page(cursor):
            return search.page(found, crates, sort, size=7, cursor=cursor, count_to=count_to)

        pages = [page("")]
        while pages[-1].next:
            pages.append(page(pages[-1].next))
        pages += [page(each.previous) for each in pages if each.previous]
        assert {one.count for one in pages} == {min(count_to, 30) or None}
        return [[each.pk for each in one.rows] for one in pages]

    assert walk(1000) == walk(20) == walk(0)
    assert [len(each) for each in walk(1000)] == [7, 7, 7, 7, 2, 7, 7, 7, 7]


def walked(blueprint, keys, size=2):
    rows, cursor, seen = Entity.objects.filter(blueprint=blueprint), "", []
    for _ in range(20):
        page = search.page(rows, blueprint, keys, size=size, cursor=cursor)
        seen += [each.identifier[0] for each in page.rows]
        if not page.next:
            return "".join(seen), page
        cursor = page.next
    raise AssertionError("the pages do not end")


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ([], "abcd"),
        ([search.Sort("size")], "adbc"),
        ([search.Sort("size", True)], "bdac"),
        ([search.Sort("colour")], "abcd"),
        ([search.Sort("heavy")], "bacd"),
        ([search.Sort("packed", True)], "bacd"),
        ([search.Sort("heavy", True), search.Sort("$title", True)], "abdc"),
        ([search.Sort("$title")], "abcd"),
        ([search.Sort("$team", True), search.Sort("$identifier", True)], "adcb"),
    ],
)
def test_pages_follow_each_other_in_any_order(crates, keys, expected):
    assert walked(crates, keys)[0] == expected
    assert walked(crates, keys, size=1)[0] == expected
    rows = Entity.objects.filter(blueprint=crates)
    last = walked(crates, keys)[1]
    back = search.page(rows, crates, keys, size=2, cursor=last.previous)
    assert "".join(each.identifier[0] for each in back.rows) == expected[:2]
    assert back.previous is None


@pytest.mark.parametrize("cursor", ["x", "e30", "W10", "WyJuIl0", "bnVsbA", "ÿ"])
def test_a_cursor_of_something_else_is_refused(crates, cursor):
    with pytest.raises(Invalid) as refused:
        search.page(Entity.objects.filter(blueprint=crates), crates, [], size=2, cursor=cursor)
    assert refused.value.details["errors"][0]["path"] == "from"


def test_values_are_counted(crates):
    rows = Entity.objects.filter(blueprint=crates)
    assert {share.value: share.count for share in search.distribution(rows, crates, "colour")} == {
        "red": 1,
        "blue": 1,
        None: 2,
    }
