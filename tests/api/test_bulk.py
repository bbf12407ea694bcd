"""Many entities at once."""

from catalog.models import Entity
from tests.conftest import events, write


def names(kind="service"):
    return sorted(Entity.objects.filter(blueprint__identifier=kind).values_list("identifier", flat=True))


def test_all_are_written_each_with_its_index(shop, terraform):
    answer = terraform.post(
        "blueprints/service/entities/bulk?upsert=true&merge=true",
        {"entities": [{"identifier": "cart", "blueprint": "service"}, {"identifier": "search", "title": "Find"}]},
    )
    assert answer.status == 200
    assert answer.json == {
        "ok": True,
        "entities": [
            {"identifier": "cart", "index": 0, "created": True},
            {"identifier": "search", "index": 1, "created": False},
        ],
        "errors": [],
    }
    assert Entity.objects.get(identifier="search").title == "Find"


def test_a_refused_one_is_told_by_its_index_and_the_others_are_written(shop, terraform):
    wished = [
        {"identifier": "cart"},
        {"identifier": "bad one"},
        {"identifier": "mail", "relations": {"dependsOn": "nobody"}},
        {"identifier": "tax", "properties": {"tier": "great"}},
        5,
    ]
    answer = terraform.post("blueprints/service/entities/bulk?upsert=true", {"entities": wished})
    assert answer.status == 207
    assert [each["identifier"] for each in answer.json["entities"]] == ["cart"]
    faults = [(each["index"], each["identifier"], each["statusCode"], each["error"]) for each in answer.json["errors"]]
    assert faults == [
        (1, "bad one", 422, "invalid_request"),
        (2, "mail", 404, "not_found"),
        (3, "tax", 422, "invalid_request"),
        (4, "unknown", 422, "invalid_request"),
    ]
    assert names() == ["cart", "checkout", "search"]


def test_a_dry_run_writes_nothing(shop, terraform):
    before = events()
    answer = terraform.post(
        "blueprints/service/entities/bulk?upsert=true&validation_only=true", {"entities": [{"identifier": "cart"}]}
    )
    assert answer.json["entities"] == [{"identifier": "cart", "index": 0, "created": True}]
    assert names() == ["checkout", "search"] and events() == before


def test_none_and_more_than_twenty_are_refused(shop, terraform):
    for wished in ([], [{"identifier": f"s{n}"} for n in range(21)], None, {}):
        answer = terraform.post("blueprints/service/entities/bulk?upsert=true", {"entities": wished})
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "entities")
    assert names() == ["checkout", "search"]


def test_bulk_into_an_unknown_blueprint_is_one_fault(shop, terraform):
    answer = terraform.post("blueprints/nothing/entities/bulk?upsert=true", {"entities": [{"identifier": "x"}]})
    assert (answer.status, answer.json["error"]) == (404, "not_found")


def test_many_go_at_once_and_those_that_are_gone_are_no_fault(shop, terraform):
    answer = terraform.post("blueprints/service/bulk/entities/delete", {"entities": ["search", "nobody"]})
    assert answer.json == {"ok": True, "deletedEntities": ["search"]}
    assert names() == ["checkout"]


def test_one_that_is_needed_keeps_them_all(shop, terraform):
    terraform.post(
        "blueprints",
        {
            "identifier": "pod",
            "title": "Pod",
            "schema": {"properties": {}},
            "relations": {"of": {"target": "service", "required": True}},
        },
    )
    write("pod", "p", relations={"of": ("search",)})
    path = "blueprints/service/bulk/entities/delete"
    refused = terraform.post(path, {"entities": ["checkout", "search"]})
    assert (refused.status, refused.json["error"]) == (409, "has_dependents")
    assert names() == ["checkout", "search"]
    gone = terraform.post(f"{path}?delete_dependents=true", {"entities": ["checkout", "search"]})
    assert sorted(gone.json["deletedEntities"]) == ["checkout", "p", "search"]
    assert names() == [] and names("pod") == []


def test_a_job_that_may_only_report_writes_nothing_at_once(shop, ci):
    for path in ("blueprints/service/entities/bulk", "blueprints/service/bulk/entities/delete"):
        assert ci.post(path, {"entities": ["search"]}).status == 403
    assert names() == ["checkout", "search"]
