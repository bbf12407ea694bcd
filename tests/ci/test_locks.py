"""Dana locks, extends and releases from a terminal; Bob finds out."""

import pytest

from tests.ci.fake_portal import LOCK, raw_server, refusal

PLACE = ("--service", "cart", "--environment", "production")
LOCKING = ("lock", *PLACE, "--reason", "debugging checkout")
ONE = 200, {"ok": True, "lock": LOCK}


def test_a_lock_is_taken_and_says_how_to_release_it(portal, run):
    portal.answers["POST", "/v1/locks"] = 201, {"ok": True, "lock": LOCK}
    done = run(*LOCKING, "--for", "2h", "--link", "https://chat.test/t/1")
    assert done.returncode == 0 and "LOCKED: cart in production" in done.stdout and "unlock 0192-lock" in done.stdout
    assert portal.asked[0]["body"] == {
        "service": "cart",
        "environment": "production",
        "scope": "pair",
        "reason": "debugging checkout",
        "kind": "manual",
        "steal": False,
        "duration": "2h",
        "link": "https://chat.test/t/1",
    }


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("--until", "2026-11-22T16:40+01:00"), {"until": "2026-11-22T16:40+01:00"}),
        (("--open-ended",), {"until": None}),
        (("--for", "90m", "--steal"), {"duration": "90m", "steal": True}),
    ],
)
def test_an_end_is_sent_as_it_was_said(portal, run, words, sent):
    portal.answers["POST", "/v1/locks"] = 201, {"ok": True, "lock": LOCK}
    assert run(*LOCKING, *words).returncode == 0
    assert sent.items() <= portal.asked[0]["body"].items()


@pytest.mark.parametrize(
    "words",
    [
        LOCKING,
        (*LOCKING, "--for", "2"),
        (*LOCKING, "--for", "0h"),
        (*LOCKING, "--until", "2026-11-22T16:40"),
        (*LOCKING, "--for", "2h", "--open-ended"),
        ("lock", *PLACE, "--for", "2h"),
        ("lock", *PLACE, "--reason", "", "--for", "2h"),
        ("lock", "--service", "cart", "--reason", "x", "--for", "2h"),
        (*LOCKING, "--for", "2h", "--scope", "service"),
        (*LOCKING, "--for", "2h", "--scope", "everything"),
        ("lock", "--reason", "x", "--for", "2h", "--scope", "tier"),
        ("unlock",),
        ("unlock", "--service", "cart"),
        ("unlock", "0192-lock", *PLACE),
        ("extend", "0192-lock"),
    ],
)
def test_a_lock_that_is_not_clear_is_not_asked_for(portal, run, words):
    done = run(*words)
    assert done.returncode == 2 and done.stderr
    assert portal.asked == []


def test_a_lock_held_by_somebody_is_23_and_names_them(portal, run):
    portal.answers["POST", "/v1/locks"] = refusal(409, "already_locked", "Dana holds this lock.", lock=LOCK)
    done = run(*LOCKING, "--for", "2h")
    assert done.returncode == 23 and "debugging checkout" in done.stderr and done.stderr.strip().endswith("--steal")


def test_a_lock_that_may_have_been_taken_is_not_taken_twice(run):
    with raw_server(b"HTTP/1.1 201 Created\r\n") as url:
        done = run(*LOCKING, "--for", "2h", "--url", url)
    assert done.returncode == 20 and "1 try" in done.stderr and "may have been done" in done.stderr


def test_a_portal_that_was_not_ready_is_asked_again_for_the_lock(portal, run):
    portal.answers["POST", "/v1/locks"] = [(503, b""), (201, {"ok": True, "lock": LOCK})]
    assert run(*LOCKING, "--for", "2h").returncode == 0


def test_a_lock_is_released_by_its_id(portal, run):
    portal.answers["DELETE", "/v1/locks/0192-lock"] = ONE
    done = run("unlock", "0192-lock", "--reason", "found it")
    assert done.returncode == 0 and "RELEASED: cart in production" in done.stdout
    assert portal.asked[0]["query"] == "reason=found+it"


def test_a_lock_is_released_by_its_place_and_no_other_is(portal, run):
    wider = {**LOCK, "id": "wider", "scope": "environment", "service": None}
    elsewhere = {**LOCK, "id": "elsewhere", "environment": "staging"}
    portal.answers["GET", "/v1/locks"] = 200, {"ok": True, "locks": [wider, elsewhere, LOCK]}
    portal.answers["DELETE", "/v1/locks/0192-lock"] = ONE
    assert run("unlock", *PLACE).returncode == 0
    assert portal.asked[1]["path"] == "/v1/locks/0192-lock"


def test_nothing_to_release_is_fine(portal, run):
    portal.answers["GET", "/v1/locks"] = 200, {"ok": True, "locks": []}
    done = run("unlock", *PLACE)
    assert done.returncode == 0 and "NOT LOCKED" in done.stdout


def test_of_several_locks_one_must_be_named(portal, run):
    portal.answers["GET", "/v1/locks"] = (
        200,
        {"ok": True, "locks": [LOCK, {**LOCK, "id": "second", "kind": "incident"}]},
    )
    done = run("unlock", *PLACE)
    assert done.returncode == 23 and "0192-lock" in done.stderr and "second" in done.stderr
    assert len(portal.asked) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [(refusal(404, "not_found", "There is no such lock."), 22), (refusal(403, "forbidden", "Only Dana may."), 23)],
)
def test_a_release_that_is_refused_says_why(portal, run, answer, code):
    portal.answers["DELETE", "/v1/locks/a%2Fb"] = answer
    done = run("unlock", "a/b")
    assert done.returncode == code and answer[1]["message"] in done.stderr


def test_a_lock_is_extended(portal, run):
    portal.answers["POST", "/v1/locks/0192-lock/extension"] = ONE
    done = run("extend", "0192-lock", "--for", "1d")
    assert done.returncode == 0 and "EXTENDED" in done.stdout and portal.asked[0]["body"] == {"duration": "1d"}


def test_locks_are_listed(portal, run):
    tier = {**LOCK, "scope": "tier", "tier": "production", "service": None, "environment": None, "reason": "peak day"}
    portal.answers["GET", "/v1/locks"] = 200, {"ok": True, "locks": [LOCK, tier]}
    done = run("locks", "--service", "cart")
    assert (
        "cart in production" in done.stdout
        and "every environment of tier production" in done.stdout
        and "peak day" in done.stdout
    )
    assert portal.asked[0]["query"] == "state=active&service=cart"
    portal.answers["GET", "/v1/locks"] = 200, {"ok": True, "locks": []}
    assert run("locks").stdout == "No locks (active).\n"


def test_where_shows_what_is_live(portal, run):
    row = {
        "service": "cart",
        "environment": "production",
        "version": "1.4.2",
        "commit": "a" * 40,
        "status": "success",
        "tier": "production",
        "deployed_at": "2026-11-22T10:00:00Z",
        "deployed_by": "bob",
        "locked": True,
        "locked_by": "Dana",
        "locked_reason": "debugging",
    }
    portal.answers["GET", "/v1/deployments/current"] = (
        200,
        {"ok": True, "deployment_configs": [row, {**row, "locked": False, "version": None}]},
    )
    head, first, second = run("where", "--service", "cart").stdout.splitlines()
    assert head.split() == ["SERVICE", "ENVIRONMENT", "VERSION", "COMMIT", "STATUS", "BY", "SINCE", "LOCK"]
    assert (
        "1.4.2" in first
        and "aaaaaaaaaa  success" in first
        and first.endswith("locked by Dana: debugging")
        and "locked" not in second
    )
