"""Programs, and what a jq of another make and age says of them.

The values in jq_table.jsonl were written down from the command jq 1.6, run on the plain form of each program. Its first line is
the input of all.
"""

import json
import time
from pathlib import Path

import pytest

from portal.kit import jq
from portal.kit.jq.dialect import translate

INPUT, *ROWS = map(json.loads, Path(__file__).with_name("jq_table.jsonl").read_text().splitlines())
ENTITY = INPUT["input"]


def evaluated(rows):
    """Each row with its outcome, all in one call."""
    [outcomes] = jq.evaluate([row["program"] for row in rows], [ENTITY])
    return list(zip(rows, outcomes, strict=True))


def test_every_program_says_what_the_reference_says():
    said = evaluated([row for row in ROWS if "gives" in row])
    assert len(said) > 350
    assert [(row["program"], got) for row, got in said if got != jq.Outcome(value=row["gives"])] == []


def test_every_program_that_the_reference_refuses_is_refused():
    said = evaluated([row for row in ROWS if "fails" in row])
    assert len(said) > 30
    assert [row["program"] for row, got in said if not got.error or got.value is not None] == []


def test_text_in_single_quotes_is_the_plain_program_that_the_reference_was_asked():
    quoted = [row for row in ROWS if "plain" in row]
    assert len(quoted) > 50
    assert [row for row in quoted if translate(row["program"]) != row["plain"]] == []


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("'abc' | gsub(''; '-')", "-a-b-c-"),  # 1.6 never ends
        ("{$__loc__}", {"__loc__": {"file": "<top-level>", "line": 1}}),  # 1.6 knows no such key
        ("[1, 2, 3] | getpath([1])", 2),
        ("-3 | abs", 3),
        ("' a ' | trim", "a"),
        ("[3, 1] | pick(.[1])", [None, 1]),
        ("{a: 1} | have_literal_numbers | type", "boolean"),
        ("[1, 2, 3, 4] | limit(0; .[])", None),
    ],
)
def test_what_a_newer_jq_knows(program, expected):
    assert jq.evaluate([program], [ENTITY]) == [[jq.Outcome(value=expected)]]


# Of the process that it runs in a program learns nothing, reads nothing, and ends nothing.
REFUSED = {
    "import 'a' as a; 1": "module not found",
    "include 'a'; 1": "module not found",
    "import 'passwd' as $d {search: '/etc'}; $d": "module not found",
    "'a' | modulemeta": "module not found",
    "$__prog_args": "not defined",
    "input_line_number": "Unknown input line number",
    "first(inputs, error('no more'))": "no more",
    "input": "break",
    "1 \x00 + 1": "U+0000",
}
SILENT = {
    "env": {},
    "$ENV": {},
    "env.PATH": None,
    "$ENV.HOME": None,
    "[inputs]": [],
    "get_search_list": [],
    "halt": None,
    "'x' | halt_error": None,
    "'x' | debug": "x",
    "'x' | debug('more')": "x",
    "'x' | stderr": "x",
    "input_filename": None,
    "now | type": "number",
    "now > 1700000000": True,
}


@pytest.mark.parametrize(("program", "reason"), REFUSED.items())
def test_what_reaches_beyond_the_entity_is_refused(program, reason):
    [[got]] = jq.evaluate([program], [ENTITY])
    assert got.value is None and reason in got.error


@pytest.mark.parametrize(("program", "expected"), SILENT.items())
def test_what_asks_for_the_process_is_told_nothing(program, expected, monkeypatch):
    monkeypatch.setenv("PORTCULLIS_SECRET", "hunter2")
    [[got], [next_one]] = [jq.evaluate([each], [ENTITY])[0] for each in (program, "1 + 1")]
    assert (got, next_one) == (jq.Outcome(value=expected), jq.Outcome(value=2))


HOSTILE = {
    "a loop without end": "0 | until(false; . + 1)",
    "numbers without end": "last(range(infinite))",
    "functions that call each other": "def f: def g: f; g; f",
    "a text that doubles": "reduce range(60) as $i ('x'; . + .)",
    "a list that doubles": "reduce range(60) as $i ([1]; . + .) | length",
    "definitions that double": "def f0: 1, 1; "
    + "".join(f"def f{n}: f{n - 1} | f{n - 1}; " for n in range(1, 60))
    + "[f59]",
    "a far index": ".[1000000000] = 1",
    "a far path": "setpath([99999999, 99999999]; 1)",
    "a long text taken apart": "'a' * 100000000 | explode",
    "deep text": "('[' * 100000) | fromjson",
    "deep text that is whole": "('[' * 9000) + (']' * 9000) | fromjson",
    "a deep value": "reduce range(1e6) as $i (1; [.]) | . == .",
    "a deep program": "[" * 4500 + "]" * 4500,
    "a far date": "1e300 | gmtime | mktime",
    "a date of many digits": "'9' * 100000 | strptime('%Y')",
    "a long path": "getpath([range(100000) | 0])",
    "half a character": "'\ud800",
    "half a character, escaped": "'\\ud800'",
    "interpolations": "'\\(" * 200,
    "an error of great length": "error([range(10000)])",
}


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_program_is_refused_in_a_sentence_and_the_next_one_runs(program):
    start = time.monotonic()
    [[got]] = jq.evaluate([program], [None])
    assert got.value is None and 0 < len(got.error) <= 500
    assert jq.evaluate(["1 + 1"], [None]) == [[jq.Outcome(value=2)]]
    assert time.monotonic() - start < 10


def test_half_a_character_in_the_input_is_no_fault():
    assert jq.evaluate([".a | length"], [{"a": "x\ud800"}]) == [[jq.Outcome(value=2)]]
