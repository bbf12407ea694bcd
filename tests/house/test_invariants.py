"""docs/invariants.md names tests and planted bugs that are there, for each promise, and leaves no planted bug out."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

from tests.api import test_busy
from tests.audit import test_mutants as of_deliveries
from tests.ci import test_mutants as of_the_command_line
from tests.deployments import test_proof_changes, test_proof_mutants, test_proofs_at_once
from tests.environments import test_mutants as of_environments
from tests.health import test_mutants as of_health
from tests.journeys import test_mutants as of_watches
from tests.locks import test_monotone, test_mutants, test_permissions, test_replay, test_schedules
from tests.notifications import test_mutants as of_notifications

ROOT = Path(__file__).parents[2]
HEAD, *PARTS = re.split(r"^## ", (ROOT / "docs" / "invariants.md").read_text(), flags=re.MULTILINE)
PROMISES = {part.partition(".")[0]: part for part in PARTS}
PLANTED = [
    *(test_mutants.ALONE, test_mutants.SQL, test_mutants.AT_ONCE),
    *(test_permissions.BUGS, test_monotone.BUGS, test_replay.BUGS, test_schedules.BUGS, test_busy.BUGS),
    *(each for of in (test_proof_changes, test_proof_mutants, test_proofs_at_once) for each in (of.BUGS, of.SQL)),
    of_environments.BUGS,
    *(of_health.BUGS, of_health.SQL),
    *(of_watches.BUGS, of_watches.KILLED),
    *(of_deliveries.BUGS, of_deliveries.SQL, of_notifications.BUGS, of_notifications.KILLED),
    *(of_the_command_line.BUGS, of_the_command_line.LEFT_ALIVE),
]


@cache
def functions_of(path):
    return {node.name for node in ast.walk(ast.parse((ROOT / path).read_text())) if isinstance(node, ast.FunctionDef)}


def test_every_promise_is_there():
    assert list(PROMISES) == [
        *(f"S{n}" for n in range(1, 13)),
        "L1",
        "L2",
        "L3",
        "Time",
        *(f"T{n}" for n in range(1, 7)),
        *(f"E{n}" for n in range(1, 8)),
        *(f"P{n}" for n in range(1, 6)),
        *(f"W{n}" for n in range(1, 3)),
        *(f"R{n}" for n in range(1, 5)),
        *(f"N{n}" for n in range(1, 5)),
    ]


@pytest.mark.parametrize("promise", PROMISES)
def test_what_a_promise_names_is_there(promise):
    named = re.findall(r"^- `([\w/]+\.py)::(\w+)`$", PROMISES[promise], re.MULTILINE)
    bugs = re.findall(r"“([^”]+)”", PROMISES[promise])
    assert named and bugs
    assert [name for path, name in named if name not in functions_of(path)] == []
    assert [bug for bug in bugs if not any(bug in planted for planted in PLANTED)] == []


def test_every_planted_bug_stands_under_a_promise():
    spoken = set(re.findall(r"“([^”]+)”", "".join(PARTS)))
    assert {bug for planted in PLANTED for bug in planted} - spoken == set()
