"""Pages, folders and the sidebar as Terraform and the command line send them, and what they read of the answers."""

from typing import Any

import pytest

from portal.sidebars import queries
from portal.sidebars.commands import page_permit, page_update
from portal.sidebars.models import Item
from tests.conftest import SETUP, V1, events

TABLE = {
    "identifier": "services",
    "title": "Services",
    "icon": "Microservice",
    "type": "blueprint-entities",
    "blueprint": "service",
    "widgets": [
        {
            "id": "blabla",
            "type": "table-entities-explorer",
            "blueprint": "service",
            "dataset": {"combinator": "and", "rules": []},
        }
    ],
}
BOARD = {
    "identifier": "board",
    "title": "dashboards",
    "icon": "GitHub",
    "type": "dashboard",
    "description": "My Dashboard Page Description",
    "locked": True,
    "pageFilters": [{"identifier": "mine", "query": {"combinator": "and", "rules": []}}],
    "widgets": [
        {
            "id": "dashboardWidget",
            "type": "dashboard-widget",
            "layout": [{"height": 400, "columns": [{"id": "guide", "size": 12}]}],
            "widgets": [{"id": "guide", "type": "markdown", "title": "Guide", "markdown": "# New"}],
        },
        {
            "id": "tabs",
            "type": "grouper",
            "displayMode": "tabs",
            "groups": [{"title": "One", "widgets": [{"id": "deep", "type": "iframe-widget", "url": "https://x"}]}],
        },
    ],
}
META = {"createdAt", "createdBy", "updatedAt", "updatedBy", "sidebar"}


def plain(shown: Any) -> Any:
    assert shown.keys() >= META
    return {name: value for name, value in shown.items() if name not in META}


def folder(client: V1, identifier: str, **more: Any) -> None:
    made = client.post("sidebars/catalog/folders", {"identifier": identifier, "title": identifier.title(), **more})
    assert made.status == 201, made.json


def page(client: V1, identifier: str, **more: Any) -> None:
    made = client.post("pages", {"identifier": identifier, "type": "dashboard", **more})
    assert made.status == 201, made.json


def listed(client: V1) -> list[str]:
    answer = client.get("sidebars/catalog")
    assert answer.status == 200
    return [each["identifier"] for each in answer.json["sidebar"]["items"]]


@pytest.mark.parametrize("body", [TABLE, BOARD], ids=lambda each: each["identifier"])
def test_a_page_comes_back_as_it_was_sent(shop, terraform, body):
    made = terraform.post("pages", body)
    assert made.status == 201 and plain(made.json["page"]) == body
    assert plain(terraform.get(f"pages/{body['identifier']}").json["page"]) == body
    assert events("page") == ["page.created"]


def test_terraform_replaces_a_page_and_the_command_line_patches_it(shop, terraform):
    terraform.post("pages", BOARD)
    put = terraform.send("put", "pages/board", {"identifier": "board", "type": "dashboard", "title": "Board"})
    assert plain(put.json["page"]) == {"identifier": "board", "type": "dashboard", "title": "Board"}
    patched = terraform.send("patch", "pages/board", put.json["page"] | {"locked": True, "title": None})
    assert plain(patched.json["page"]) == {"identifier": "board", "type": "dashboard", "locked": True}
    assert terraform.send("patch", "pages/board", {"locked": True}).status == 200
    assert events("page") == ["page.created", "page.updated", "page.updated"]


def test_a_page_that_was_deleted_is_gone(terraform):
    page(terraform, "board")
    assert terraform.delete("pages/board").json == {"ok": True}
    assert terraform.get("pages/board").status == terraform.delete("pages/board").status == 404
    assert events("page") == ["page.created", "page.deleted"]


def test_the_list_has_every_page_and_compact_leaves_out_what_they_show(shop, terraform):
    terraform.post("pages", TABLE)
    assert [each["identifier"] for each in terraform.get("pages").json["pages"]] == ["$home", "services"]
    assert "widgets" not in terraform.get("pages", compact="true").json["pages"][1]


def test_a_wrong_page_is_refused_with_the_path_of_the_fault(shop, terraform):
    for change, status, path in [
        ({"identifier": None}, 422, "body"),
        ({"identifier": "a/b"}, 422, "identifier"),
        ({"identifier": "with space"}, 422, "identifier"),
        ({"type": "poster"}, 422, "type"),
        ({"type": "home"}, 422, "type"),
        ({"title": 1}, 422, "title"),
        ({"locked": "yes"}, 422, "locked"),
        ({"widgets": {}}, 422, "widgets"),
        ({"widgets": ["x"]}, 422, "widgets.0"),
        ({"blueprint": None}, 422, "blueprint"),
        ({"blueprint": "nothing"}, 404, "blueprint"),
        ({"parent": "nothing"}, 404, "parent"),
        ({"after": "nothing"}, 404, "after"),
        ({"after": "services"}, 404, "after"),
    ]:
        answer = terraform.post("pages", TABLE | change)
        assert answer.status == status, (change, answer.json)
        assert answer.json["details"]["errors"][0]["path"] == path, (change, answer.json)
    assert Item.objects.count() == 1 and events("page") == []


def test_a_taken_identifier_is_a_conflict_be_it_a_page_or_a_folder(terraform):
    folder(terraform, "docs")
    assert terraform.post("pages", {"identifier": "docs", "type": "dashboard"}).json["error"] == "identifier_taken"
    assert terraform.post("sidebars/catalog/folders", {"identifier": "docs", "title": "x"}).status == 409
    assert events("page", "folder") == ["folder.created"]


def test_the_home_page_is_there_changes_and_stays(terraform):
    put = {"identifier": "$home", "type": "home", "title": "Welcome", "widgets": [{"id": "a", "type": "markdown"}]}
    assert plain(terraform.send("put", "pages/$home", put).json["page"]) == put
    assert (terraform.delete("pages/$home").status, terraform.get("pages/$home").status) == (409, 200)
    assert listed(terraform) == []


def test_a_widget_is_changed_and_deleted_wherever_it_stands(terraform):
    terraform.post("pages", BOARD)
    for name in ("dashboardWidget", "guide", "deep"):
        answer = terraform.send("patch", f"pages/board/widgets/{name}", {"title": f"New {name}"})
        assert answer.json == {"ok": True, "identifier": name}
    widgets = terraform.get("pages/board").json["page"]["widgets"]
    assert widgets[0]["title"] == "New dashboardWidget" and widgets[0]["layout"] == BOARD["widgets"][0]["layout"]
    assert widgets[0]["widgets"][0] == BOARD["widgets"][0]["widgets"][0] | {"title": "New guide"}
    assert widgets[1]["groups"][0]["widgets"][0]["title"] == "New deep"
    assert terraform.delete("pages/board/widgets/deep").json == {"ok": True}
    assert terraform.get("pages/board").json["page"]["widgets"][1]["groups"][0]["widgets"] == []
    assert terraform.send("patch", "pages/board/widgets/nothing", {"title": "x"}).status == 404
    assert terraform.send("patch", "pages/board/widgets/guide", {"type": 1}).status == 422


# The sidebar


def test_a_folder_is_made_read_in_the_sidebar_changed_and_deleted(terraform):
    made = terraform.post("sidebars/catalog/folders", {"identifier": "docs", "title": "Docs", "sidebar": "catalog"})
    assert plain(made.json["folder"]) == {"identifier": "docs", "title": "Docs"}
    item = terraform.get("sidebars/catalog").json["sidebar"]["items"][0]
    assert (item["identifier"], item["title"], item["sidebar"], item["sidebarType"]) == (
        "docs",
        "Docs",
        "catalog",
        "folder",
    )
    folder(terraform, "inner", parent="docs")
    changed = terraform.send("patch", "sidebars/catalog/folders/inner", {"identifier": "inner", "title": "Inner!"})
    assert plain(changed.json["folder"]) == {"identifier": "inner", "title": "Inner!", "parent": "docs"}
    refused = terraform.delete("sidebars/catalog/folders/docs")
    assert (refused.status, refused.json["error"]) == (409, "has_dependents")
    assert terraform.delete("sidebars/catalog/folders/inner").json == {"ok": True}
    assert terraform.delete("sidebars/catalog/folders/docs").json == {"ok": True}
    assert events("folder") == ["folder.created"] * 2 + ["folder.updated"] + ["folder.deleted"] * 2


def test_a_folder_without_an_identifier_gets_one(terraform):
    made = terraform.post("sidebars/catalog/folders", {"title": "Docs"}).json["folder"]
    assert terraform.send("patch", f"sidebars/catalog/folders/{made['identifier']}", {"title": "D"}).status == 200


def test_a_wrong_folder_is_refused(terraform):
    folder(terraform, "docs")
    for body, status, path in [
        ({"identifier": "x"}, 422, "body"),
        ({"title": ""}, 422, "title"),
        ({"title": "x", "colour": "red"}, 422, "body"),
        ({"title": "x", "parent": "nothing"}, 404, "parent"),
        ({"title": "x", "parent": "docs", "after": "docs"}, 422, "after"),
    ]:
        answer = terraform.post("sidebars/catalog/folders", body)
        assert answer.status == status and answer.json["details"]["errors"][0]["path"] == path, (body, answer.json)
    assert terraform.get("sidebars/nothing").status == 404
    assert terraform.post("sidebars/nothing/folders", {"title": "x"}).status == 404
    assert events("folder") == ["folder.created"]


def test_folders_go_three_deep_and_never_into_themselves(terraform):
    folder(terraform, "one")
    folder(terraform, "two", parent="one")
    folder(terraform, "three", parent="two")
    page(terraform, "leaf", parent="three")
    assert terraform.post("sidebars/catalog/folders", {"title": "Four", "parent": "three"}).status == 422
    for parent in ("one", "three"):
        answer = terraform.send("patch", "sidebars/catalog/folders/one", {"parent": parent})
        assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "parent"
    assert terraform.send("patch", "sidebars/catalog/folders/two", {"parent": None}).status == 200
    assert listed(terraform) == ["one", "two", "three", "leaf"]


def test_items_stand_behind_what_they_name_and_in_their_folder(terraform):
    for name in ("a", "b", "c"):
        page(terraform, name)
    page(terraform, "a2", after="a")
    page(terraform, "a1", after="a")
    folder(terraform, "docs", after="b")
    page(terraform, "inside", parent="docs")
    page(terraform, "hidden", showInSidebar=False)
    assert listed(terraform) == ["a", "a1", "a2", "b", "docs", "inside", "c"]
    assert terraform.get("pages/a2").json["page"]["after"] == "a"


def test_a_circle_behind_each_other_is_refused(terraform):
    page(terraform, "a")
    page(terraform, "b", after="a")
    page(terraform, "c", after="b")
    for after in ("a", "c"):
        answer = terraform.send("patch", "pages/a", {"after": after})
        assert answer.status == 422 and answer.json["details"]["errors"][0]["path"] == "after"
    assert listed(terraform) == ["a", "b", "c"]


def test_what_stood_behind_an_item_that_goes_or_moves_stands_behind_the_one_before(terraform):
    folder(terraform, "docs")
    page(terraform, "a")
    page(terraform, "b", after="a")
    page(terraform, "c", after="b")
    page(terraform, "d", after="c")
    terraform.delete("pages/b")
    assert terraform.get("pages/c").json["page"]["after"] == "a"
    terraform.send("patch", "pages/c", {"parent": "docs", "after": None})
    assert terraform.get("pages/d").json["page"]["after"] == "a"
    assert listed(terraform) == ["docs", "c", "a", "d"]
    terraform.send("patch", "pages/a", {"identifier": "first"})
    assert terraform.get("pages/d").json["page"]["after"] == "first"


# Who may


def test_permissions_of_a_page_are_usual_until_a_list_is_set(terraform):
    page(terraform, "board")
    usual = terraform.get("pages/board/permissions").json["permissions"]
    assert usual["read"] == {"users": [], "roles": ["Admin", "Member"], "teams": []}
    changed = terraform.send("patch", "pages/board/permissions", {"read": {"roles": ["Admin"], "users": None}})
    assert changed.json["permissions"] == usual | {"read": usual["read"] | {"roles": ["Admin"]}}
    assert terraform.send("patch", "pages/board/permissions", {"read": {"owners": []}}).status == 422
    assert events("page") == ["page.created", "page.updated"]


def test_a_page_is_seen_and_changed_by_those_on_its_lists(terraform, page_of_bob, page, bob, charlie):
    assert [each.identifier for each in queries.sidebar(page(bob))] == ["board"]
    assert queries.sidebar(page(charlie)) == []
    assert page_update(page_of_bob, {"title": "Ours"}, partial=True, by=page(bob)).definition["title"] == "Ours"


@pytest.fixture
def page_of_bob(terraform: V1, bob: Any) -> Item:
    terraform.post("pages", {"identifier": "board", "type": "dashboard"})
    lists = {"roles": [], "teams": ["payments"]}
    return page_permit(Item.objects.get(identifier="board"), {"read": lists, "update": lists}, by=SETUP)


def test_a_token_without_the_scope_reads_pages_and_writes_none(terraform, ci):
    page(terraform, "board")
    assert ci.get("pages/board").status == ci.get("sidebars/catalog").status == 200
    for answer in (
        ci.post("pages", {"identifier": "x", "type": "dashboard"}),
        ci.send("put", "pages/board", {"type": "dashboard"}),
        ci.delete("pages/board"),
        ci.send("patch", "pages/board/widgets/x", {}),
        ci.send("patch", "pages/board/permissions", {}),
        ci.post("sidebars/catalog/folders", {"title": "x"}),
    ):
        assert (answer.status, answer.json["error"]) == (403, "forbidden")
    assert events("page", "folder") == ["page.created"]


def test_pages_of_blueprints_lead_from_the_navigation_under_their_folders(shop, terraform, client, bob, charlie):
    folder(terraform, "things")
    folder(terraform, "empty")
    terraform.post("pages", TABLE | {"title": "Our services", "parent": "things"})
    page(terraform, "board")
    client.force_login(bob)
    side = client.get("/").content.decode().split('id="side"')[1].split("</nav>")[0]
    assert side.index("Things") < side.index("Our services") < side.index(">Environment<")
    assert "Empty" not in side and "board" not in side and side.count("/catalog/service/entities") == 1
    terraform.send("patch", "pages/services/permissions", {"read": {"roles": [], "teams": ["payments"]}})
    client.force_login(charlie)
    side = client.get("/").content.decode().split('id="side"')[1].split("</nav>")[0]
    assert "Our services" not in side and "Things" not in side and ">Service<" in side
