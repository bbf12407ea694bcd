"""Bugs planted in the command line, and the tests that must notice each (S11, S12). The file that runs is a copy."""

import os
import signal
import time

import pytest

from tests.ci import test_deploy, test_fails_closed
from tests.ci.conftest import COMMAND
from tests.ci.fake_portal import refusal
from tests.ci.test_fails_closed import HOSTILE


@pytest.fixture
def plant(monkeypatch, tmp_path_factory):
    def change(right, wrong):
        source, copy = COMMAND.read_text(), tmp_path_factory.mktemp("mutant") / "portcullis"
        assert right in source, f"ci/portcullis does not say {right!r} any more"
        copy.write_text(source.replace(right, wrong))
        monkeypatch.setattr("tests.ci.conftest.COMMAND", copy)

    return change


def unclear(name):
    return lambda portal, run, folder: test_fails_closed.test_an_unclear_answer_is_closed(portal, run, HOSTILE[name])


def no_token_along(portal, run, folder):
    test_fails_closed.test_a_redirect_never_takes_the_token_along(portal, run)


def no_strange_certificate(portal, run, folder):
    test_fails_closed.test_a_certificate_nobody_vouches_for_is_closed(portal, run, folder)


def closed_port(portal, run, folder):
    test_fails_closed.test_a_closed_port_is_closed(run)


def unknown_name(portal, run, folder):
    answer = refusal(404, "not_found", "There is no service kart.", nearest=["cart"])
    test_fails_closed.test_an_unknown_name_is_no_free_place(portal, run, answer)


FOLLOWED = "def redirect_request(self, *_):\n        return None"
OPEN = "ProxyHandler(urllib.request.getproxies_environment()), NoRedirect"
TRUSTING = f'{OPEN}, urllib.request.HTTPSHandler(context=__import__("ssl")._create_unverified_context())'
# S11: each is an answer that would open the gate.
BUGS = {
    "redirects are followed": (unclear("302 with an allow in it"), FOLLOWED, "pass"),
    "the token goes along a redirect": (no_token_along, FOLLOWED, "pass"),
    "any certificate will do": (no_strange_certificate, OPEN, TRUSTING),
    "what is not ok will do": (unclear("not ok"), 'body.get("ok") is not (status < 400)', "False"),
    "any word is an outcome": (unclear("unknown outcome"), "expect(outcome in OUTCOMES[answer.status]", "expect(True"),
    "an answer about elsewhere will do": (unclear("another service"), "expect(fits,", "expect(True,"),
    "a web page is an answer": (unclear("html"), 'raise Unusable(f"answered {status} with {kind}", taken=True)', "sys.exit(0)"),
    "half an answer is one": (unclear("truncated"), "        body = None\n", "        sys.exit(0)\n"),
    "a portal that is ill opens": (unclear("503"), 'raise Unusable(f"answered {status} {said}".strip(), taken', 'sys.exit(0), dict(taken'),
    "a portal that is away opens": (closed_port, 'raise Stop(UNREACHABLE, f"No usable', 'raise Stop(ALLOWED, f"No usable'),
    "an unknown name is free": (unknown_name, "UNKNOWN if status == 404", "ALLOWED if status == 404"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_a_gate_that_would_open_is_noticed(portal, run, plant, tmp_path, bug):
    check, right, wrong = BUGS[bug]
    plant(right, wrong)
    with pytest.raises(AssertionError) as noticed:
        check(portal, run, tmp_path)
    assert "Traceback" not in str(noticed.value), "it broke, which proves nothing"


# S12. The child outlives whoever does not look after it, by a minute at most.
CHILD = ("--lease", "3", "--", "sh", "-c", "sleep 60 & echo $! > child; wait")


def child_of(folder):
    test_deploy.appears(folder / "child")
    time.sleep(0.05)  # it is made, and then written
    return int((folder / "child").read_text())


def ends(pid, seconds=5):
    """Whether the process ends in time; if not it is ended here."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not is_alive(pid):
            return True
        time.sleep(0.05)
    os.kill(pid, signal.SIGKILL)
    return False


def is_alive(pid):
    """A dead one that nobody has waited for is no process any more."""
    try:
        with open(f"/proc/{pid}/stat") as told:
            return told.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def a_lost_lease(portal, begun, folder):
    portal.answers["POST", "/v1/claims/0192-claim/heartbeat"] = refusal(409, "lease_lost", "Its lease ran out.")
    begun(*CHILD)


def a_portal_that_is_gone(portal, begun, folder):
    portal.answers["POST", "/v1/claims/0192-claim/heartbeat"] = refusal(503, "unavailable", "The database is away.")
    begun(*CHILD)


def a_parent_that_is_killed(portal, begun, folder):
    deploy = begun("--lease", "60", *CHILD[2:])
    child_of(folder)
    deploy.send_signal(signal.SIGKILL)


ENDS = [a_lost_lease, a_portal_that_is_gone, a_parent_that_is_killed]
LEFT_ALIVE = {
    "only the command itself is ended": (a_lost_lease, "os.killpg(group, number)", "os.kill(group, number)"),
    "the guard waits for the portal": (a_portal_that_is_gone, 'if clock() >= kill_at - grace:\n            why = "lease"', "if False:\n            pass"),
    "the guard goes on without its parent": (a_parent_that_is_killed, 'why = None if raw else "parent"', "why = None"),
}  # fmt: skip


@pytest.mark.parametrize("end", ENDS)
def test_all_of_it_ends(portal, granting, begun, tmp_path, end):
    granting(lease=60 if end is a_parent_that_is_killed else 3)
    end(portal, begun, tmp_path)
    assert ends(child_of(tmp_path), 15)


@pytest.mark.parametrize("bug", LEFT_ALIVE)
def test_a_deploy_that_would_outlive_its_lease_is_noticed(portal, granting, begun, plant, tmp_path, bug):
    end, right, wrong = LEFT_ALIVE[bug]
    plant(right, wrong)
    granting(lease=60 if end is a_parent_that_is_killed else 3)
    end(portal, begun, tmp_path)
    assert not ends(child_of(tmp_path))
