"""A little portal at a socket: it answers as told, and remembers what it was asked."""

import contextlib
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.receivers import stop_listening

LOCK = {
    "id": "0192-lock",
    "kind": "manual",
    "effect": "block",
    "scope": "pair",
    "service": "cart",
    "environment": "production",
    "tier": None,
    "team": None,
    "reason": "debugging checkout",
    "link": "https://chat.test/t/1",
    "holder": {"kind": "user", "name": "Dana"},
    "starts_at": "2026-11-22T13:00:00Z",
    "expires_at": "2026-11-22T15:40:00Z",
    "released_at": None,
    "released_by": None,
    "release_reason": None,
    "url": "https://portal.test/locks/0192-lock",
}


def decision(outcome="allow", **changes):
    return {
        "outcome": outcome,
        "service": "cart",
        "environment": "production",
        "tier": "production",
        "intent": "deploy",
        "at": "2026-11-22T13:42:00.123456Z",
        "message": "cart in production may be deployed",
        "locks": [],
        "next_open_at": None,
        "retry_after": None,
        "receipt": "r-1",
        "url": "https://portal.test/p",
        **changes,
    }


def allowed(**changes):
    return 200, {"ok": True, "decision": decision(**changes)}


def denied(**changes):
    message = "cart in production is locked by Dana until 15:40 UTC: debugging checkout"
    told = decision(**{"outcome": "deny", "message": message, "locks": [LOCK], "receipt": None, **changes})
    return 423, {"ok": False, "error": "locked", "message": message, "details": {}, "decision": told}


def refusal(status, error, message, **details):
    return status, {"ok": False, "error": error, "message": message, "details": details}


def claim(**changes):
    usual = {"id": "0192-claim", "service": "cart", "environment": "production", "fence": 7, "lease": 60}
    return {**usual, "finished_at": None, "revoked_at": None, **changes}


def granted(status=201, **changes):
    return status, {"ok": True, "claim": claim(**changes)}


class Portal(ThreadingHTTPServer):
    """Answers by `answers[(method, path)]`: (status, body[, headers]), or a list of them used up one by one."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.answers, self.asked = {}, []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        path, _, query = self.path.partition("?")
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.asked.append(
            {
                "method": self.command,
                "path": path,
                "query": query,
                "headers": dict(self.headers),
                "body": json.loads(raw) if raw else None,
            }
        )
        answer = self.server.answers.get((self.command, path)) or refusal(404, "not_found", "There is nothing here.")
        if isinstance(answer, list):
            answer = answer.pop(0) if len(answer) > 1 else answer[0]
        status, body, *headers = answer
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Length": str(len(raw)), **(headers[0] if headers else {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    do_GET = do_POST = do_DELETE = serve

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def raw_server(*chunks, pause=0.0):
    """A server that takes any connection, writes these bytes with a pause before each, and hangs up. Gives its address."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def serve():
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listening.accept()
                    threading.Thread(target=talk, args=(connection,), daemon=True).start()

        def talk(connection):
            with contextlib.suppress(OSError), connection:
                connection.recv(65536)
                for chunk in chunks:
                    time.sleep(pause)
                    connection.sendall(chunk)

        threading.Thread(target=serve, daemon=True).start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
        stop_listening(listening)
