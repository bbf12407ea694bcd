"""User-written programs: what they may say, and that nothing they do reaches the portal."""

import os
import threading
import time

import pytest

from portal.kit import jq
from portal.kit.jq import pool
from portal.kit.jq.dialect import translate


def value(program, data=None):
    [[outcome]] = jq.evaluate([program], [data])
    assert outcome.error == ""
    return outcome.value


def error(program, data=None):
    [[outcome]] = jq.evaluate([program], [data])
    assert outcome.value is None
    return outcome.error


ENTITY = {
    "identifier": "checkout",
    "title": "Checkout",
    "team": ["payments"],
    "properties": {"on-call": "dana", "size": 3, "url": "https://x.example/", "tags": ["a", "b"]},
    "relations": {"system": "shop"},
}


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        (".identifier", "checkout"),
        (".properties.size * 2", 6),
        (".properties.'on-call'", "dana"),
        (".properties['on-call']", "dana"),
        (".'properties'.'size'", 3),
        ("'it is ' + .title", "it is Checkout"),
        ("'say \"hi\"'", 'say "hi"'),
        ("'it\\'s'", "it's"),
        ("'a\\nb'", "a\nb"),
        ('"it\'s"', "it's"),
        ("\"\\(.title + '!') and 'this'\"", "Checkout! and 'this'"),
        ("'\\(.title | ascii_downcase) (\\(.properties.size))'", "checkout (3)"),
        ("1 # it's a comment\n + 1", 2),
        (".team[0]", "payments"),
        (".properties.tags | join(', ')", "a, b"),
        ("if .properties.size > 2 then 'large' else 'small' end", "large"),
        (".properties.missing // 'none'", "none"),
        (".properties.url | test('^https')", True),
        ("'2026-01-05T10:00:00Z' | fromdate", 1767607200),
        ("empty", None),
        ("1, 2", 1),
        ("[.properties | to_entries[] | select(.value | type == 'number') | .key]", ["size"]),
        ("nan", None),
        ("1.5", 1.5),
        ("{a: 1, 'b': 2}", {"a": 1, "b": 2}),
    ],
)
def test_a_program_gives_its_first_output(program, expected):
    assert value(program, ENTITY) == expected


@pytest.mark.parametrize(
    ("program", "reason"),
    [
        (".properties.size + .title", "cannot be added"),
        ("error('no such thing')", "no such thing"),
        (". as $x|", "syntax error"),
        ("nothing_of_the_kind", "not defined"),
        ("import 'a' as $d {search: '/etc'}; 1", "module not found"),
        ("'\\u0000'", "U+0000"),
        ("'unclosed", "syntax error"),
    ],
)
def test_a_program_that_fails_says_why(program, reason):
    assert reason in error(program, ENTITY)


HOSTILE = {
    "an endless loop": "def f: f; f",
    "a loop over numbers": "last(range(1e12))",
    "memory": "[range(1e9)]",
    "a long text": "'x' * 1e9",
    "a deep value": "reduce range(1e6) as $i (1; [.]) | tojson",
    "a recursion": "def f: [f]; f",
    "a slow pattern": "('a' * 40 + 'b') * 200 | test('^(a|aa|aaa|a*)+$')",
    "a large output": "[range(300000)] | map('xxxxxxxx')",
}


@pytest.mark.parametrize("program", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_program_is_ended_and_the_next_call_works(program):
    start = time.monotonic()
    assert jq.evaluate([program], [None])[0][0].value in (None, False)
    assert time.monotonic() - start < 10
    assert value("1 + 1") == 2


@pytest.mark.parametrize(
    "program", ["halt", "halt_error", "env", "$ENV", "'a' | debug", "'a' | stderr", "input_filename"]
)
def test_nothing_of_the_process_shows(program, monkeypatch):
    monkeypatch.setenv("PORTCULLIS_SECRET", "hunter2")
    [[outcome]] = jq.evaluate([program], ["x"])
    assert "hunter2" not in str(outcome)
    assert outcome.value in (None, {}, "a", "x")
    assert value("1 + 1") == 2


def test_a_program_that_hangs_on_one_input_costs_only_that_one():
    rows = jq.evaluate(["if . == 3 then last(range(1e12)) else . end", ". + 1"], [1, 2, 3, 4])
    assert [row[0].value for row in rows] == [1, 2, None, 4]
    assert "processor time" in rows[2][0].error
    assert [row[1].value for row in rows] == [2, 3, 4, 5]


def test_inputs_that_hang_take_nothing_from_the_others():
    """What is computed of an entity must not follow from which others are computed with it."""
    rows = jq.evaluate(["last(range(.))"], [1e12, 1e12, 10, 20])
    assert [row[0].value for row in rows] == [None, None, 9, 19]


def test_a_program_that_always_hangs_is_given_up_at_once():
    start = time.monotonic()
    rows = jq.evaluate(["last(range(1e12))", "."], list(range(100)))
    assert all("processor time" in row[0].error for row in rows)
    assert [row[1].value for row in rows] == list(range(100))
    assert time.monotonic() - start < 10


def test_a_child_that_somebody_killed_is_replaced():
    value(".")
    for child in jq._pool().idle:
        os.kill(child.process.pid, 9)
        child.process.wait()
    assert value("1 + 1") == 2


def test_many_at_once_get_their_own_answers():
    wrong: list[int] = []

    def ask(n: int) -> None:
        for _ in range(20):
            if [row[0].value for row in jq.evaluate([f". + {n}"], [1, 2])] != [1 + n, 2 + n]:
                wrong.append(n)

    threads = [threading.Thread(target=ask, args=[n]) for n in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert wrong == []
    assert len(jq._pool().idle) <= pool.MOST_CHILDREN


def test_a_forked_process_has_children_of_its_own():
    value(".")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.write(writer, b"ok" if jq._pool().idle == [] and value("2 + 2") == 4 else b"no")
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reader, 2) == b"ok"
    assert value("1 + 1") == 2


def test_checking_a_program_runs_nothing_of_it():
    assert jq.check(".properties.'on-call'") == ""
    assert jq.check("last(range(1e12))") == ""
    assert "syntax error" in jq.check(".a |")
    assert "syntax error" in jq.check("1) | (2")  # not out of the parentheses that it is checked in
    assert "longer" in jq.check("1" * 20_000)


def test_plain_jq_is_left_as_it_is():
    for program in ['.a."b" | "c\\"d"', "# 'x' \"\n1", '"\\(1 + (2 * 3)) \\u00e9"', "", "..|.a?", '"unclosed \\(1']:
        assert translate(program) == program


def test_many_large_inputs_go_to_the_child_a_few_at_a_time():
    body = "x" * 1_000_000
    given = [{"body": body, "item": n} for n in range(150)]
    assert [row[0].value for row in jq.evaluate([".item"], given)] == list(range(150))


def test_a_number_beyond_64_bits_that_the_database_holds_is_an_input():
    assert value(".big > 1", {"big": 10**28}) is True


def test_interpolations_without_end_are_a_fault_of_the_program():
    assert jq.check("'\\(" * 3_000)


def test_two_threads_may_want_the_only_idle_child():
    class Vanishing(list):
        """Says that there is one when another thread has just taken it."""

        def __bool__(self):
            return True

    some = pool.Pool()
    some.idle = Vanishing()
    [[outcome]] = some.evaluate(["."], [1])
    assert outcome.value == 1
