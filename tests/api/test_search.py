"""The search routes, as clients use them."""

from tests.conftest import V1, write


def query(*rules, combinator="and"):
    return {"combinator": combinator, "rules": list(rules)}


IS_CHECKOUT = {"property": "$identifier", "operator": "=", "value": "checkout"}
OF_SERVICES = {"property": "$blueprint", "operator": "=", "value": "service"}


def test_the_body_of_a_search_everywhere_is_the_query(shop, ci):
    answer = ci.post("entities/search?include=identifier&include=blueprint", query(OF_SERVICES))
    assert answer.json == {
        "ok": True,
        "matchingBlueprints": ["service"],
        "entities": [
            {"identifier": "checkout", "blueprint": "service"},
            {"identifier": "search", "blueprint": "service"},
        ],
    }


def test_a_fault_in_a_search_everywhere_has_a_path_without_a_beginning(shop, ci):
    answer = ci.post("entities/search", query({"property": "x", "operator": "like"}))
    assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, "rules.0.operator")


def test_a_blueprint_is_searched_page_by_page(shop, ci):
    for number in range(5):
        write("service", f"s{number}", title=f"S {number}")
    body = {"query": query({"property": "$identifier", "operator": "beginsWith", "value": "s"}), "limit": 2}
    seen = []
    while True:
        answer = ci.post("blueprints/service/entities/search", body)
        assert answer.status == 200
        seen += [each["identifier"] for each in answer.json["entities"]]
        if "next" not in answer.json:
            break
        body["from"] = answer.json["next"]
    assert seen == ["s0", "s1", "s2", "s3", "s4", "search"]


def test_an_empty_query_finds_all_and_parts_may_be_chosen_in_the_body(shop, ci):
    body = {"query": query(), "limit": 1000, "include": ["$identifier", "team"]}
    answer = ci.post("blueprints/service/entities/search", body)
    assert answer.json["entities"] == [
        {"identifier": "checkout", "team": ["payments"]},
        {"identifier": "search", "team": []},
    ]


def test_a_search_may_be_sorted_and_hold_words(shop, ci):
    body = {"sort": [{"property": "$title", "order": "desc"}], "include": ["identifier"]}
    assert [each["identifier"] for each in ci.post("blueprints/service/entities/search", body).json["entities"]] == [
        "search",
        "checkout",
    ]
    answer = ci.post("blueprints/service/entities/search", {"search": "check", "include": ["identifier"]})
    assert answer.json["entities"] == [{"identifier": "checkout"}]


def test_what_is_found_is_counted(shop, ci):
    assert ci.post("blueprints/service/entities/search/count", {"query": query(IS_CHECKOUT)}).json["count"] == 1


def test_wrong_limits_and_cursors_are_refused(shop, ci):
    for body, path in [
        ({"limit": 0}, "limit"),
        ({"limit": 1001}, "limit"),
        ({"limit": True}, "limit"),
        ({"from": "nonsense"}, "from"),
        ({"from": 5}, "from"),
        ({"include": "identifier"}, "include"),
        ({"sort": "x"}, "sort"),
        ({"sort": [{"property": "x", "order": "up"}]}, "sort.0.order"),
        ({"query": 5}, "query"),
    ]:
        answer = ci.post("blueprints/service/entities/search", body)
        assert (answer.status, answer.json["details"]["errors"][0]["path"]) == (422, path), body


def test_an_unknown_blueprint_is_not_found(shop, ci):
    assert ci.post("blueprints/nothing/entities/search", {}).json["error"] == "not_found"


def test_a_title_may_stand_beside_what_is_pointed_at(shop, ci):
    write("service", "checkout", mode="merge", relations={"dependsOn": ("search",)})
    answer = ci.get("blueprints/service/entities/checkout", attach_title_to_relation="true")
    assert answer.json["entity"]["relations"] == {"dependsOn": [{"identifier": "search", "title": "Search"}]}


def test_locked_is_searched_as_it_is_now(shop, ci):
    write("deploymentConfig", "here", relations={"service": ("checkout",), "environment": ("production",)})
    write("deploymentConfig", "there", relations={"service": ("search",), "environment": ("production",)})
    ci.post("locks", {"service": "checkout", "environment": "production", "reason": "a bad release"})

    def found(*rules):
        answer = ci.post("blueprints/deploymentConfig/entities/search", {"query": query(*rules)})
        return [each["identifier"] for each in answer.json["entities"]]

    assert found({"property": "locked", "operator": "=", "value": True}) == ["here"]
    assert found({"property": "locked", "operator": "!=", "value": True}) == ["there"]
    assert found({"property": "lockedReason", "operator": "contains", "value": "BAD"}) == ["here"]
    assert found({"property": "lockedBy", "operator": "isEmpty"}) == ["there"]


def test_what_an_integration_wrote_is_found_by_its_name(shop, terraform):
    ocean = {"User_Agent": "port-ocean/fake/1.0/mine/exporter"}
    for name in ("one", "two", "three"):
        terraform.post("blueprints/service/entities?upsert=true", {"identifier": name}, **ocean)
    ask = {"datasource_prefix": "port-ocean/fake/", "datasource_suffix": "/mine/exporter", "limit": 2}
    first = terraform.post("blueprints/entities/datasource-entities", ask).json
    assert [each["identifier"] for each in first["entities"]] == ["one", "two"]
    rest = terraform.post("blueprints/entities/datasource-entities", ask | {"from": first["next"]}).json
    assert rest == {"ok": True, "entities": [{"identifier": "three", "blueprint": "service"}], "next": None}
    old = terraform.post(
        "blueprints/entities/datasource-entities", ask | {"before": "2020-01-01T00:00:00.000001+00:00"}
    )
    assert old.json["entities"] == []


def test_somebody_without_a_scope_finds_nothing(shop, db):
    from portal.accounts.commands import credential_create
    from tests.conftest import SETUP

    _, token = credential_create("blind", kind="ci", scopes=["report"], by=SETUP)
    for path in ("entities/search", "blueprints/service/entities/search", "blueprints/entities/datasource-entities"):
        body = query() | {"datasource_prefix": "x"}
        body = {"datasource_prefix": "x"} if "datasource" in path else query() if path == "entities/search" else {}
        assert V1(token).post(path, body).status == 403, path


def test_entities_may_be_called_like_the_routes(shop, terraform):
    for name in ("bulk", "search/count"):
        assert terraform.post("blueprints/service/entities", {"identifier": name}).status == 201
        assert terraform.get(f"blueprints/service/entities/{name}").json["entity"]["identifier"] == name
        assert terraform.delete(f"blueprints/service/entities/{name}").status == 200
    assert terraform.get("blueprints/service/entities/search").json["entity"]["title"] == "Search"
