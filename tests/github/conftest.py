"""GitHub at the socket: it hands tokens to who signs as the App, and remembers what it is told."""

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from django.test import Client
from django.utils import timezone

from portal.audit import outbox
from portal.audit.models import Delivery
from tests.conftest import write

SECRET = "it's a secret to everybody"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
).decode()


class GitHub(ThreadingHTTPServer):
    """`told` are the reviews of runs, in order; `answers` are used up one by one instead of what it would say."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.told, self.tokens, self.answers, self.asked = [], {}, [], []
        self.compared = {}
        # What it says of an organisation: a list or an object by its path, to who has `word`.
        self.says, self.word = {}, "github_pat_reads"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if "/compare/" in self.path:
            return self.compare()
        path, _, query = self.path.partition("?")
        if self.server.says:
            return self.listed(path, parse_qs(query))
        found = self.path == "/repos/larder/checkout/installation" and self.signs(self.word)
        self.say(*((200, {"id": 99}) if found else (404, {"message": "Not Found"})))

    def listed(self, path, query):
        """A page of a list, or an object."""
        self.server.asked.append(self.path)
        if self.server.answers and (answer := self.server.answers.pop(0)):
            return self.say(*answer)
        if self.word != self.server.word:
            return self.say(401, {"message": "Bad credentials"})
        if path not in self.server.says:
            return self.say(404, {"message": "Not Found"})
        said = self.server.says[path]
        if isinstance(said, list):
            size, page = (int(query[name][0]) for name in ("per_page", "page"))
            said = said[size * (page - 1) : size * page]
        return self.say(200, said)

    def compare(self):
        """A page of the commits that `compared` holds, the oldest first, as GitHub has them."""
        self.server.asked.append(self.path)
        if self.server.answers:
            return self.say(*self.server.answers.pop(0))
        path, _, query = self.path.partition("?")
        if self.word != "github_pat_reads" or path not in self.server.compared:
            return self.say(404, {"message": "Not Found"})
        size, page = (int(parse_qs(query)[name][0]) for name in ("per_page", "page"))
        commits = self.server.compared[path]
        here = commits[size * (page - 1) : size * page]
        return self.say(200, {"status": "ahead", "total_commits": len(commits), "commits": here})

    @property
    def word(self):
        return self.headers["Authorization"].removeprefix("Bearer ")

    def signs(self, word):
        claims = jwt.decode(word, KEY.public_key(), algorithms=["RS256"], options={"verify_iat": False})
        return claims["iss"] == "1234" and claims["exp"] - claims["iat"] <= 600

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(self.path)
        if self.path.startswith("/app/installations/"):
            if not self.signs(self.word):
                return self.say(401, {"message": "A JSON web token could not be decoded"})
            token = f"ghs_{len(self.server.tokens)}"
            self.server.tokens[token] = (self.path.split("/")[3], body)
            return self.say(201, {"token": token})
        if self.server.answers:
            return self.say(*self.server.answers.pop(0))
        if self.word not in self.server.tokens:
            return self.say(401, {"message": "Bad credentials"})
        self.server.told.append((self.path, body))
        return self.say(204, None)

    def say(self, status, body, headers=()):
        raw = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_):
        pass


@pytest.fixture
def github(settings):
    with GitHub() as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        settings.GITHUB_API_URL, settings.GITHUB_APP_ID = server.url, "1234"
        settings.GITHUB_PRIVATE_KEY, settings.GITHUB_WEBHOOK_SECRET = PEM, SECRET
        yield server
        server.shutdown()


@pytest.fixture
def checkout(shop):
    """Checkout's repository is larder/checkout."""
    write("service", "checkout", mode="patch", properties={"repository": "https://github.com/larder/checkout"})
    return shop.checkout_production


def asks(github, repository="larder/checkout", environment="production", run=4711, **changes):
    """What GitHub sends when a job wants to deploy."""
    return {
        "action": "requested",
        "environment": environment,
        "event": "push",
        "deployment": {"sha": "4f2a9c1d", "ref": "main"},
        "deployment_callback_url": f"{github.url}/repos/{repository}/actions/runs/{run}/deployment_protection_rule",
        "repository": {"full_name": repository, "html_url": f"https://github.com/{repository}"},
        "installation": {"id": 99},
        "sender": {"login": "dana"},
        **changes,
    }


def send(body, *, delivery="", event="deployment_protection_rule", secret=SECRET):
    """The webhook as GitHub posts it, signed. (status, JSON)"""
    raw = json.dumps(body).encode()
    headers = {
        "X-GitHub-Event": event,
        "X-GitHub-Delivery": delivery or str(uuid4()),
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest(),
    }
    answer = Client().post("/v1/github/webhook", raw, content_type="application/json", headers=headers)
    return answer.status_code, answer.json()


def work():
    """What the workers would do by now."""
    for _ in range(3):
        Delivery.objects.filter(state="pending").update(due_at=timezone.now())
        outbox.deliver_due()
