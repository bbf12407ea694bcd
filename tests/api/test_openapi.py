"""Requests made from the description, kind and hostile, and every answer held against it.

FUZZ_SECONDS=600 goes on for so long, with other requests each time.
"""

import json
import os
import re
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from itertools import product
from random import randrange
from time import process_time
from urllib.parse import quote

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, transaction
from django.test import Client
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from catalog.commands import blueprint_create
from catalog.integrations.commands import integration_create, log_take, metrics_take
from catalog.queries import place
from deployments.commands import deployment_report
from locks import rules, scopes
from locks.commands import lock_rule_create, lock_take
from locks.models import Lock, LockRule
from portal.accounts.commands import credential_create, team_create, user_create
from portal.accounts.queries import actor_of_credential
from portal.api.schema import document
from portal.kit.by import By
from portal.notifications.models import Route
from portal.wsgi import application
from tests.conftest import SETUP, write
from tests.house.test_schema import closed

SECONDS = int(os.environ.get("FUZZ_SECONDS", "5"))
# The suite tries the same requests each time; with seconds of one's own they are others.
FIRST = randrange(10**9) if "FUZZ_SECONDS" in os.environ else 0
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
SHELF = {
    "identifier": "shelf",
    "title": "Shelf",
    "schema": {
        "properties": {
            "height": {"type": "number", "maximum": 300},
            "colour": {"type": "string", "enum": ["red", "green"]},
            "since": {"type": "string", "format": "date-time"},
            "link": {"type": "string", "format": "url"},
            "tags": {"type": "array", "items": {"type": "string"}},
            "extra": {"type": "object"},
            "full": {"type": "boolean"},
        },
        "required": [],
    },
    "mirrorProperties": {"title_of_service": {"path": "holds.$title"}},
    "relations": {"holds": {"target": "service", "many": False}, "near": {"target": "shelf", "many": True}},
}
# What is there, so that requests reach beyond “there is no such thing”.
LOCK = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"
NAMES = {
    "public_id": [LOCK],
    "blueprint": ["service", "environment", "shelf", "deployment", "deploymentConfig", "_user", "_team"],
    "identifier": ["checkout", "search", "production", "a/b", "shelf", "service", "my-github"],
    "service": ["checkout", "search"],
    "environment": ["production", "prod"],
    "tier": ["production"],
    "team": ["payments"],
    "email": ["dana@example.org"],
    "name": ["payments"],
    "property": [
        "$title",
        "$identifier",
        "$createdAt",
        "$team",
        "height",
        "colour",
        "since",
        "tags",
        "extra",
        "locked",
    ],
    "operator": ["=", "!=", ">", "<=", "between", "contains", "containsAny", "in", "isEmpty", "relatedTo", "matchAny"],
    "kind": ["repository"],
    "event": ["e1"],
    "target": ["service"],
}


@pytest.fixture
def one_connection(db):
    """A server closes what a request left open; here that would end the test's own transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


@pytest.fixture
def program(one_connection):
    """The token of a program that may do everything, in a house where something of each kind is there."""
    credential, token = credential_create("Terraform", kind="ci", scopes=["admin"], by=SETUP)
    dana = user_create("dana@example.org", "Dana", password="correct horse battery", role="admin", by=SETUP)
    team_create("payments", "Payments", members=[dana], by=SETUP)
    write("environment", "production", properties={"tier": "production", "aliases": ["prod"]})
    write("service", "checkout", title="Checkout", team=("payments",))
    write("service", "search", title="Search")
    blueprint_create(SHELF, by=SETUP)
    write("shelf", "a/b", properties={"height": 2, "colour": "red"}, relations={"holds": ("checkout",)})
    for service in ("checkout", "chekout"):
        report = {"service": service, "environment": "production", "version": "1.0", "ci": {"run": "1"}}
        deployment_report(report, by=SETUP)
    mine = By(actor_of_credential(credential), "api")
    lock_take(scopes.pair(place("checkout", "production")), reason="debugging", by=mine)
    lock_rule_create(rules.parse({"name": "Canary", "on": ["failing"]}), by=SETUP)
    for kind in (Lock, LockRule, Route):  # all are found by one id
        kind.objects.filter(pk=kind.objects.latest("pk").pk).update(public_id=LOCK)
    integration, _ = integration_create({"installationId": "my-github", "installationAppType": "github"}, by=SETUP)
    log_take(integration, [{"message": "started"}], by=SETUP)
    metrics_take(integration, [{"eventId": "e1", "kindIdentifier": "repository"}], by=SETUP)
    return token


def known(schema):
    """The same, with names that are there put forward wherever a name is asked for."""
    schema = deepcopy(schema)
    for path in schema["paths"].values():
        for operation in path.values():
            for parameter in operation["parameters"]:
                if parameter["name"] in NAMES:
                    parameter["schema"] = either(parameter["name"], parameter["schema"])
            if "requestBody" in operation:
                fill(operation["requestBody"])
    for name in ("Report", "LockWish", "Query", "RelationDefinition"):
        fill(schema["components"]["schemas"][name])
    return schema


def fill(part):
    """In place: the names of what is there, in every object's fields that take one."""
    for key, value in part.items():
        if key == "properties" and isinstance(value, dict):
            part[key] = {name: either(name, each) if name in NAMES else each for name, each in value.items()}
        if isinstance(value, dict):
            fill(value)


def either(name, schema):
    return {"anyOf": [{"enum": NAMES[name]}, schema]}


@cache
def described():
    """The operations by their names. Not made while tests are only collected."""
    schema = schemathesis.openapi.from_dict(closed(known(document())))
    schema.app = application
    return {each.ok().definition.raw["operationId"]: each.ok() for each in schema.get_all_operations()}


@contextmanager
def undone():
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def hold(case, token, headers=None, **more):
    """Sends it, holds the answer against the description, and undoes what it did."""
    with undone():
        case.call_and_validate(headers={"Authorization": f"Bearer {token}"} | (headers or {}), checks=CHECKS, **more)


@pytest.mark.timeout(600 + SECONDS * 20)
def test_no_request_made_from_the_description_gets_an_answer_that_is_not_described(program, subtests):
    """Rounds of a few requests to each operation, until the time is used up: at least one round."""
    broken, began = set(), process_time()
    for number in range(FIRST, FIRST + 10**6):
        for name, operation in described().items():
            if name not in broken:
                with subtests.test(name):
                    broken.add(name)
                    try_out(operation, program, number)
                    broken.discard(name)
        if process_time() - began > SECONDS:
            break


def try_out(operation, token, number):
    @seed(number)
    @settings(
        max_examples=4,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=st.one_of(operation.as_strategy(mode) for mode in GenerationMode))
    def tried(case):
        hold(case, token)

    tried()


WORDS = [
    "x" * 5000,
    "🏰 ́ﷺ‮",
    "../../etc/passwd",
    "a/entities/b",
    "%2F%",
    "a b?c#d;e",
    "99999999999999999999999999",
    "\x01",
    "a\0b",
    "\n",
]
BODIES = [
    b"",
    b"null",
    b"[]",
    b'"text"',
    b"{",
    b"{}",
    b"\xff\xfe{}",
    b'{"a": "\\u0000"}',
    b'{"\\u0000": 1}',
    b'{"a": "\\ud800"}',
    b'{"a": NaN}',
    b'{"a": 1e400}',
    b'{"a": 123456789012345678901234567890}',
    b'{"a": ' + b"[" * 200 + b"]" * 200 + b"}",
    b"<xml/>",
]
TYPES = ["text/plain", "multipart/form-data; boundary=x", "application/x-www-form-urlencoded", "é"]


@pytest.mark.timeout(600 + SECONDS * 20)
def test_no_odd_word_in_a_path_is_more_than_an_unknown_name_or_another_route(program):
    client = Client(raise_request_exception=False, headers={"Authorization": f"Bearer {program}"})
    for word, operation in product(WORDS, [each for each in described().values() if each.path_parameters]):
        path = re.sub(r"{\w+}", quote(word, safe=""), operation.path)
        with undone():
            answer = client.generic(operation.method, path, json.dumps(example_of(operation)), "application/json")
            assert answer.status_code < 500, (operation.label, word)
            if answer["Content-Type"] == "image/svg+xml":
                assert answer.status_code == 404, (operation.label, word)  # a badge that says so
            else:
                assert answer.json()["ok"] is (answer.status_code < 300), (operation.label, word)


@pytest.mark.timeout(600 + SECONDS * 20)
def test_no_odd_word_in_a_query_gets_an_answer_that_is_not_described(program):
    for word, operation in product(WORDS, [each for each in described().values() if len(each.query)]):
        asked = {each.name: word for each in operation.query}
        case = operation.Case(path_parameters=there(operation, "path"), query=asked)
        hold(case, program, data=json.dumps(example_of(operation)))


@pytest.mark.timeout(600 + SECONDS * 20)
def test_no_odd_body_gets_an_answer_that_is_not_described(program):
    bodies = [*product(BODIES, ["application/json"]), *product([b"{}"], TYPES)]
    for (body, content_type), operation in product(bodies, [each for each in described().values() if each.body]):
        case = operation.Case(path_parameters=there(operation, "path"), query=there(operation, "query"))
        hold(case, program, data=body, headers={"Content-Type": content_type})


def there(operation, place):
    """A name of what is there, for each of its needed parameters."""
    found = [each for each in operation.definition.raw["parameters"] if each["in"] == place and each.get("required")]
    return {each["name"]: NAMES.get(each["name"], [each["example"]])[0] for each in found}


def example_of(operation):
    body = operation.definition.raw.get("requestBody")
    return body["content"]["application/json"]["example"] if body else {}
