"""The very program that CI runs, as a process of its own, answered at the socket by the thread and transaction of the test."""

import json
import os
import shlex
import socketserver
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from hashlib import sha256
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished, request_started
from django.db import close_old_connections

from tests.ci.conftest import COMMAND, compiled
from tests.locks.doors.door import DONE, HELD, REFUSED, WHY, Door, filled

PLACE = "--service checkout --environment production"
TAKE = f"lock {PLACE} --for 2h --reason debugging"
LONGER = "extend {id} --for 9h"

DEEDS = {
    "ask the gate": f"check {PLACE}",
    "read locks": "locks",
    "take a lock": TAKE,
    "take another's lock over": TAKE,
    "take another's lock over, by force": f"{TAKE} --steal",
    "take another's lock over, by force, silent": f"lock {PLACE} --for 2h --reason x --steal",
    "release one's own lock": "unlock {id}",
    "release another's lock": "unlock {id} --reason because",
    "release another's lock, by force": "unlock {id} --reason because --steal",
    "release another's lock, by force, silent": "unlock {id} --steal",
    "extend one's own lock": LONGER,
    "extend another's lock": LONGER,
    "ask to pass another's lock": f"override {PLACE} --passes {{id}} --commit 4f2a9c1 --reason debugging",
    "begin a deploy": f"deploy {PLACE} --version 1.0 --commit 4f2a9c1 -- true",
    "tell of a used code": f"break-glass {PLACE} --reason debugging",
}
HEARD = {"already_locked": HELD, "forbidden": REFUSED, "unauthorized": REFUSED, "invalid_request": WHY}
CODE = "pcg-" + "x" * 24 + "-" + sha256(b"pcg-" + b"x" * 24).hexdigest()[:4]


class Quiet(WSGIRequestHandler):
    def log_message(self, *words):
        pass

    def address_string(self):
        return "localhost"


class Server(WSGIServer):
    timeout = 0.02

    def server_bind(self):
        """Without asking a resolver for the name of this machine."""
        socketserver.TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]
        self.setup_environ()


@contextmanager
def connection_kept():
    """Django closes a connection between requests that has a transaction open: the test's own."""
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


def words_of(how, what):
    words = shlex.split(filled(how, what))
    end = words.index("--") if "--" in words else len(words)
    return [*words[:end], "--json", *words[end:]]


def ask(who, how, what):
    with Server(("127.0.0.1", 0), Quiet) as server, tempfile.TemporaryDirectory() as folder, connection_kept():
        server.set_app(WSGIHandler())
        environ = {
            "PATH": os.environ["PATH"],
            "PORTCULLIS_URL": f"http://127.0.0.1:{server.server_port}",
            "PORTCULLIS_TOKEN": who.token,
            "PORTCULLIS_TIMEOUT": "60",
            "PORTCULLIS_BREAK_GLASS": CODE,
        }
        command = [sys.executable, "-S", compiled(COMMAND), *words_of(how, what)]
        child = subprocess.Popen(command, env=environ, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        while child.poll() is None:
            server.handle_request()
        out, err = child.communicate()
    assert out, err.decode()
    return DONE if child.returncode == 0 else HEARD[json.loads(out)["error"]]


# Each is a process: a stranger, an owner, a program that may and one that may not.
COMMAND_LINE = Door("api", DEEDS, ask, enough=frozenset({"charlie", "bob", "reports", "ci"}))
