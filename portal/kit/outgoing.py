"""Calls to addresses that people wrote down: never to a place that the operator did not allow, and never for long.

The name is looked up once and the connection goes to the very address that was judged, so that a name cannot be
answered differently a moment later. Redirects are not followed: they would lead past that judgement.
"""

import base64
import hashlib
import hmac
import logging
import os
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from http.client import HTTPConnection, HTTPException, HTTPMessage
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from urllib.parse import SplitResult, urlsplit

from django.conf import settings

from portal.kit.names import Address, Crowded, look_up

logger = logging.getLogger(__name__)

TIMEOUT = 10.0  # seconds, for all of it: name, connection, answer
MOST_BYTES = 64 * 1024
PORTS = {"http": 80, "https": 443}
# IPv6 addresses that stand for one of IPv4 behind a translator: that one is judged.
TRANSLATED = ip_network("64:ff9b::/96")
# Not all Pythons know these: special ones, translators and documentation, and where two clouds tell secrets to machines.
SPECIAL = [
    ip_network(each)
    for each in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "64:ff9b:1::/48", "2001:db8::/32", "3fff::/20")
]


class NotAllowed(Exception):
    """The address is none that may be called. Trying again changes nothing."""


class NoAnswer(Exception):
    """Nothing, or nothing whole, came back in time."""


class NotReached(NoAnswer):
    """There was no connection: whoever was called has heard nothing."""


class NotAsked(NoAnswer):
    """For a reason of our own: it says nothing of the other side."""


@dataclass(frozen=True)
class Answer:
    """`body`: its first 64 KiB. `seconds`: how long it took. `certificate_ends`: over TLS."""

    status: int
    body: bytes
    seconds: float
    retry_after: float | None = None
    headers: HTTPMessage = field(default_factory=HTTPMessage)
    certificate_ends: datetime | None = None


@dataclass(frozen=True)
class Reached:
    seconds: float
    certificate_ends: datetime | None = None


def post(url: str, body: bytes, headers: Mapping[str, str], *, timeout: float = TIMEOUT) -> Answer:
    """Sends `body` to `url` (http or https). Raises NotAllowed or NoAnswer; any status is an answer."""
    return call("POST", url, body, headers, timeout=timeout)


def call(method: str, url: str, body: bytes | None, headers: Mapping[str, str], *, timeout: float = TIMEOUT) -> Answer:
    """As `post`, with any method. The headers of the answer are found whatever their case."""
    begun = time.monotonic()
    parts, host, port = _parsed(url)
    with _told_of(host, begun, timeout, NotReached):
        wire = _Pinned(host, port, _reachable(host, timeout), begun + timeout, secure=parts.scheme == "https")
    with wire.in_time():
        with _told_of(host, begun, timeout, NotReached):
            wire.connect()
        with _told_of(host, begun, timeout):
            target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
            wire.request(method, target, body, dict(headers))
            with wire.getresponse() as response:
                told = response.read(MOST_BYTES)
    wait = response.headers.get("Retry-After", "")
    after = float(wait[:9]) if wait.isascii() and wait.isdecimal() else None
    seconds = time.monotonic() - begun
    return Answer(response.status, told, seconds, after, response.headers, wire.certificate_ends)


def reach(host: str, port: int, *, secure: bool = False, timeout: float = TIMEOUT) -> Reached:
    """Connects, with TLS where `secure`, and says no word. Raises NotAllowed or NoAnswer."""
    begun = time.monotonic()
    with _told_of(host, begun, timeout):
        wire = _Pinned(host, port, _reachable(host, timeout), begun + timeout, secure=secure)
        with wire.in_time():
            wire.connect()
    return Reached(time.monotonic() - begun, wire.certificate_ends)


@contextmanager
def _told_of(host: str, begun: float, timeout: float, kind: type[NoAnswer] = NoAnswer) -> Iterator[None]:
    """Whatever goes wrong within is NoAnswer, or that kind of it, with a sentence."""
    try:
        yield
        if time.monotonic() - begun >= timeout:
            raise TimeoutError  # cut short, which may look like an end
    except TimeoutError as error:
        raise kind(f"{host} did not answer within {timeout:g} s.") from error
    except (OSError, HTTPException, ValueError) as error:
        late = time.monotonic() - begun >= timeout
        why = f"did not answer within {timeout:g} s" if late else f"could not be reached: {_said(error)}"
        raise kind(f"{host} {why}.") from error


def signature(secret: str, raw: bytes, now: datetime) -> dict[str, str]:
    """The headers that prove a body: HMAC-SHA256 of the time in whole seconds, a dot and the body, in base64."""
    stamp = str(int(now.timestamp()))
    made = hmac.new(secret.encode(), stamp.encode() + b"." + raw, hashlib.sha256).digest()
    return {"X-Port-Timestamp": stamp, "X-Port-Signature": f"v1,{base64.b64encode(made).decode()}"}


def check(url: str) -> int:
    """The port. Raises NotAllowed for what is no address that could ever be called. Where its host is is not looked up."""
    return _parsed(url)[2]


def allowed(address: Address) -> bool:
    """Public ones are, and those in the networks that the operator named."""
    if any(
        address.version == each.version and address in each for each in _networks(tuple(settings.OUTGOING_NETWORKS))
    ):
        return True
    inner = _inner(address)
    if inner is not None:
        return allowed(inner)
    is_site_local = isinstance(address, IPv6Address) and address.is_site_local
    is_special = any(address.version == each.version and address in each for each in SPECIAL)
    return address.is_global and not (address.is_multicast or address.is_reserved or is_site_local or is_special)


def _inner(address: Address) -> IPv4Address | None:
    """The address of IPv4 that one of IPv6 stands for."""
    if isinstance(address, IPv4Address):
        return None
    if address in TRANSLATED:
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


@lru_cache(maxsize=4)
def _networks(named: tuple[str, ...]) -> list[IPv4Network | IPv6Network]:
    return [ip_network(each) for each in named]


def _parsed(url: str) -> tuple[SplitResult, str, int]:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port or PORTS.get(parts.scheme, 0)
        host.encode("idna")
    except (ValueError, UnicodeError) as error:
        raise NotAllowed(f"The address is none: {error}.") from error
    if (
        parts.scheme not in PORTS
        or not host
        or parts.username is not None
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise NotAllowed("The address has to be http:// or https://, a host, and no name or password in it.")
    return parts, host, port


def _reachable(host: str, within: float) -> Address:
    try:
        known = look_up(host, within)
    except Crowded as error:
        raise NotAsked(f"{host} was not called: {error}") from error
    for address in known:
        if allowed(address):
            return address
    # Where it is, is for whoever reads the log: to tell it to whoever wrote the address would map the inner network.
    logger.info("%s is at %s and was not called", host, known[0])
    raise NotAllowed(
        f"{host} is inside a network that the portal does not call. "
        "PORTCULLIS_OUTGOING_NETWORKS can name networks that it may."
    )


def _said(error: Exception) -> str:
    said = getattr(error, "strerror", None) or str(error)
    return str(said).rstrip(".")[:200] or type(error).__name__


@lru_cache(maxsize=2)
def _context(authorities: str) -> ssl.SSLContext:
    """To read the system's certificates takes longer than a handshake."""
    return ssl.create_default_context()


class _Pinned(HTTPConnection):
    """To one address, whatever the name says by now, and closed at its end whether or not somebody still drips."""

    wire: socket.socket | None = None
    certificate_ends: datetime | None = None

    def __init__(self, host: str, port: int, address: Address, end: float, *, secure: bool) -> None:
        super().__init__(host, port)
        self.address, self.end, self.secure = str(address), end, secure
        self.default_port = PORTS["https" if secure else "http"]

    @property
    def left(self) -> float:
        return max(self.end - time.monotonic(), 0.01)

    def connect(self) -> None:
        self.sock = socket.create_connection((self.address, self.port), self.left)
        self.sock.settimeout(self.left)
        if self.secure:
            context = _context(os.environ.get("SSL_CERT_FILE", ""))
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
        self.wire = self.sock
        if isinstance(self.sock, ssl.SSLSocket):
            self.sock.do_handshake()
            ends = (self.sock.getpeercert() or {}).get("notAfter")
            if ends:
                self.certificate_ends = datetime.fromtimestamp(ssl.cert_time_to_seconds(str(ends)), UTC)

    @contextmanager
    def in_time(self) -> Iterator[None]:
        """A socket's own time-out begins anew with every byte: a watch ends all of it."""
        watch = threading.Timer(self.left, self._cut)
        watch.daemon = True
        watch.start()
        try:
            yield
        finally:
            watch.cancel()
            self.close()

    def _cut(self) -> None:
        # The connection forgets its socket while the answer is still read from it.
        try:
            if self.wire:
                self.wire.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
