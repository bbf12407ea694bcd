"""The verdict on a deployment: a function of what was found before and after it, and of nothing else."""

import itertools
import random

import pytest

from deployments.health.states import Level
from deployments.watching import Observed, depth, judge

OK, OFF, BAD, DOWN = Level.OK, Level.DEGRADED, Level.FAILING, Level.DOWN


def probe(after, before=(OK,) * 5, *, name="http", failures=3):
    return Observed(name, failures, before, after, "HTTP 500", {"status": 500})


@pytest.mark.parametrize(
    ("before", "after", "verdict", "words"),
    [
        ([OK] * 9, [OK] * 9, "passed", "http answered 9 times, no worse than in the hour before."),
        ([], [OK], "passed", "http answered 1 time, no worse"),
        ([OK] * 9, [OK, BAD, BAD, OK, BAD, BAD, OK], "passed", "no worse"),
        ([OK] * 9, [OK, BAD, BAD, BAD, OK, OK], "failed", "failing 3 times in a row since. It said: HTTP 500"),
        ([], [BAD] * 3, "failed", "healthy in the hour before"),
        ([OK] * 9, [BAD, DOWN, BAD], "failed", "failing"),
        ([BAD] * 9, [BAD] * 9, "inconclusive", "failing before as well: it is no worse"),
        ([BAD, BAD, BAD, OK], [BAD] * 4, "inconclusive", "no worse"),
        ([BAD] * 9, [DOWN] * 3, "failed", "was failing in the hour before"),
        ([BAD] * 9, [BAD, BAD, OK], "passed", "no worse"),
        ([OK] * 9, [OFF] * 9, "inconclusive", "ended degraded"),
        ([OFF] * 9, [OFF] * 9, "passed", "no worse"),
        ([OK] * 9, [], "inconclusive", "No probe has answered"),
        ([DOWN] * 9, [], "inconclusive", "No probe has answered"),
    ],
)
def test_what_is_found_decides(before, after, verdict, words):
    judged = judge([probe(after, before)], over=True)
    assert judged.verdict == verdict and words in judged.reason


def test_it_waits_for_the_end_unless_something_has_failed():
    assert judge([probe([OK] * 9)], over=False) is None
    assert judge([probe([BAD, BAD])], over=False) is None
    failed = judge([probe([OK, BAD, BAD, BAD])], over=False)
    assert failed.verdict == "failed"
    assert failed.values["http"] == {"before": "healthy", "results": 4, "failed": 3, "found": {"status": 500}}


def test_one_probe_that_fails_is_enough_and_one_that_is_silent_is_named():
    assert judge([probe([OK] * 4), probe([BAD] * 3, name="tcp")], over=True).reason.startswith("tcp was healthy")
    passed = judge([probe([OK] * 4), probe([], name="canary")], over=True)
    assert passed.verdict == "passed" and passed.reason.endswith("Nothing was heard of canary.")


def test_maintenance_and_a_newer_deployment_make_it_inconclusive():
    assert judge([probe([BAD] * 9)], over=True, muted=True).verdict == "inconclusive"
    assert judge([probe([BAD] * 9)], over=False, muted=True) is None
    overtaken = judge([probe([OK] * 9)], over=True, ended="Overtaken by 1.2.")
    assert (overtaken.verdict, overtaken.reason) == ("inconclusive", "Overtaken by 1.2.")
    assert judge([probe([BAD] * 3)], over=True, ended="Overtaken by 1.2.").verdict == "failed"


def test_no_data_is_never_failure_and_k_less_one_never_fails():
    """Against a count by hand, over all short histories and some long ones."""
    histories = list(itertools.product([OK, BAD], repeat=6))
    dice = random.Random(7)
    histories += [tuple(dice.choices([OK, OFF, BAD, DOWN], weights=[6, 1, 3, 1], k=30)) for _ in range(300)]
    for after, failures in itertools.product(histories, (1, 3)):
        text = "".join("x" if each >= BAD else "." for each in after)
        judged = judge([probe(after, (OK,) * 9, failures=failures)], over=True)
        assert (judged.verdict == "failed") is ("x" * failures in text), text
        assert (depth(after, failures) >= BAD) is ("x" * failures in text)
