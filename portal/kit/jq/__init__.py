"""User-written jq, run where it can do no harm: `evaluate` and `check`."""

import os
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from portal.kit.jq.dialect import translate
from portal.kit.jq.pool import NOTHING, Outcome, Pool, sound

__all__ = ["Outcome", "check", "evaluate"]

LONGEST = 10_000


@lru_cache(maxsize=1)
def _pool() -> Pool:
    return Pool()


# A forked process must not talk to its parent's children.
os.register_at_fork(after_in_child=_pool.cache_clear)


def evaluate(programs: Sequence[str], inputs: Sequence[Any]) -> list[list[Outcome]]:
    """A row for each input, in it an outcome for each program: the first output, or why there is none.

    Numbers are IEEE doubles, as jq has them. Never raises for what a program does. Two calls at once go to two children; more wait.
    """
    return (
        _pool().evaluate([translate(sound(each)) for each in programs], inputs)
        if inputs and programs
        else [[] for _ in inputs]
    )


def check(program: str) -> str:
    """Why it is not a program, or an empty text. It is compiled, and not run."""
    if len(program) > LONGEST:
        return f"is longer than {LONGEST:,} characters"
    [[outcome]] = evaluate([program], [NOTHING])
    return outcome.error
