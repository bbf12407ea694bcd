"""Keeps several connections busy with ready-made requests, in one thread, with as little work of its own as can be."""

import asyncio
import time
from collections.abc import Callable, Sequence
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
    return asyncio.run(_press(port, next_request, connections, seconds, most))


async def _press(
    port: int, next_request: Callable[[int], bytes], connections: int, seconds: float, most: int
) -> Figures:
    figures, counter, end = Figures(), iter(range(most)), time.perf_counter() + seconds
    start = time.perf_counter()
    await asyncio.gather(*(_worker(port, next_request, counter, end, figures) for _ in range(connections)))
    figures.wall = time.perf_counter() - start
    return figures


def paced(port: int, next_request: Callable[[int], bytes], *, rate: float, seconds: float) -> Figures:
    """So many a second, whether or not those before are answered; the wait for a connection counts."""
    return asyncio.run(_paced(port, next_request, rate, seconds))


async def _paced(port: int, next_request: Callable[[int], bytes], rate: float, seconds: float) -> Figures:
    figures, start, count = Figures(), time.perf_counter(), int(rate * seconds)
    due = iter([(number, start + number / rate) for number in range(count)])
    await asyncio.gather(*(_paced_worker(port, next_request, due, figures) for _ in range(16)))
    figures.wall = time.perf_counter() - start
    return figures


async def _paced_worker(port: int, next_request: Callable[[int], bytes], due, figures: Figures) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for number, at in due:
        await asyncio.sleep(max(0.0, at - time.perf_counter()))
        writer.write(next_request(number))
        await _answer(reader, at, figures)
    writer.close()


async def _worker(port: int, next_request: Callable[[int], bytes], counter, end: float, figures: Figures) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while (begun := time.perf_counter()) < end and (number := next(counter, None)) is not None:
        writer.write(next_request(number))
        await _answer(reader, begun, figures)
    writer.close()


async def _answer(reader: asyncio.StreamReader, begun: float, figures: Figures) -> None:
    status, length = await _head(reader)
    if length:
        await reader.readexactly(length)
    figures.seconds.append(time.perf_counter() - begun)
    figures.statuses[status] = figures.statuses.get(status, 0) + 1
    figures.bytes += length


async def _head(reader: asyncio.StreamReader) -> tuple[int, int]:
    head = await reader.readuntil(b"\r\n\r\n")
    status = int(head[9:12])
    at = head.lower().find(b"content-length:")
    return status, int(head[at + 15 : head.index(b"\r\n", at)]) if at >= 0 else 0


def median(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[len(ordered) // 2]
