"""One call, judged; against targets that mean no good."""

import socket
import time
from concurrent.futures import Future
from datetime import timedelta

import pytest

from deployments.health.calls import ask
from deployments.health.models import Probe
from portal.kit import names
from tests.health.conftest import NOON


def asked(url, *, timeout=0.5, **spec):
    """Seconds it took, and the result."""
    begun = time.monotonic()
    probe = Probe(pk=1, name="http", kind="http", spec={"url": url} | spec, interval=60, timeout=timeout)
    result = ask(probe, NOON)
    return time.monotonic() - begun, result


@pytest.mark.parametrize(
    ("path", "outcome", "answered"),
    [
        ("ok", "ok", True),
        ("status/503", "failed", True),
        ("hang", "failed", False),
        ("drip", "failed", False),
        ("reset", "failed", False),
        ("huge", "ok", True),
        ("redirect", "failed", True),
    ],
)
def test_whatever_a_target_does_the_call_ends_in_time(targets, at_home, path, outcome, answered):
    took, result = asked(f"{targets}/{path}")
    assert (result.outcome, result.answered) == (outcome, answered)
    assert took < 1.5
    assert result.reason or outcome == "ok"


def test_a_redirect_to_the_metadata_of_a_cloud_is_an_answer_and_is_not_followed(targets, at_home):
    _, result = asked(f"{targets}/redirect", status=["300-399"])
    assert (result.outcome, result.status) == ("ok", 302)
    assert asked("http://169.254.169.254/latest/meta-data/")[1].outcome == "no_data"


def test_a_resolver_that_others_keep_busy_is_no_failure_of_this_one(monkeypatch):
    """Sixty-four names that nobody ever answers for would else have everything fail that has a name."""
    monkeypatch.setattr(names, "_asked", {f"{number}.example": Future() for number in range(names.MOST)})
    _, result = asked("http://localhost/")
    assert result.outcome == "no_data" and "64 other names" in result.reason


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        ({"path": "$.status", "equals": "ok"}, ""),
        ({"path": "$.status", "equals": "down"}, "$.status is “ok”, and should be “down”."),
        ({"path": "$.checks[0].ms", "at_most": 5}, "$.checks[0].ms is 7, and should be at most 5."),
        ({"path": "$.checks[0].ms", "at_least": 5}, ""),
        ({"path": "$.nothing", "exists": False}, ""),
        ({"path": "$.nothing", "equals": None}, "$.nothing is not there, and should be null."),
        ({"contains": "1.4.2"}, ""),
        ({"header": "X-Absent", "exists": True}, "X-Absent is not there, and should be there."),
    ],
)
def test_what_made_it_fail_is_said_with_its_value(targets, at_home, condition, reason):
    _, result = asked(f"{targets}/json", conditions=[condition])
    assert (result.outcome, result.reason) == ("failed" if reason else "ok", reason)


def test_json_that_is_none_meets_no_condition_and_a_bomb_is_never_unpacked(targets, at_home):
    for path in ("ok", "huge", "bomb"):
        _, result = asked(f"{targets}/{path}", conditions=[{"path": "$.status", "equals": "ok"}], timeout=3)
        assert (result.outcome, result.reason) == ("failed", "$.status is not there, and should be “ok”.")


def test_slow_is_degraded_and_so_is_another_version(targets, at_home):
    _, slow = asked(f"{targets}/slow/0.1", slow_ms=50)
    assert slow.outcome == "degraded" and slow.values["ms"] >= 100
    _, other = asked(f"{targets}/json", version={"path": "$.version", "expect": "1.5.0"})
    assert (other.outcome, other.run_version) == ("degraded", "1.4.2")
    assert other.reason == "Version 1.4.2 runs where 1.5.0 is expected."
    _, header = asked(f"{targets}/ok", version={"header": "X-Version"})
    assert (header.outcome, header.run_version) == ("ok", "1.4.2")


def test_a_place_inside_is_no_data_and_not_a_failure(targets):
    """The operator did not allow it: that says nothing of the service."""
    _, result = asked(f"{targets}/ok")
    assert result.outcome == "no_data" and "PORTCULLIS_OUTGOING_NETWORKS" in result.reason


def test_a_port_that_probes_may_not_call_is_not_called(at_home, settings):
    settings.HEALTH_PORTS = [(443, 443)]
    _, result = asked("http://127.0.0.1:25/")
    assert result.outcome == "no_data" and "Port 25" in result.reason


def test_a_name_that_is_answered_differently_a_moment_later_leads_nowhere_else(targets, monkeypatch, settings):
    """It is looked up once, and the address that was judged is the one that is called."""
    settings.OUTGOING_NETWORKS = ["127.0.0.2/32"]
    answers, ask_resolver = ["127.0.0.1", "127.0.0.2"], socket.getaddrinfo

    def rebinding(host, *more, **named):
        return ask_resolver(answers.pop() if host == "rebinding.example" else host, *more, **named)

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = targets.replace("127.0.0.1", "rebinding.example")
    assert asked(f"{url}/ok")[1].outcome == "ok"
    assert answers == ["127.0.0.1"]
    assert asked(f"{url}/ok")[1].outcome == "no_data"


def test_a_resolver_that_hangs_holds_nobody(monkeypatch):
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: time.sleep(1) or [])
    took, result = asked("http://nobody.example/", timeout=0.2)
    assert (result.outcome, result.answered) == ("failed", False)
    assert took < 1 and "within 0.2 s" in result.reason


def test_a_certificate_near_its_end_is_degraded_and_one_past_it_is_down(certified, at_home):
    fresh, ending = certified(timedelta(days=60)), certified(timedelta(days=5))
    now = certified.now

    def ask_at(url):
        return ask(Probe(pk=1, kind="http", spec={"url": url}, interval=60, timeout=2), now)

    assert ask_at(fresh).outcome == "ok"
    near = ask_at(ending)
    assert (near.outcome, near.reason) == ("degraded", "Its certificate ends in 5 days.")
    over = ask_at(certified(timedelta(days=-1)))
    assert (over.outcome, over.answered) == ("failed", False) and "certificate" in over.reason


def test_tcp_is_up_where_somebody_listens(targets, at_home):
    port = int(targets.rpartition(":")[2])
    with socket.create_server(("127.0.0.1", 0)) as closed:
        gone = closed.getsockname()[1]
    results = [
        ask(Probe(pk=1, kind="tcp", spec={"host": "127.0.0.1", "port": each}, interval=60, timeout=0.5), NOON)
        for each in (port, gone)
    ]
    assert [(each.outcome, each.answered) for each in results] == [("ok", True), ("failed", False)]
