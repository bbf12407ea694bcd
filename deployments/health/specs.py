"""What a probe asks and what it takes for a good answer, as people write it: checked once, with every fault at once."""

import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from deployments.health import paths
from deployments.health.models import Kind
from portal.kit import outgoing
from portal.kit.errors import Invalid
from portal.kit.masks import HIDDEN
from portal.kit.outgoing import NotAllowed

Json = dict[str, Any]
Fault = tuple[str, str]

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
TESTS = ("equals", "not_equals", "contains", "at_least", "at_most", "exists")
SOURCES = ("generic", "cloudwatch", "checkly")
TLS_DAYS = 14  # a certificate that ends within so many days, where nothing else is said

MOST_HEADERS, MOST_CONDITIONS = 20, 20
LONGEST_TEXT = 4000
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_HOST = re.compile(r"[A-Za-z0-9._:-]{1,253}")
_RANGE = re.compile(r"([1-5]\d\d)(?:-([1-5]\d\d))?")
# These the call itself writes.
_OWN = {"host", "content-length", "transfer-encoding", "connection", "accept-encoding"}


def check(kind: str, spec: Any, *, path: str = "spec") -> Json:
    """The spec as it is kept. Raises Invalid."""
    if not isinstance(spec, dict):
        raise Invalid.at(path, "must be an object")
    known = READERS[kind]
    faults = [(name, f"is unknown here; there are {', '.join(known)}") for name in spec if name not in known]
    for name, read in known.items():
        value = spec.get(name)
        if value is None:
            faults += [(name, NEEDED[name])] if name in NEEDED and kind != Kind.HEARTBEAT else []
        else:
            faults += [(f"{name}{step}", words) for step, words in read(value)]
    if faults:
        raise Invalid.of([{"path": f"{path}.{name}", "message": words} for name, words in faults])
    return {name: value for name, value in spec.items() if value is not None}


def host_of(kind: str, spec: Json) -> str:
    """Whose it is to bear the calls."""
    host = (urlsplit(spec["url"]).hostname or "") if kind == Kind.HTTP else str(spec.get("host", ""))
    return host.lower()[:255]


def is_port_allowed(port: int) -> bool:
    return any(low <= port <= high for low, high in settings.HEALTH_PORTS)


def accepts(wanted: list[Any], status: int) -> bool:
    """`wanted`: 200, "200-299"."""
    for each in wanted:
        found = _RANGE.fullmatch(str(each))
        if found and int(found[1]) <= status <= int(found[2] or found[1]):
            return True
    return False


def _url(value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or len(value) > 2000:
        yield "", "must be an address within 2,000 characters"
        return
    try:
        port = outgoing.check(value)
    except NotAllowed as wrong:
        yield "", str(wrong)
        return
    if not is_port_allowed(port):
        yield "", f"port {port} is none that probes may call; PORTCULLIS_HEALTH_PORTS names them"


def _host(value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or not _HOST.fullmatch(value):
        yield "", "must be a name or an address of a host"


def _port(value: Any) -> Iterator[Fault]:
    if not _is_whole(value) or not 1 <= value <= 65535:
        yield "", "must be a whole number from 1 to 65535"
    elif not is_port_allowed(value):
        yield "", f"port {value} is none that probes may call; PORTCULLIS_HEALTH_PORTS names them"


def _method(value: Any) -> Iterator[Fault]:
    if value not in METHODS:
        yield "", f"must be one of {', '.join(METHODS)}"


def _text(value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or "\0" in value:
        yield "", f"must be a text of up to {LONGEST_TEXT:,} characters"


def _headers(value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict) or len(value) > MOST_HEADERS:
        yield "", f"must be up to {MOST_HEADERS} names with a text each"
        return
    for name, text in value.items():
        if not _HEADER.fullmatch(name) or name.lower() in _OWN:
            yield f".{name[:40]}", "is no header that a probe can send"
        elif text == HIDDEN:
            continue  # as it was shown: what is known stays
        elif not isinstance(text, str) or len(text) > LONGEST_TEXT or not text.isprintable() or not text.isascii():
            yield f".{name}", "must be a printable text of ASCII, on one line"


def _status(value: Any) -> Iterator[Fault]:
    if not isinstance(value, list) or not 1 <= len(value) <= 20:
        yield "", 'must be a list of up to 20, such as [200, "300-399"]'
        return
    for place, each in enumerate(value):
        found = _RANGE.fullmatch(str(each)) if isinstance(each, str) or _is_whole(each) else None
        if not found or int(found[2] or found[1]) < int(found[1]):
            yield f".{place}", 'must be a status such as 200, or a range such as "200-299"'


def _conditions(value: Any) -> Iterator[Fault]:
    if not isinstance(value, list) or len(value) > MOST_CONDITIONS:
        yield "", f"must be a list of up to {MOST_CONDITIONS}"
        return
    for place, each in enumerate(value):
        for step, words in _condition(each):
            yield f".{place}{step}", words


def _condition(value: Any) -> Iterator[Fault]:
    """On the value at a path in JSON, on a header of the answer, or on its text."""
    if not isinstance(value, dict):
        yield "", "must be an object"
        return
    of, tests = value.keys() & {"path", "header"}, value.keys() & set(TESTS)
    if len(of) > 1 or len(tests) != 1 or len(value) != len(of) + 1:
        yield "", f"has a path, a header, or neither for the text of the answer, and one of {', '.join(TESTS)}"
        return
    if "path" in of:
        yield from _path(value["path"], ".path")
    if "header" in of and not (isinstance(value["header"], str) and _HEADER.fullmatch(value["header"])):
        yield ".header", "must be the name of a header"
    [test] = tests
    wanted = value[test]
    if test in ("at_least", "at_most") and (isinstance(wanted, bool) or not isinstance(wanted, int | float)):
        yield f".{test}", "must be a number"
    elif test == "exists" and not isinstance(wanted, bool):
        yield ".exists", "must be true or false"
    elif test == "contains" and not (isinstance(wanted, str) and 0 < len(wanted) <= LONGEST_TEXT):
        yield ".contains", "must be a text"
    elif isinstance(wanted, dict | list) or (isinstance(wanted, str) and len(wanted) > LONGEST_TEXT):
        yield f".{test}", "must be a text, a number, true, false or null"


def _path(value: Any, step: str = "") -> Iterator[Fault]:
    if not isinstance(value, str) or paths.steps(value) is None:
        yield step, 'must be a path such as $.checks[0].status or $["a b"]'


def _version(value: Any) -> Iterator[Fault]:
    if not isinstance(value, dict) or not value.keys() <= {"path", "header", "expect"}:
        yield "", "has a path or a header, and may have what to expect"
        return
    if ("path" in value) == ("header" in value):
        yield "", "has either a path in the JSON of the answer, or a header"
    elif "path" in value:
        yield from _path(value["path"], ".path")
    elif not (isinstance(value["header"], str) and _HEADER.fullmatch(value["header"])):
        yield ".header", "must be the name of a header"
    expected = value.get("expect")
    if expected is not None and not (isinstance(expected, str) and 0 < len(expected) <= 300):
        yield ".expect", "must be a version of up to 300 characters"


def _number(least: int, most: int) -> Callable[[Any], Iterator[Fault]]:
    def read(value: Any) -> Iterator[Fault]:
        if not _is_whole(value) or not least <= value <= most:
            yield "", f"must be a whole number from {least:,} to {most:,}"

    return read


def _flag(value: Any) -> Iterator[Fault]:
    if not isinstance(value, bool):
        yield "", "must be true or false"


def _source(value: Any) -> Iterator[Fault]:
    if value not in SOURCES:
        yield "", f"must be one of {', '.join(SOURCES)}"


def _id(value: Any) -> Iterator[Fault]:
    if not isinstance(value, str) or not 0 < len(value) <= 300 or not value.isprintable():
        yield "", "must be the name by which the other side knows it"


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


_SLOW, _DAYS = _number(1, 60_000), _number(1, 365)
READERS: dict[str, dict[str, Callable[[Any], Iterator[Fault]]]] = {
    Kind.HTTP: {
        "url": _url,
        "method": _method,
        "headers": _headers,
        "send": _text,
        "status": _status,
        "conditions": _conditions,
        "slow_ms": _SLOW,
        "tls_days": _DAYS,
        "version": _version,
    },
    Kind.TCP: {"host": _host, "port": _port, "tls": _flag, "slow_ms": _SLOW, "tls_days": _DAYS},
    Kind.HEARTBEAT: {"grace": _number(0, 7 * 86400)},
    Kind.OUTSIDE: {"source": _source, "id": _id},
}
NEEDED = {"url": "say what to call", "host": "say what to call", "port": "say which port"}
