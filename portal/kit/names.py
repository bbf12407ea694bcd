"""Where names lead, within a time: the system's resolver knows no deadline, and one that hangs must not hold us."""

import socket
import threading
from concurrent.futures import Future
from ipaddress import IPv4Address, IPv6Address, ip_address

Address = IPv4Address | IPv6Address

# Names asked about at once; each may hold a thread for as long as the resolver likes.
MOST = 64


class Crowded(Exception):
    """Too many other names wait for the resolver: nothing is known of this one."""


_asked: "dict[str, Future[list[Address]]]" = {}
_guard = threading.Lock()


def look_up(host: str, within: float) -> list[Address]:
    """The addresses of a host, in the resolver's order. OSError where it has none, TimeoutError after `within` seconds,
    Crowded where it was not asked for.

    Who asks for a name that is being looked up waits for the same answer.
    """
    try:
        return [ip_address(host)]
    except ValueError:
        return _asking(host).result(timeout=max(within, 0.01))


def _asking(host: str) -> "Future[list[Address]]":
    with _guard:
        found = _asked.get(host)
        if found is None:
            if len(_asked) >= MOST:
                raise Crowded(f"{MOST} other names wait for the resolver.")
            found = _asked[host] = Future()
            threading.Thread(target=_ask, args=(host, found), name="names", daemon=True).start()
        return found


def _ask(host: str, future: "Future[list[Address]]") -> None:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
        addresses = [ip_address(str(each[4][0]).partition("%")[0]) for each in found]
    except (OSError, ValueError) as error:
        _forget(host)
        future.set_exception(error if isinstance(error, OSError) else OSError(str(error)))
    else:
        _forget(host)
        future.set_result(addresses)


def _forget(host: str) -> None:
    with _guard:
        _asked.pop(host, None)
