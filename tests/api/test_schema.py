"""The description of /v1 as programs and as people get it."""

import json
import shlex

import pytest
from django.test import Client

from portal.api.schema import document, groups, reading
from portal.api.schema.shapes import by_key, choice, flag, listed, null, sent, shown, text, whole

OPERATIONS = [each for group in groups() for each in group.operations]


def test_everybody_may_read_the_description(nobody):
    assert nobody.get("schema").json == json.loads(json.dumps(document()))
    assert Client().get("/docs/api").status_code == 200


@pytest.fixture
def page(client, db):
    def read(path):
        response = client.get(f"/docs/{path}")
        assert response.status_code == 200, path
        return response.content.decode()

    return read


def test_each_operation_and_each_shape_has_a_page_and_the_index_leads_there(page):
    index = page("api")
    for name in [each.name for each in OPERATIONS] + [f"shapes/{name}" for name in document()["components"]["schemas"]]:
        assert f'href="/docs/api/{name}"' in index
        page(f"api/{name}")


def test_an_operations_page_says_who_may_what_it_takes_and_what_it_answers(page):
    shown_page = page("api/lock_take")
    for words in (
        "scope <code>lock</code>",
        "debugging the payment retries",
        "already_locked",
        "at most 2000 characters",
    ):
        assert words in shown_page


def test_what_is_not_there_is_a_page_too(client, db):
    for name in ("nothing", "shapes/Nothing", "../x"):
        response = client.get(f"/docs/api/{name}")
        assert (response.status_code, response["Content-Type"]) == (404, "text/html; charset=utf-8")


@pytest.mark.parametrize(
    ("words", "found", "lost"),
    [
        ("take lock", "lock_take", "lock_release"),
        ("DELETE /v1/teams", "team_delete", "teams"),
        ("create_missing_related", "entity_create", "entities"),
        ("idempotency-key", "deployment_report", "gate"),
    ],
)
def test_operations_are_found_by_words_of_their_path_summary_and_fields(page, words, found, lost):
    index = page(f"api?q={words}")
    assert f'href="/docs/api/{found}"' in index
    assert f'href="/docs/api/{lost}"' not in index


def test_words_that_stand_nowhere_find_nothing_and_are_written_back_as_text(page):
    index = page("api?q=<b>nothing")
    assert "No operation has all of these words" in index
    assert "<b>nothing" not in index


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_the_command_of_each_operation_is_one_that_a_shell_reads(operation):
    words = shlex.split(reading.curl(operation).replace("\\\n", " "))
    assert words[2].startswith("$PORTCULLIS_URL/v1/") and "{" not in words[2]
    if operation.body:
        assert json.loads(words[words.index("-d") + 1]) == operation.body.example


def test_a_shape_carries_its_example_and_names_its_components_once():
    box = shown({"size": whole(3), "lid": null(flag(True))}, optional="lid", name="Box")
    shelf = sent({"boxes": listed(box), "by_name": by_key(text("x"), "a")}, needed="boxes")
    assert shelf.example == {"boxes": [{"size": 3, "lid": True}], "by_name": {"a": "x"}}
    assert shelf.json()["required"] == ["boxes"]
    assert [each.name for each in shelf.named()] == ["Box"]
    assert null(choice(["a"])).schema == {"type": ["string", "null"], "enum": ["a", None]}
    assert null(box).schema == {"anyOf": [{"$ref": "#/components/schemas/Box"}, {"type": "null"}]}


def test_fields_are_read_in_rows_with_those_of_inner_objects():
    inner = sent({"to": text("b", maxLength=5)}, needed="to")
    rows = list(reading.rows(sent({"links": listed(inner), "kind": choice(["x", "y"])}).schema))
    assert [each.name for each in rows] == ["links", "links[].to", "kind"]
    assert rows[1].needed and rows[1].bounds == "at most 5 characters"
    assert "".join(word for word, _ in rows[2].kind) == '"x" | "y"'
