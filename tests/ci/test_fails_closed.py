"""Whatever is not a clear answer about the very place asked about is 20, and never an open gate."""

import json
import socket
import ssl
import time

import pytest

from tests.ci.fake_portal import allowed, decision, denied, raw_server, refusal

CHECK = ("check", "--service", "cart", "--environment", "production")
HTML = {"Content-Type": "text/html"}


def without(field):
    return 200, {"ok": True, "decision": {name: value for name, value in decision().items() if name != field}}


HOSTILE = {
    "empty": (200, b""),
    "no content": (204, b""),
    "html": (200, b"<html>Sign in</html>", HTML),
    "truncated": (200, json.dumps(allowed()[1]).encode()[:-1]),
    "not an object": (200, b"[]"),
    "true": (200, b"true"),
    "not utf-8": (200, b'{"ok": true, "decision": "\xff"}'),
    "deep": (200, b"[" * 100_000),
    "too big": (200, b" " * (4 * 1024 * 1024) + json.dumps(allowed()[1]).encode()),
    "no decision": (200, {"ok": True}),
    "decision is a word": (200, {"ok": True, "decision": "allow"}),
    "not ok": (200, {"ok": False, "error": "x", "message": "y", "decision": decision()}),
    "ok is a word": (200, {"ok": "true", "decision": decision()}),
    "ok is 1": (200, {"ok": 1, "decision": decision()}),
    "unknown outcome": allowed(outcome="wait"),
    "outcome in capitals": allowed(outcome="ALLOW"),
    "outcome is a list": allowed(outcome=["allow"]),
    "no outcome": without("outcome"),
    "no locks": without("locks"),
    "locks are words": allowed(locks=["0192-lock"]),
    "no message": without("message"),
    "no service": without("service"),
    "deny in a 200": allowed(outcome="deny"),
    "allow in a 423": denied(outcome="allow"),
    "warn in a 423": denied(outcome="warn"),
    "201": (201, allowed()[1]),
    "another service": allowed(service="cart2"),
    "another environment": allowed(environment="staging"),
    "no environment": allowed(environment=None),
    "denied elsewhere": denied(environment="staging"),
    "301": (301, allowed()[1], {"Location": "/elsewhere"}),
    "302 with an allow in it": (302, allowed()[1], {"Location": "/elsewhere"}),
    "307": (307, b"", {"Location": "/elsewhere"}),
    "304": (304, b""),
    "429": refusal(429, "slow_down", "Too many requests."),
    "500": (500, allowed()[1]),
    "502 html": (502, b"<html>Bad gateway</html>", HTML),
    "503": refusal(503, "unavailable", "The database does not answer."),
    "504": (504, b""),
    "401 html": (401, b"<html>Sign in</html>", HTML),
    "404 html": (404, b"<html>Not found</html>", HTML),
    "403 without a reason": (403, {"ok": False}),
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=HOSTILE.keys())
def test_an_unclear_answer_is_closed(portal, run, answer):
    portal.answers["GET", "/v1/gate"] = answer
    portal.answers["GET", "/elsewhere"] = allowed()
    done = run(*CHECK, timeout="0.5")
    assert done.returncode == 20, done.stdout + done.stderr
    assert "CLOSED" in done.stderr and done.stdout == ""
    assert [one["path"] for one in portal.asked] == ["/v1/gate"] * 3


@pytest.mark.parametrize(
    ("chunks", "pause"),
    [
        ((), 0),
        ((b"HTTP/1.1 200 OK\r\n",), 0),
        ((b"nonsense\r\n\r\n",), 0),
        ((b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n", json.dumps(allowed()[1]).encode()[:50]), 0),
        ((b"HTTP/1.1 200 OK\r\n\r\n", *[b" "] * 200), 0.05),
        ((*[b"HTTP/1.1 100 Continue\r\n\r\n"] * 200,), 0.05),
        ((b"late",), 30),
    ],
    ids=["hangs up", "half a head", "no http", "half a body", "dripped body", "dripped head", "silence"],
)
def test_a_broken_line_is_closed_in_time(run, chunks, pause):
    began = time.monotonic()
    with raw_server(*chunks, pause=pause) as url:
        done = run(*CHECK, "--url", url, timeout="1.2")
    assert done.returncode == 20, done.stdout + done.stderr
    assert time.monotonic() - began < 2.4


def test_a_closed_port_is_closed(run):
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    done = run(*CHECK, "--url", f"http://127.0.0.1:{port}", timeout="1")
    assert done.returncode == 20 and "Connection refused" in done.stderr and "3 tries" in done.stderr


def test_a_name_that_does_not_resolve_is_closed(run):
    done = run(*CHECK, "--url", "http://portcullis.invalid", timeout="1")
    assert done.returncode == 20 and "portcullis.invalid" in done.stderr


def test_plain_http_where_tls_is_asked_for_is_closed(portal, run):
    done = run(*CHECK, "--url", portal.url.replace("http:", "https:"), timeout="1")
    assert done.returncode == 20 and portal.asked == []


def test_a_certificate_nobody_vouches_for_is_closed(portal, run, tmp_path):
    portal.socket = server_context(tmp_path).wrap_socket(portal.socket, server_side=True)
    portal.answers["GET", "/v1/gate"] = allowed()
    done = run(*CHECK, "--url", portal.url.replace("http:", "https:"), timeout="2")
    assert done.returncode == 20 and "CERTIFICATE_VERIFY_FAILED" in done.stderr
    assert portal.asked == []


def server_context(folder):
    import subprocess

    subprocess.run(
        [
            "openssl",
            "req",
            "-x509",
            "-newkey",
            "rsa:2048",
            "-nodes",
            "-subj",
            "/CN=127.0.0.1",
            "-keyout",
            "key.pem",
            "-out",
            "cert.pem",
        ],
        cwd=folder,
        check=True,
        capture_output=True,
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    return context


def test_a_portal_that_comes_back_is_heard(portal, run):
    portal.answers["GET", "/v1/gate"] = [(503, b""), refusal(429, "slow_down", "Too many requests."), allowed()]
    assert run(*CHECK).returncode == 0


def test_a_redirect_never_takes_the_token_along(portal, run):
    with raw_server(
        b"HTTP/1.1 302 Found\r\nLocation: " + portal.url.encode() + b"/elsewhere\r\nContent-Length: 0\r\n\r\n"
    ) as url:
        done = run(*CHECK, "--url", url, timeout="1")
    assert done.returncode == 20 and "redirect" in done.stderr
    assert portal.asked == []


@pytest.mark.parametrize(
    "answer",
    [
        refusal(404, "not_found", "There is no service kart.", nearest=["cart"]),
        refusal(404, "not_found", "There is no service kart.", nearest={"service": ["cart"]}),
    ],
)
def test_an_unknown_name_is_no_free_place(portal, run, answer):
    portal.answers["GET", "/v1/gate"] = answer
    done = run(*CHECK)
    assert done.returncode == 22 and "Did you mean: cart?" in done.stderr
    assert len(portal.asked) == 1


def test_the_nearest_names_are_said_once(portal, run):
    message = "There is no service called “kart”. Did you mean cart?"
    portal.answers["GET", "/v1/gate"] = refusal(404, "not_found", message, nearest={"service": ["cart"]})
    done = run(*CHECK)
    assert done.returncode == 22 and done.stderr.count("Did you mean") == 1


@pytest.mark.parametrize("status", [401, 403])
def test_bad_credentials_are_told_apart(portal, run, status):
    portal.answers["GET", "/v1/gate"] = refusal(status, "unauthorized", "This token was revoked.")
    done = run(*CHECK)
    assert done.returncode == 21 and "This token was revoked." in done.stderr


@pytest.mark.parametrize(
    "env",
    [
        {"PORTCULLIS_TOKEN": None},
        {"PORTCULLIS_TOKEN": ""},
        {"PORTCULLIS_TOKEN": None, "CLIENT_ID": "only"},
        {"PORTCULLIS_TOKEN": "pcl_very-secret-token\nX-Evil: 1"},
        {"PORTCULLIS_TOKEN": "pcl_gehe\u00efm"},
    ],
)
def test_a_token_that_cannot_be_is_not_sent(portal, run, env):
    assert run(*CHECK, env=env).returncode == 21
    assert portal.asked == []


@pytest.mark.parametrize(
    "words",
    [
        ("check",),
        ("check", "--service", "cart"),
        ("check", "--service", "", "--environment", "production"),
        ("check", "--service", "cart", "--environment", " "),
        (*CHECK, "--intent", "sneak"),
        (*CHECK, "--url", "portal.test"),
        (*CHECK, "--url", "https://user:pw@portal.test"),
        (*CHECK, "--url", "file:///etc"),
        (*CHECK, "--env-file", "absent"),
        ("chekc",),
        (),
        ("check", "--serv", "cart", "--environment", "production"),
    ],
)
def test_wrong_usage_is_2(portal, run, words):
    done = run(*words)
    assert done.returncode == 2 and done.stderr and "pw@" not in done.stderr
    assert portal.asked == []


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "inf", "601", "1e9", "soon"])
def test_a_senseless_time_limit_is_2(run, seconds):
    assert run(*CHECK, timeout=seconds).returncode == 2


def test_no_address_is_2(run):
    assert run(*CHECK, env={"PORTCULLIS_URL": None}).returncode == 2
