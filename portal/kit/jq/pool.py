"""Children that run jq, kept for the next call, so that an evaluation costs microseconds and a hostile one a child."""

import json
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

CHILD = Path(__file__).with_name("child.py")
MILLISECONDS = 250
# By the clock on the wall: a machine that is busy elsewhere is not the program's fault.
PATIENCE = 20.0
MOST_CHILDREN = 2
AT_ONCE = 500
# Of the inputs that a child gets with one request: it has to hold them in its little memory.
MOST_TEXT = 4 * 1024 * 1024
# A program is given up for the rest of a call that killed so many children before it ever answered, or after: what it
# says of one input should not follow from what the others are, but each death takes a quarter of a second.
DEATHS = 5
MOST_DEATHS = 20
EMPTY: dict[str, str] = {}
Cell = tuple[int, int]
# An input on which programs are compiled and not run.
NOTHING = object()


@dataclass(frozen=True)
class Outcome:
    """`value` is the first output, None when there is none; or `error` says why there is no value."""

    value: Any = None
    error: str = ""


class Child:
    def __init__(self) -> None:
        ours, theirs = socket.socketpair()
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-I", str(CHILD)],
                stdin=theirs.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env=EMPTY,
                close_fds=True,
            )
        ours.settimeout(PATIENCE)
        self.peer = ours
        self.lines = ours.makefile("rb")

    def ask(self, programs: Sequence[str], texts: Mapping[str, str], cells: Sequence[Cell]) -> None:
        request = {"programs": programs, "inputs": texts, "cells": cells, "milliseconds": MILLISECONDS}
        with suppress(OSError):  # it died while it was idle: there will be no answer
            self.peer.sendall(orjson.dumps(request) + b"\n")

    def answer(self) -> Outcome | None:
        """None when the child is dead, or as good as dead."""
        try:
            line = self.lines.readline()
        except OSError:
            return None
        return Outcome(**orjson.loads(line)) if line.endswith(b"\n") else None

    def end(self) -> str:
        """Makes sure that it is gone, and says what it died of."""
        self.lines.close()
        self.peer.close()
        try:
            code = self.process.wait(timeout=1)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return f"it did not answer within {PATIENCE:.0f} seconds"
        if code == -signal.SIGPROF:
            return f"it took more than {MILLISECONDS} ms of processor time"
        return "it needs too much memory, or is nested too deeply"


class Pool:
    def __init__(self) -> None:
        self.slots = threading.BoundedSemaphore(MOST_CHILDREN)
        self.idle: list[Child] = []

    @contextmanager
    def child(self) -> Iterator["Held"]:
        with self.slots:
            held = Held(self._idle_one() or Child())
            try:
                yield held
            except BaseException:
                # Half an answer may still be on its way: nobody else may read it.
                held.child.process.kill()
                held.child.end()
                raise
            self.idle.append(held.child)

    def _idle_one(self) -> Child | None:
        """One that somebody killed while it was idle is passed over."""
        while True:
            try:
                child = self.idle.pop()
            except IndexError:  # there is none, or another thread was faster
                return None
            if child.process.poll() is None:
                return child
            child.end()

    def evaluate(self, programs: Sequence[str], inputs: Sequence[Any]) -> list[list[Outcome]]:
        """A row for each input, in it an outcome for each program."""
        rows = [[Outcome()] * len(programs) for _ in inputs]
        left = [(row, column) for row in range(len(inputs)) for column in range(len(programs))]
        deaths: Counter[int] = Counter()
        answering: set[int] = set()
        with self.child() as held:
            while left:
                some, texts = _taken(left, inputs)
                left = left[len(some) :]
                answers = held.ask(programs, texts, some)
                for (row, column), answer in zip(some, answers, strict=False):
                    rows[row][column] = answer
                    answering.add(column)
                if len(answers) == len(some):
                    continue
                # The child died of the next one. The others go on with a new child; a program that kills again and again is given up.
                (row, column), left = some[len(answers)], some[len(answers) + 1 :] + left
                rows[row][column] = died = Outcome(error=held.replace())
                deaths[column] += 1
                if deaths[column] >= (MOST_DEATHS if column in answering else DEATHS):
                    for row, _ in (cell for cell in left if cell[1] == column):
                        rows[row][column] = died
                    left = [cell for cell in left if cell[1] != column]
        return rows


def _taken(cells: list[Cell], inputs: Sequence[Any]) -> tuple[list[Cell], dict[str, str]]:
    """The first of the cells, as many as go with one request, and the inputs that they need."""
    texts: dict[str, str] = {}
    size = 0
    for n, (row, _) in enumerate(cells[:AT_ONCE]):
        if str(row) in texts:
            continue
        text = _text(inputs[row])
        size += len(text)
        if texts and size > MOST_TEXT:
            return cells[:n], texts
        texts[str(row)] = text
    return cells[:AT_ONCE], texts


def _text(value: Any) -> str:
    if value is NOTHING:
        return ""
    try:
        return orjson.dumps(value, default=str).decode()
    except orjson.JSONEncodeError:  # a whole number beyond 64 bits, which jsonb can hold, or half of a character
        return sound(json.dumps(value, default=str, ensure_ascii=False))


def sound(text: str) -> str:
    """Text that can be sent: half of a character, which JSON can hold, becomes a question mark."""
    return text.encode("utf-8", "replace").decode()


class Held:
    """A child in use, and the one that takes its place when it dies."""

    def __init__(self, child: Child) -> None:
        self.child = child

    def ask(self, programs: Sequence[str], texts: Mapping[str, str], cells: Sequence[Cell]) -> list[Outcome]:
        """Fewer answers than cells when the child died."""
        self.child.ask(programs, texts, cells)
        answers: list[Outcome] = []
        while len(answers) < len(cells) and (answer := self.child.answer()):
            answers.append(answer)
        return answers

    def replace(self) -> str:
        """What the child died of."""
        reason = self.child.end()
        self.child = Child()
        return reason
