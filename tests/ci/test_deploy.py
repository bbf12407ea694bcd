"""`deploy` begins nothing without a clear yes, and what it began is dead before another could have the place."""

import hashlib
import signal
import socket
import time

import pytest

from tests.ci.conftest import DEPLOY, PLACE
from tests.ci.fake_portal import decision, denied, granted, refusal
from tests.ci.test_fails_closed import HOSTILE

# Leaves a mark of every moment it lives in, and so does a child of it; neither heeds a request to end.
STUBBORN = "trap '' TERM; (trap '' TERM; while :; do date +%s.%N >> child; sleep 0.05; done) & while :; do date +%s.%N >> lives; sleep 0.05; done"


def appears(path):
    end = time.monotonic() + 20
    while not path.exists() and time.monotonic() < end:
        time.sleep(0.02)
    assert path.exists()


def last_sign(tmp_path):
    """When the deploy's processes last lived, once they have been silent for a second."""
    marks = [tmp_path / "lives", tmp_path / "child"]
    end = time.monotonic() + 30
    while time.monotonic() < end:
        seen = max(each.stat().st_mtime for each in marks)
        if time.time() - seen > 1:
            return seen
        time.sleep(0.05)
    raise AssertionError("it still lives")


def asked(portal, path):
    return [each for each in portal.asked if each["path"] == path]


@pytest.mark.parametrize(
    "answer",
    [
        *(each for name, each in HOSTILE.items() if name not in ("denied elsewhere",)),
        denied(environment="staging"),
        denied(outcome="allow"),
        granted(200, service="search"),
        granted(environment="staging"),
        granted(fence=None),
        granted(fence="7"),
        granted(fence=True),
        granted(lease=0),
        granted(id="../locks"),
        granted(finished_at="2026-11-22T13:00:00Z"),
        granted(revoked_at="2026-11-22T13:00:00Z"),
        (202, granted()[1]),
    ],
)
def test_without_a_clear_grant_nothing_is_run(portal, run, tmp_path, answer):
    portal.answers["POST", "/v1/claims"] = answer
    portal.answers["GET", "/elsewhere"] = granted()
    done = run(*DEPLOY, "--", "touch", "deployed", timeout="0.5")
    assert done.returncode == 20, done.stdout + done.stderr
    assert "CLOSED" in done.stderr
    assert not (tmp_path / "deployed").exists()


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (denied(), 10),
        (denied(locks=[], freezes=[{"id": "f", "name": "Christmas"}]), 11),
        ((423, {**denied()[1], "decision": decision("wait", message="CI 41 is deploying")}), 12),
        (refusal(403, "override_refused", "The override has ended."), 14),
        (refusal(401, "unauthorized", "No such token."), 21),
        (refusal(404, "not_found", "There is no service cart.", nearest=["card"]), 22),
        (refusal(409, "taken", "Another run has it."), 23),
        (granted(200), 23),  # this very run deploys already, in another step
    ],
)
def test_each_no_has_its_code_and_runs_nothing(portal, run, tmp_path, answer, code):
    portal.answers["POST", "/v1/claims"] = answer
    done = run(*DEPLOY, "--override", "0192-over", "--", "touch", "deployed")
    assert done.returncode == code, done.stdout + done.stderr
    assert not (tmp_path / "deployed").exists()


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_without_a_clear_turn_nobody_goes(portal, run, answer):
    portal.answers["POST", "/v1/tickets"] = answer
    portal.answers["GET", "/elsewhere"] = 200, {"ok": True}
    done = run("wait", *PLACE, "--timeout", "1s", timeout="0.5")
    assert done.returncode == 20, done.stdout + done.stderr


def test_the_command_has_the_fence_and_both_ends_are_told(portal, granting, run, tmp_path):
    granting()
    done = run(*DEPLOY, "--", "sh", "-c", "echo $PORTCULLIS_FENCE $PORTCULLIS_CLAIM > told")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "told").read_text() == "7 0192-claim\n"
    reports = [each["body"] for each in asked(portal, "/v1/deployments")]
    assert [each["status"] for each in reports] == ["in_progress", "success"]
    assert {each["claim"] for each in reports} == {"0192-claim"}
    [end] = asked(portal, "/v1/claims/0192-claim/finish")
    assert end["body"] == {"fence": 7, "outcome": "success"}


@pytest.mark.parametrize(("command", "code"), [("exit 3", 3), ("exit 10", 1), ("exit 20", 1), ("kill -9 $$", 137)])
def test_a_failed_command_keeps_its_code_unless_it_is_one_of_ours(portal, granting, run, command, code):
    granting()
    assert run(*DEPLOY, "--", "sh", "-c", command).returncode == code
    assert asked(portal, "/v1/claims/0192-claim/finish")[0]["body"]["outcome"] == "failure"


def test_a_lost_lease_stops_all_of_it_at_once(portal, granting, begun, tmp_path):
    granting(lease=6)
    deploy = begun("--lease", "6", "--", "sh", "-c", STUBBORN)
    appears(tmp_path / "child")
    lost = refusal(409, "lease_lost", "Its lease ran out. Stop deploying.")
    portal.answers["POST", "/v1/claims/0192-claim/heartbeat"] = lost
    assert deploy.wait(30) == 13
    last_sign(tmp_path)
    assert b"LEASE LOST" in deploy.stdout.read()


def test_with_the_portal_gone_all_of_it_is_dead_before_the_lease_ends(portal, granting, begun, tmp_path):
    """Another can be granted the place six seconds after the last sign of life that was acknowledged was sent."""
    granting(lease=6)
    portal.answers["POST", "/v1/claims/0192-claim/heartbeat"] = refusal(503, "unavailable", "The database is away.")
    began = time.time()
    deploy = begun("--lease", "6", "--", "sh", "-c", STUBBORN)
    appears(tmp_path / "child")
    begged = time.time()  # the claim was asked for before this
    assert deploy.wait(30) == 13
    assert last_sign(tmp_path) - begged < 6
    assert last_sign(tmp_path) > began


def test_with_its_parent_killed_all_of_it_dies(granting, begun, tmp_path):
    granting()
    deploy = begun("--", "sh", "-c", STUBBORN)
    appears(tmp_path / "child")
    deploy.send_signal(signal.SIGKILL)
    killed = time.time()
    assert last_sign(tmp_path) - killed < 30


def test_a_cancelled_run_ends_its_command_and_its_claim(portal, granting, begun, tmp_path):
    granting()
    deploy = begun("--", "sh", "-c", "trap 'touch cleaned; exit 5' TERM; touch here; while :; do sleep 0.05; done")
    appears(tmp_path / "here")
    deploy.send_signal(signal.SIGTERM)
    assert deploy.wait(30) == 128 + signal.SIGTERM
    assert (tmp_path / "cleaned").exists()
    assert asked(portal, "/v1/claims/0192-claim/finish")[0]["body"]["outcome"] == "cancelled"


# Break-glass


def code():
    body = "pcg-abcd-efgh"
    return f"{body}-{hashlib.sha256(body.encode()).hexdigest()[:4]}"


@pytest.fixture
def away():
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    return f"http://127.0.0.1:{port}"


def test_with_the_portal_away_a_code_lets_it_go_loudly(run, away, tmp_path):
    done = run(*DEPLOY, "--url", away, "--", "touch", "deployed", env={"PORTCULLIS_BREAK_GLASS": code()}, timeout="0.5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "deployed").exists()
    assert "COULD NOT ASK THE GATE" in done.stdout and "break-glass --service cart" in done.stdout
    assert code() not in done.stdout + done.stderr


def test_a_code_passes_no_lock_that_the_portal_tells_of(portal, run, tmp_path):
    portal.answers["POST", "/v1/claims"] = denied()
    done = run(*DEPLOY, "--", "touch", "deployed", env={"PORTCULLIS_BREAK_GLASS": code()})
    assert done.returncode == 10
    assert not (tmp_path / "deployed").exists()


@pytest.mark.parametrize("wrong", ["pcg-abcd-efgh-0000", "hunter2", "pcg-"])
def test_a_code_with_a_slip_in_it_runs_nothing(run, away, tmp_path, wrong):
    done = run(*DEPLOY, "--url", away, "--", "touch", "deployed", env={"PORTCULLIS_BREAK_GLASS": wrong}, timeout="0.5")
    assert done.returncode == 2
    assert not (tmp_path / "deployed").exists()
