"""Keeps several connections busy with ready-made requests, in one thread, with as little work of its own as can be."""

import selectors
import socket
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Figures:
    """`seconds` each answer took; `statuses` how often each came."""

    wall: float = 0.0
    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    bytes: int = 0

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.wall

    def quantile(self, share: float) -> float:
        ordered = sorted(self.seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


def request(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers.items())]
    if body or method != "GET":
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + body


def press(
    port: int, next_request: Callable[[int], bytes], *, connections: int, seconds: float = 1e9, most: int = 10**12
) -> Figures:
    """`next_request(number)` makes the request; numbers go up by one, `most` of them."""
    figures, numbers = Figures(), iter(range(most))
    start = time.perf_counter()
    end = start + seconds

    def following() -> tuple[bytes, float] | None:
        begun = time.perf_counter()
        number = next(numbers, None) if begun < end else None
        return None if number is None else (next_request(number), begun)

    with _wires(port, connections) as (readable, idle):
        for wire in idle:
            if asked := following():
                wire.ask(*asked)
        busy = sum(wire.is_busy for wire in idle)
        while busy:
            for key, _ in readable.select():
                if key.data.answered(figures):
                    if asked := following():
                        key.data.ask(*asked)
                    else:
                        busy -= 1
    figures.wall = time.perf_counter() - start
    return figures


def paced(port: int, next_request: Callable[[int], bytes], *, rate: float, seconds: float) -> Figures:
    """So many a second, whether or not those before are answered; the wait for a connection counts."""
    figures, start, count = Figures(), time.perf_counter(), int(rate * seconds)
    due = deque((number, start + number / rate) for number in range(count))
    with _wires(port, 16) as (readable, idle):
        while len(figures.seconds) < count:
            while due and idle and due[0][1] <= time.perf_counter():
                number, at = due.popleft()
                idle.pop().ask(next_request(number), at)
            patience = max(0.0, due[0][1] - time.perf_counter()) if due and idle else None
            for key, _ in readable.select(patience):
                if key.data.answered(figures):
                    idle.append(key.data)
    figures.wall = time.perf_counter() - start
    return figures


class _Wire:
    """One connection, with at most one question under way."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.heard, self.begun, self.is_busy = b"", 0.0, False

    def ask(self, request: bytes, begun: float) -> None:
        self.heard, self.begun, self.is_busy = b"", begun, True
        self.socket.sendall(request)

    def answered(self, figures: Figures) -> bool:
        """Whether the answer is whole by now, after what has just come in."""
        came = self.socket.recv(1 << 18)
        if not came:
            raise ConnectionError("The server hung up in the middle of an answer.")
        self.heard += came
        head = self.heard.find(b"\r\n\r\n")
        if head < 0:
            return False
        at = self.heard[:head].lower().find(b"content-length:")
        length = int(self.heard[at + 15 : head].split(b"\r\n", 1)[0]) if at >= 0 else 0
        if len(self.heard) < head + 4 + length:
            return False
        figures.seconds.append(time.perf_counter() - self.begun)
        status = int(self.heard[9:12])
        figures.statuses[status] = figures.statuses.get(status, 0) + 1
        figures.bytes += length
        self.is_busy = False
        return True


@contextmanager
def _wires(port: int, count: int) -> Iterator[tuple[selectors.BaseSelector, list[_Wire]]]:
    wires = [_Wire(port) for _ in range(count)]
    with selectors.DefaultSelector() as readable:
        for wire in wires:
            readable.register(wire.socket, selectors.EVENT_READ, wire)
        yield readable, list(wires)
    for wire in wires:
        wire.socket.close()


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
