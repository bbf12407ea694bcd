"""Every route of /v1 is described, and what is described is so."""

import re

import jsonschema_rs
from django.contrib.admindocs.views import simplify_regex
from django.urls import get_resolver

from portal.accounts.commands import credential_create
from portal.api.envelope import unknown_route
from portal.api.schema import document, groups
from tests.conftest import SETUP, V1

OPERATIONS = [each for group in groups() for each in group.operations]
NAMES = [each.name for each in OPERATIONS]


def routes():
    """(method, path) of every route, as the description writes them."""
    for pattern in get_resolver("portal.api.urls").url_patterns:
        if pattern.callback is unknown_route:
            continue
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", simplify_regex(str(pattern.pattern)))
        for method in pattern.callback.cls.http_method_names:
            if method != "options":
                yield method.upper(), path


def test_every_route_is_described_and_every_description_has_a_route():
    described = {(each.method, each.path) for each in OPERATIONS}
    real = set(routes())
    assert real - described == set(), (
        "describe these in portal/api/schema/operations (see portal/api/schema/__init__.py)"
    )
    assert described - real == set(), "no route answers these"


def test_names_are_names_once():
    assert sorted(NAMES) == sorted(set(NAMES))
    assert all(re.fullmatch(r"[a-z]+(_[a-z]+)*", name) for name in NAMES)


def examples():
    """(where, schema, example) of everything that has one."""
    for operation in OPERATIONS:
        for parameter in operation.all_parameters:
            yield f"{operation.name} {parameter.name}", parameter.shape
        if operation.body:
            yield f"{operation.name} body", operation.body
        for status, answer in operation.all_answers.items():
            yield f"{operation.name} {status}", answer.shape
            for name, shape in answer.headers.items():
                yield f"{operation.name} {status} {name}", shape


def test_every_example_satisfies_its_schema_and_has_no_key_that_the_schema_does_not_name():
    """All of them at once, as the parts of one: a validator for each would be made from the whole description."""
    found = list(examples())
    parts = {where: closed(shape.json()) for where, shape in found}
    assert len(parts) == len(found), "two have the same name"
    whole = {"properties": parts, "components": closed(document()["components"])}
    validator = jsonschema_rs.validator_for(whole, validate_formats=True)
    told = validator.iter_errors({where: shape.example for where, shape in found})
    assert [f"{error.message} at {error.instance_path}" for error in told] == []


def closed(schema):
    """The same, with no keys beside the declared ones. What refers to another schema is closed there."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {key: closed(each) for key, each in schema.items()}
    is_object = isinstance(schema.get("properties"), dict) and "type" in schema
    return {"additionalProperties": False} | inner if is_object else inner


def request(program, operation):
    """The operation's own example, sent."""
    path = re.sub(r"{(\w+)}", lambda found: str(given(operation, found[1])), operation.path)
    needed = {each.name: each.shape.example for each in operation.parameters if each.place == "query" and each.needed}
    if operation.method in ("GET", "DELETE"):
        return program.get(path[1:], **needed) if operation.method == "GET" else program.delete(path[1:])
    return program.send(operation.method.lower(), path[1:], operation.body.example if operation.body else {})


def given(operation, name):
    return next(each.shape.example for each in operation.all_parameters if each.name == name)


def test_a_token_without_the_scope_that_is_named_is_refused(shop):
    _, token = credential_create("Nothing", kind="ci", scopes=[], by=SETUP)
    for operation in [each for each in OPERATIONS if each.scopes]:
        answer = request(V1(token), operation)
        assert (answer.status, answer.json["error"]) == (403, "forbidden"), operation.name
        assert answer.json["details"]["scope"] in operation.scopes, operation.name


def test_nobody_is_let_in_without_a_token(shop):
    for operation in [each for each in OPERATIONS if each.needs is not None]:
        assert request(V1(""), operation).status == 401, operation.name
