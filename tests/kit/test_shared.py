"""One makes it, the others wait for it, and nobody gets what is old or went wrong."""

import threading

import pytest

from portal.kit.shared import Shared


def counting(shared, key="a", fail=False):
    made = []

    def make():
        made.append(key)
        if fail:
            raise ValueError("not today")
        return f"{key}{len(made)}"

    return made, lambda: shared.get(key, make)


def test_it_is_made_once_for_each_key():
    shared = Shared(seconds=60, most=4)
    (made, ask), (other, ask_other) = counting(shared), counting(shared, "b")
    assert [ask(), ask(), ask_other(), ask()] == ["a1", "a1", "b1", "a1"]
    assert len(made) == len(other) == 1


def test_it_is_made_anew_when_its_time_is_over():
    made, ask = counting(Shared(seconds=0, most=4))
    assert [ask(), ask()] == ["a1", "a2"]


def test_only_the_last_few_are_kept():
    shared = Shared(seconds=60, most=2)
    asks = {key: counting(shared, key) for key in "abc"}
    for key in "abcb":
        asks[key][1]()
    assert [len(made) for made, _ in asks.values()] == [1, 1, 1]
    asks["a"][1]()
    assert len(asks["a"][0]) == 2


def test_a_fault_is_told_and_not_kept():
    shared = Shared(seconds=60, most=2)
    _, failing = counting(shared, fail=True)
    with pytest.raises(ValueError, match="not today"):
        failing()
    made, ask = counting(shared)
    assert ask() == "a1" and len(made) == 1


def test_whoever_asks_meanwhile_waits_and_gets_the_same():
    shared, begun, go_on, got = Shared(seconds=60, most=2), threading.Event(), threading.Event(), []

    def slowly():
        begun.set()
        assert go_on.wait(10)
        return object()

    first = threading.Thread(target=lambda: got.append(shared.get("a", slowly)))
    first.start()
    assert begun.wait(10)
    others = [threading.Thread(target=lambda: got.append(shared.get("a", object))) for _ in range(4)]
    for each in others:
        each.start()
    go_on.set()
    for each in (first, *others):
        each.join(10)
    assert len(got) == 5 and len(set(map(id, got))) == 1
