"""The stand-in at a port."""

import json
import re
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from portal.embedded.mock_slack import page
from portal.embedded.mock_slack.acting import Acting
from portal.embedded.mock_slack.pace import Pace
from portal.embedded.mock_slack.reading import read_fields
from portal.embedded.mock_slack.sending import Sender
from portal.embedded.mock_slack.shapes import Refusal
from portal.embedded.mock_slack.workspace import Workspace

MAX_BODY_BYTES = 1024 * 1024
PAGES = ("/", "/_feed", "/_form")


class Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path in PAGES:
            self.show(path, {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()})
        elif path == "/_messages":
            self.answer_json(200, {"ok": True, "messages": self.server.workspace.snapshot()})
        else:
            self.serve(path, b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self.answer_json(413, {"ok": False, "error": "request_too_large"})
            return
        raw, path = self.rfile.read(int(length)), urlsplit(self.path).path
        if path == "/_faults":
            self.set_faults(raw)
        elif path in ("/_type", "/_press", "/_submit", "/_close"):
            self.act(path, parse_qs(raw.decode("utf-8", "replace")))
        elif path.startswith("/api/respond/"):
            self.respond(path.removeprefix("/api/respond/"), raw)
        else:
            self.serve(path, raw)

    def set_faults(self, raw: bytes) -> None:
        try:
            faults = [dict(fault) for fault in json.loads(raw)["next"]]
        except (ValueError, KeyError, TypeError):
            self.answer_json(400, {"ok": False, "error": 'send {"next": [{"status": 500}]}'})
            return
        self.server.faults[:] = faults
        self.answer_json(200, {"ok": True, "next": faults})

    def show(self, path: str, asked: dict[str, str]) -> None:
        space, acting = self.server.workspace, self.server.acting
        people = list(space.people.values()) if acting else []
        who, tab = asked.get("who") or (people[0]["id"] if people else ""), asked.get("tab", "messages")
        form = space.newest_form(who)
        if path == "/_form" and acting:
            text = acting.form(asked.get("id", ""), {}, {})
        elif path == "/_feed" and tab == "home":
            text = page.home(space.homes.get(who), form, who)
        elif path == "/_feed":
            text = page.feed(space.snapshot(), space.whispered(), form, who, bool(acting))
        else:
            if tab == "home" and acting:
                acting.open_home(who)
            text = page.shell(people, who, tab, asked.get("note", ""), bool(acting))
        self.answer(200, text.encode(), "text/html; charset=utf-8")

    def act(self, path: str, fields: dict[str, list[str]]) -> None:
        """Only from a page of its own: another site could not make a person of the demo press a button."""
        acting, ours = self.server.acting, f"http://{self.headers.get('Host', '')}"
        if acting is None or self.headers.get("Origin", ours) not in (ours, "null"):
            self.answer_json(403, {"ok": False, "error": "no portal to send it to"})
            return
        deeds = {"/_type": acting.type, "/_press": acting.press, "/_submit": acting.submit, "/_close": acting.close}
        url, text = deeds[path](fields)
        if url:
            self.answer(303, b"", "text/plain", {"Location": url})
        else:
            self.answer(200, text.encode(), "text/html; charset=utf-8")

    def respond(self, secret: str, raw: bytes) -> None:
        """An answer at the address that came with a command or a button; Slack says ok in plain words."""
        fault = self.take_fault("respond")
        if "status" in fault:
            wait = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
            self.answer(fault["status"], b"", "text/plain", wait)
            return
        try:
            self.server.workspace.answer(secret, read_fields("application/json", raw, ""))
        except Refusal as refusal:
            self.answer(404, str(refusal).encode(), "text/plain")
        else:
            self.answer(200, b"ok", "text/plain")

    def serve(self, path: str, raw: bytes) -> None:
        """One call of Slack's API; every refusal is a 200 with ok: false, as Slack has it."""
        method = unquote(path).removeprefix("/api").strip("/")
        fault = self.take_fault(method)
        time.sleep(fault.get("hang", 0))
        if "status" in fault:
            wait = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
            error = "ratelimited" if fault["status"] == 429 else "internal_error"
            self.answer_json(fault["status"], {"ok": False, "error": error}, wait)
            return
        if "error" in fault:
            self.answer_json(200, {"ok": False, "error": fault["error"]})
            return
        try:
            self.check_token(method)
            kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            fields = read_fields(kind, raw, urlsplit(self.path).query)
            channel = str(fields.get("channel") or "").removeprefix("#")
            if self.server.pace and (seconds := self.server.pace.wait(method, channel)):
                self.answer_json(429, {"ok": False, "error": "ratelimited"}, {"Retry-After": str(seconds)})
                return
            body = self.server.workspace.call(method, fields)
        except Refusal as refusal:
            body = {"ok": False, "error": str(refusal)}
        if fault.get("drop_after_accept"):
            self.close_connection = True
            return
        self.answer_json(200, body)

    def take_fault(self, method: str) -> dict[str, Any]:
        """The first fault that is for this method, taken off the list; {} when there is none."""
        with self.server.guard:
            for number, fault in enumerate(self.server.faults):
                if fault.get("method", method) == method:
                    return self.server.faults.pop(number)
        return {}

    def check_token(self, method: str) -> None:
        """An app's own token opens sockets, a bot's does all the rest."""
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal("not_authed")
        if not re.fullmatch(r"(xox[abp]|xapp)-[\w-]+", token.strip()):
            raise Refusal("invalid_auth")
        if token.strip().startswith("xapp-") != (method == "apps.connections.open"):
            raise Refusal("not_allowed_token_type")

    def answer_json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json; charset=utf-8", headers)

    def answer(self, status: int, raw: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'unsafe-inline'; frame-src 'self'; form-action 'self'",
        )
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """The page shows what came; a line for each of its reloads would bury the rest of the log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, workspace: Workspace, *, paced: bool = False) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.workspace = workspace
        self.pace = Pace() if paced else None
        self.acting: Acting | None = None
        self.faults: list[dict[str, Any]] = []
        self.guard = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class MockSlack:
    """The server in a thread: `url` is slack_sdk's base_url, `messages` what came in, `faults` what to spoil next."""

    def __init__(self, port: int = 0, file: Path | None = None, *, paced: bool = False) -> None:
        self.server = Server(port, Workspace(file), paced=paced)
        self.faults = self.server.faults
        self.page = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.url = f"{self.page}api/"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.workspace.snapshot()

    @property
    def workspace(self) -> Workspace:
        return self.server.workspace

    def begin_anew(self) -> None:
        """Another workspace at the same address, of which nothing is known."""
        self.server.workspace, self.server.acting = Workspace(), None
        self.faults.clear()

    def sends_to(self, url: str, secret: str) -> Sender:
        """From now on what somebody does on its page is sent there."""
        sender = Sender(url, secret, self.url, self.workspace)
        self.server.acting = Acting(self.workspace, sender)
        return sender

    def __enter__(self) -> "MockSlack":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()
