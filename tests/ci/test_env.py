"""A pipeline asks for an environment, looks at it, extends it and has it torn down."""

import json

import pytest

from tests.ci.conftest import command_line
from tests.ci.fake_portal import refusal

ID = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f720"
ENVIRONMENTS = "/v1/environments"
ONE = f"{ENVIRONMENTS}/{ID}"


def environment(state="ready", **more):
    return {
        "id": ID,
        "name": "pr-42",
        "template": "preview",
        "state": state,
        "owner": "dana@example.org",
        "address": "https://pr-42.example.org/" if state == "ready" else None,
        "ends_at": "2026-11-22T23:40:00Z",
        "torn_down_at": None,
        "held_by": None,
        "last_error": "It answered 500: out of order" if state == "provision_failed" else None,
        "url": f"https://portal.test/environments/{ID}",
        **more,
    }


def one(state="ready", status=200, **more):
    return status, {"ok": True, "environment": environment(state, **more)}


@pytest.fixture
def named(portal):
    """By its name it is found: beside one that is called nearly so, and one of the same name that is gone."""
    rows = [environment("torn_down", id="gone"), environment(name="pr-421", id="other"), environment()]
    portal.answers["GET", ENVIRONMENTS] = 200, {"ok": True, "environments": rows}


def test_one_is_asked_for_with_inputs_of_the_types_that_its_template_declares(portal, run):
    declared = {
        "branch": {"type": "string"},
        "size": {"type": "integer"},
        "data": {"type": ["boolean", "null"]},
        "x": {},
    }
    template = {"identifier": "preview", "inputs": {"properties": declared, "required": []}}
    portal.answers["GET", f"{ENVIRONMENTS}/templates"] = 200, {"ok": True, "templates": [template]}
    portal.answers["POST", ENVIRONMENTS] = one("requested", 201)
    inputs = [word for each in ("branch=17", "size=3", "data=true", "x=a=b") for word in ("--set", each)]
    done = run("env", "request", "preview", "--name", "pr-42", "--ttl", "8h", *inputs, "--reason", "PR 42")
    assert done.returncode == 0 and done.stdout.startswith("REQUESTED: pr-42\n") and ID in done.stdout
    assert portal.asked[-1]["body"] == {
        "template": "preview",
        "name": "pr-42",
        "ttl": "8h",
        "reason": "PR 42",
        "inputs": {"branch": "17", "size": 3, "data": True, "x": "a=b"},
    }
    asked = len(portal.asked)
    for size in ("big", "NaN", "1e999"):
        wrong = run("env", "request", "preview", "--set", f"size={size}")
        assert wrong.returncode == 2 and "integer" in wrong.stderr
    assert [each["method"] for each in portal.asked[asked:]] == ["GET"] * 3


@pytest.mark.parametrize(
    ("states", "code", "words"),
    [
        (["provisioning", "ready"], 0, "READY: pr-42\n  address  https://pr-42.example.org/"),
        (["provision_failed"], 17, "PROVISION FAILED: pr-42"),
        (["provisioning"], 12, "WAITED IN VAIN"),
    ],
)
def test_with_wait_the_exit_code_says_whether_it_is_ready(portal, run, states, code, words):
    portal.answers["POST", ENVIRONMENTS] = one("requested", 201)
    portal.answers["GET", ONE] = [one(state) for state in states]
    done = run("env", "request", "preview", "--wait", "--timeout", "1s")
    assert done.returncode == code and words in done.stdout, done.stdout + done.stderr


def test_one_that_may_have_been_made_is_not_asked_for_twice(portal, run):
    portal.answers["POST", ENVIRONMENTS] = 500, b""
    done = run("env", "request", "preview")
    assert done.returncode == 20 and "may have been done" in done.stderr and len(portal.asked) == 1


def test_one_is_extended_and_torn_down_by_its_name(portal, run, named):
    portal.answers["POST", f"{ONE}/extension"] = one()
    portal.answers["DELETE", ONE] = one("tearing_down")
    extended = run("env", "extend", "pr-42", "--ttl", "2d", "--reason", "the demo")
    assert extended.returncode == 0 and "EXTENDED: pr-42" in extended.stdout
    assert portal.asked[0]["query"] == "state=living&q=pr-42"
    assert portal.asked[1]["body"] == {"ttl": "2d", "reason": "the demo"}
    stopped = run("env", "stop", "pr-42", "--reason", "merged")
    assert stopped.returncode == 0 and "BEING TORN DOWN: pr-42" in stopped.stdout and "ends" not in stopped.stdout
    assert portal.asked[-1]["path"] == ONE and portal.asked[-1]["query"] == "reason=merged"
    missing = run("env", "stop", "pr-4")
    assert missing.returncode == 22 and "pr-4" in missing.stderr and portal.asked[-1]["method"] == "GET"


@pytest.mark.parametrize(("state", "code"), [("ready", 0), ("asleep", 12), ("torn_down", 17)])
def test_its_status_is_the_exit_code(portal, run, named, state, code):
    portal.answers["GET", ONE] = one(state)
    done = run("env", "status", ID, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == told["exit"] == code
    assert (told["environment"]["state"], told["ok"], "message" in told) == (state, code == 0, code != 0)
    assert [each["path"] for each in portal.asked] == [ONE]


def test_without_a_name_those_that_live_are_listed(portal, run, named):
    done = run("env", "status", "--mine")
    head, *rows = done.stdout.splitlines()
    assert done.returncode == 0 and head.split() == ["ENVIRONMENT", "STATE", "TEMPLATE", "OWNER", "ENDS", "ADDRESS"]
    assert len(rows) == 3 and "pr-42" in rows[2] and "https://pr-42.example.org/" in rows[2]
    assert portal.asked[0]["query"] == "state=mine"


@pytest.mark.parametrize(
    ("words", "answer", "code"),
    [
        (("request", "preview"), refusal(404, "not_found", "There is no template called “preview”."), 22),
        (("request", "preview"), refusal(409, "name_taken", "There is an environment called pr-42."), 23),
        (("request", "preview"), (201, {"ok": True, "environment": {"id": ID, "name": "pr-42", "state": "fine"}}), 20),
        (("extend", ID), refusal(409, "hard_cap", "It lives no longer."), 23),
    ],
)
def test_what_is_refused_or_no_answer_is_never_0(portal, run, words, answer, code):
    portal.answers["POST", ENVIRONMENTS] = portal.answers["POST", f"{ONE}/extension"] = answer
    assert run("env", *words, timeout="0.5").returncode == code


@pytest.mark.parametrize(
    "words", [(), ("request",), ("request", "preview", "--set", "size"), ("extend",), ("request", "p", "--ttl", "8")]
)
def test_what_is_not_clear_is_wrong_usage(words, capsys):
    with pytest.raises(SystemExit, match="2"):
        command_line().read_words(["portcullis", "env", *words])
    assert "usage: portcullis env" in capsys.readouterr().err
