"""The process in which programs run that users wrote. Started with `python -I`, alone: nothing of ours is imported here.

It reads requests from its standard input, a socket, and answers there: one line of JSON a request,
`{"programs": [text], "inputs": {row: text of JSON}, "cells": [[row, index of the program]], "milliseconds": processor time for each}`,
and one line a cell: `{"value": ...}` or `{"error": "..."}`. It may die at any of them; the pool then knows at which.
"""

import json
import os
import resource
import signal
import socket
from functools import lru_cache
from typing import Any

import jq

MEMORY = 256 * 1024 * 1024
LONGEST_OUTPUT = 1024 * 1024


def confine() -> None:
    """No environment, no files, no core dump, little memory. What is open stays open: the socket only."""
    os.environ.clear()
    for limit, value in [
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_STACK, 8 * 1024 * 1024),
    ]:
        _, hard = resource.getrlimit(limit)
        resource.setrlimit(limit, (value, value if hard == resource.RLIM_INFINITY else min(value, hard)))
    # When the processor time of one evaluation is over, the kernel ends the process: no handler would run within jq.
    signal.signal(signal.SIGPROF, signal.SIG_DFL)


@lru_cache(maxsize=1000)
def compiled(program: str) -> Any:
    return jq.compile(program)


def evaluate(program: str, text: str) -> str:
    """The program's first output; null when it has none. With an empty text, no input, it is compiled only."""
    if "\0" in program:  # jq would not look at what follows
        return failure("the program holds the character U+0000")
    try:
        outputs = compiled(program).input_text(text)
        answer = json.dumps({"value": next(iter(outputs), None)}, allow_nan=False, separators=(",", ":"))
    except ValueError as error:
        return failure(str(error))
    except RecursionError:
        return failure("the result is nested too deeply")
    except MemoryError:
        return failure("it needs too much memory")
    if "\\u0000" in answer:
        return failure("the result holds the character U+0000, which cannot be stored")
    if len(answer) > LONGEST_OUTPUT:
        return failure(f"the result is longer than {LONGEST_OUTPUT:,} characters")
    return answer


def failure(message: str) -> str:
    return json.dumps({"error": message[:500]})


def main() -> None:
    with socket.socket(fileno=os.dup(0)) as peer:
        lines = peer.makefile("rb")
        # Everything that is imported late has to be there before no file can be opened.
        evaluate(".", "0")
        confine()
        for line in lines:
            asked = json.loads(line)
            seconds = asked["milliseconds"] / 1000
            for row, column in asked["cells"]:
                signal.setitimer(signal.ITIMER_PROF, seconds)
                answer = evaluate(asked["programs"][column], asked["inputs"][str(row)])
                signal.setitimer(signal.ITIMER_PROF, 0)
                peer.sendall(answer.encode() + b"\n")


if __name__ == "__main__":
    main()
