"""Services to break, for the demo and the tests: `python -m portal.embedded.target --file var/target.json`.

Each place answers at /<service>/<environment>/health and /version. A page at / breaks and mends them, and a program
does so by POST /<service>/<environment>/mode {"mode": "error"} or {"version": "1.2.3"}. What was set is kept in the
file, so that a restart changes nothing. /api/v1/query_range answers as Prometheus would: see `portal.embedded.metrics`.
Jobs send heartbeats to an address of their own as long as they are fine. Standard library only.
"""

import argparse
import contextlib
import json
import os
import socket
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit
from urllib.request import Request, urlopen

from portal.embedded import metrics
from portal.embedded.target_page import MODES, OLD, render

MAX_BODY_BYTES = 64 * 1024
SLOW, HANG = 1.5, 30.0  # seconds
NAMES = 200  # characters of a name
Place = dict[str, Any]


class Town:
    """The places and what is set of each: {"mode", "since", "version", "heartbeat"?}. Safe to share."""

    def __init__(self, file: Path | None = None, places: dict[str, Place] | None = None) -> None:
        self.file = file
        self.guard = threading.Lock()
        self.places: dict[str, Place] = {}
        kept = json.loads(file.read_text()) if file and file.exists() else {}
        self.port = int(kept.get("port", 0))
        for name, place in (kept.get("places", {}) | (places or {})).items():
            self.places[name] = {"mode": "fine", "since": 0.0, "version": "1.0.0"} | place

    def get(self, name: str) -> Place | None:
        with self.guard:
            return dict(self.places[name]) if name in self.places else None

    def all(self) -> dict[str, Place]:
        with self.guard:
            return {name: dict(place) for name, place in sorted(self.places.items())}

    def set(self, name: str, *, mode: str = "", version: str = "") -> Place:
        """Raises ValueError with a sentence. Another place's name is a KeyError."""
        if mode and mode not in MODES:
            raise ValueError(f"mode has to be one of {', '.join(MODES)}")
        if version and (len(version) > NAMES or not version.isprintable()):
            raise ValueError(f"version has to be a line of at most {NAMES} characters")
        with self.guard:
            place = self.places[name]
            if mode and mode != place["mode"]:
                place |= {"mode": mode, "since": time.time()}
            if version:
                place |= {"version": version}
            self._keep()
            return dict(place)

    def mend(self) -> None:
        with self.guard:
            for place in self.places.values():
                if place["mode"] != "fine":
                    place |= {"mode": "fine", "since": time.time()}
            self._keep()

    def _keep(self) -> None:
        """Renamed into place, so that it is whole whenever it is read."""
        if self.file:
            fresh = self.file.with_suffix(".new")
            fresh.write_text(json.dumps({"port": self.port, "places": self.places}, indent=1, sort_keys=True))
            fresh.replace(self.file)


class Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"
    timeout = 60

    def do_GET(self) -> None:
        parts = urlsplit(self.path)
        if parts.path == "/":
            self.answer_page(200)
        elif parts.path in {"/api/v1/query_range", "/api/v1/query"}:
            self.answer_json(*metrics.answer(parse_qs(parts.query), self.server.town.all(), time.time()))
        elif parts.path == "/reference":
            self.answer_json(200, {"status": "ok"})
        else:
            self.serve(parts.path)

    do_HEAD = do_GET

    def serve(self, path: str) -> None:
        name, _, what = unquote(path).strip("/").rpartition("/")
        place = self.server.town.get(name)
        if place is None or what not in {"health", "version"}:
            self.answer_json(404, {"error": "no such place; / lists them"})
            return
        mode = place["mode"]
        if mode == "drop":
            self.reset()
            return
        self.server.stopping.wait({"slow": SLOW, "hang": HANG}.get(mode, 0))
        version = OLD if mode == "version" else place["version"]
        body = {"status": "down" if mode == "error" else "ok", "database": "lost" if mode == "database" else "ok"}
        self.answer_json(500 if mode == "error" else 200, body | {"version": version, "place": name})

    def reset(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.connection.close()

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self.answer_json(413, {"error": f"at most {MAX_BODY_BYTES} bytes"})
            return
        raw = self.rfile.read(int(length))
        if self.headers.get("Sec-Fetch-Site", "same-origin") not in {"same-origin", "none"}:
            self.answer_json(403, {"error": "another site may not break this one"})
            return
        name, _, what = unquote(urlsplit(self.path).path).strip("/").rpartition("/")
        is_form = raw[:1] not in (b"{", b"[")  # whatever `curl -d` calls it
        try:
            if what == "mend" and not name:
                self.server.town.mend()
            elif what == "mode":
                self.server.town.set(name, **self.wished(raw, is_form))
            else:
                raise KeyError(name)
        except KeyError:
            self.refuse(404, "no such place; / lists them", is_form)
        except ValueError as error:
            self.refuse(422, str(error), is_form)
        else:
            self.done(name, is_form)

    def wished(self, raw: bytes, is_form: bool) -> dict[str, str]:
        if is_form:
            told: dict[str, Any] = {key: values[-1] for key, values in parse_qs(raw.decode()).items()}
        else:
            told = json.loads(raw)
        if not isinstance(told, dict):
            raise ValueError("send an object with mode or version")
        return {key: str(told[key]).strip() for key in ("mode", "version") if told.get(key)}

    def done(self, name: str, is_form: bool) -> None:
        if not is_form:
            self.answer_json(200, self.server.town.get(name) or {"mended": True})
            return
        self.answer(303, b"", "text/plain", {"Location": f"/#{quote(name)}"})

    def refuse(self, status: int, why: str, is_form: bool) -> None:
        """To a program as JSON; to a person on the page, which is whole for the next try."""
        if is_form and "text/html" in self.headers.get("Accept", ""):
            self.answer_page(status, f"Nothing was changed: {why}.")
        else:
            self.answer_json(status, {"error": why})

    def answer_page(self, status: int, wrong: str = "") -> None:
        page = render(self.server.town.all(), portal_address(), wrong)
        self.answer(status, page.encode(), "text/html; charset=utf-8")

    def answer_json(self, status: int, body: dict[str, Any]) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json")

    def answer(self, status: int, raw: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for header, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(header, value)
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """Probes come every few seconds."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, town: Town) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.town = town
        self.stopping = threading.Event()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A prober that hangs up early is no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


def portal_address() -> str:
    return f"http://127.0.0.1:{os.environ.get('PORTCULLIS_PORT', '8800')}"


def beat(town: Town, stopping: threading.Event, every: float = 10.0) -> None:
    """Jobs that are fine say so at their address in the portal: {"heartbeat": path}."""
    portal = portal_address()
    while not stopping.wait(every):
        for place in town.all().values():
            if place.get("heartbeat") and place["mode"] == "fine":
                with contextlib.suppress(OSError, ValueError):
                    urlopen(Request(portal + place["heartbeat"], method="POST", data=b""), timeout=5).close()


class Target:
    """The server in a thread: `url` is its page, `town` what can be set."""

    def __init__(self, places: dict[str, Place], port: int = 0, file: Path | None = None) -> None:
        self.town = Town(file, places)
        self.server = Server(port, self.town)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def __enter__(self) -> "Target":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.stopping.set()
        self.server.shutdown()
        self.server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="target", description="Services to break, for the demo.")
    parser.add_argument("--file", type=Path, required=True, help="the port, the places, and what is set of each")
    options = parser.parse_args()
    town = Town(options.file)
    server = Server(town.port, town)
    print(f"Services to break at http://127.0.0.1:{server.server_address[1]}/", flush=True)
    threading.Thread(target=beat, args=(server.town, server.stopping), daemon=True).start()
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
