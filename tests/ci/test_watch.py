"""A pipeline asks what its deployment did to its place; whatever is not a clear pass is not 0."""

import json

import pytest

ID = "0192f0c4-0000-7000-8000-000000000001"
WATCH = ("watch", "--deployment", ID)
PATH = ("GET", f"/v1/deployments/{ID}/watch")


def said(state, **more):
    told = {
        "state": state,
        "reason": "http answered 9 times.",
        "until": "2026-11-22T15:40:00Z",
        "url": "https://portal.test/d",
    }
    return 200, {"ok": True, "watch": told | more}


@pytest.mark.parametrize(("state", "code"), [("passed", 0), ("failed", 15), ("inconclusive", 16)])
def test_the_verdict_is_the_exit_code_with_its_reason_and_page(portal, run, state, code):
    portal.answers[PATH] = said(state)
    done = run(*WATCH)
    assert done.returncode == code
    assert f"{state.upper()}: http answered 9 times." in done.stdout and "https://portal.test/d" in done.stdout
    assert json.loads(run(*WATCH, "--json").stdout)["exit"] == code


def test_without_a_verdict_it_waits_in_vain(portal, run):
    portal.answers[PATH] = said("open")
    done = run(*WATCH, "--timeout", "1s")
    assert done.returncode == 12 and "Watched until 2026-11-22 15:40 UTC" in done.stdout
    assert len(portal.asked) > 1


def test_what_nobody_watches_is_16(portal, run):
    portal.answers[PATH] = (200, {"ok": True, "watch": None})
    done = run(*WATCH, "--timeout", "1s")
    assert done.returncode == 16 and "NOT WATCHED" in done.stdout


@pytest.mark.parametrize(
    "answer",
    [
        (200, {"ok": True}),
        (200, {"ok": True, "watch": {"state": "fine"}}),
        (200, {"ok": True, "watch": "passed"}),
        (200, b"<html>"),
        (503, b""),
    ],
)
def test_what_is_no_answer_is_20(portal, run, answer):
    portal.answers[PATH] = answer
    assert run(*WATCH, timeout="0.5").returncode == 20


def test_an_unknown_deployment_is_22(portal, run):
    portal.answers[PATH] = (404, {"ok": False, "error": "not_found", "message": "There is no such deployment."})
    assert run(*WATCH).returncode == 22
