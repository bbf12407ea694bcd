"""What a guide to /v1 says is what happens: each command is run, in order, and each answer holds what stands there."""

import json
import re
import shlex
from pathlib import Path

import pytest
from django.test import Client

from portal.accounts.commands import credential_create
from tests.conftest import SETUP

ROOT = Path(__file__).parents[1]
PAIR = re.compile(r"```sh\n(.+?)```\n+```json ?(\d*)\n(.+?)```", re.DOTALL)


@pytest.mark.parametrize(("name", "least"), [("api", 10), ("notifications", 4), ("watching", 4)])
def test_every_command_of_a_guide_answers_as_it_says(shop, name, least):
    credential, secret = credential_create("Robot", kind="client", scopes=["admin"], by=SETUP)
    _, token = credential_create("CI", kind="ci", scopes=["admin"], by=SETUP)
    words = {"PORTCULLIS_URL": "", "TOKEN": token, "CLIENT_ID": credential.client_id, "CLIENT_SECRET": secret}
    guide = (ROOT / "docs" / f"{name}.md").read_text()
    steps = PAIR.findall(guide)
    assert len(steps) == guide.count("```sh") >= least, "each command is followed by its answer"
    for command, status, told in steps:
        response = run(command, words)
        assert response.status_code == int(status or 200), (command, response.content)
        assert holds(response.json(), json.loads(told)), (command, response.json())
        words |= made(response.json()) if status == "201" else {}


def made(answer):
    """What was made, by its noun in capitals: `$LOCK` is its id."""
    return {noun.upper(): what["id"] for noun, what in answer.items() if isinstance(what, dict) and "id" in what}


def run(command, words):
    """The curl command as a request: `-X`, `-H` and `-d` with variables in double quotes, as a shell has them."""
    url, method, headers, body = "", "", {}, ""
    parts = iter(shlex.split(filled(command, words).replace("\\\n", " "))[2:])
    for part in parts:
        if part == "-X":
            method = next(parts)
        elif part == "-H":
            name, _, value = next(parts).partition(": ")
            headers[name] = value
        elif part == "-d":
            body = next(parts)
        else:
            url = part
    kind = headers.pop("Content-Type", "application/json")
    verb = method or ("POST" if body else "GET")
    return Client().generic(verb, url, body, kind, headers=headers)


def filled(command, words):
    """Only what is in capitals is a variable: `$blueprint` stands in single quotes."""
    return re.sub(r"\$([A-Z_]+)", lambda found: words[found[1]], command)


def holds(answer, told):
    """Everything that is told is in the answer; lists are as long as told."""
    if isinstance(told, dict):
        return isinstance(answer, dict) and all(name in answer and holds(answer[name], told[name]) for name in told)
    if isinstance(told, list):
        return isinstance(answer, list) and len(answer) == len(told) and all(map(holds, answer, told))
    return answer == told


def test_a_guide_that_says_something_else_would_fail():
    assert not holds({"a": 1}, {"a": 2})
    assert not holds({}, {"a": None})
    assert not holds([1, 2], [1])
