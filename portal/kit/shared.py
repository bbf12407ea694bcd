"""What many ask for while nothing changes, made once in each process."""

from collections.abc import Callable, Hashable
from concurrent.futures import Future
from threading import Lock
from time import monotonic
from typing import Generic, TypeVar

T = TypeVar("T")


class Shared(Generic[T]):
    """Keeps the last `most` things that were made, each for so many `seconds`. The key names all that they depend on.

    Whoever asks while one is being made waits for it. What could not be made is not kept: each who waits gets the fault.
    """

    def __init__(self, *, seconds: float, most: int) -> None:
        self.seconds, self.most = seconds, most
        self._lock = Lock()
        self._made: dict[Hashable, tuple[float, Future[T]]] = {}

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        future, is_ours = self._place(key)
        if not is_ours:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            self._forget(key, future)
            future.set_exception(error)
        return future.result()

    def clear(self) -> None:
        with self._lock:
            self._made = {}

    def _place(self, key: Hashable) -> tuple["Future[T]", bool]:
        now = monotonic()
        with self._lock:
            until, future = self._made.get(key, (0.0, None))
            if future and now < until:
                return future, False
            self._made.pop(key, None)
            kept = [(each, made) for each, made in self._made.items() if now < made[0]]
            mine: Future[T] = Future()
            self._made = {**dict(kept[max(0, len(kept) + 1 - self.most) :]), key: (now + self.seconds, mine)}
            return mine, True

    def _forget(self, key: Hashable, future: "Future[T]") -> None:
        with self._lock:
            if self._made.get(key, (0.0, None))[1] is future:
                del self._made[key]
