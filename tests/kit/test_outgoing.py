"""Calls to addresses that people wrote down, against receivers that mean no good."""

import re
import time
from ipaddress import ip_address

import pytest

from portal.kit import env, outgoing
from portal.kit.outgoing import NoAnswer, NotAllowed, NotReached, post
from tests.receivers import drip, reset


def test_an_answer_comes_back_with_what_was_sent(receiver, at_home):
    there = receiver()
    answer = post(there.url, b"{}", {"X-Port-Timestamp": "1"})
    assert (answer.status, answer.body) == (200, b"ok")
    assert there.came[0].startswith(b"POST /hook?a=1 HTTP/1.1\r\nHost: 127.0.0.1:")
    assert b"X-Port-Timestamp: 1" in there.came[0]


@pytest.mark.parametrize(
    "answer",
    [
        lambda wire: time.sleep(1.5),
        drip,
        lambda wire: drip(wire, b"HTTP/1.1 200 OK\r\n\r\n"),
        lambda wire: drip(wire, b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
        lambda wire: [wire.sendall(b"HTTP/1.1 100 Continue\r\n\r\n") or time.sleep(0.05) for _ in range(40)],
    ],
    ids=["hangs", "drips headers", "drips a body", "drips chunks", "continues"],
)
def test_it_never_waits_longer_than_it_said(receiver, at_home, answer):
    begun = time.monotonic()
    with pytest.raises(NoAnswer, match="within 0.3 s"):
        post(receiver(answer).url, b"{}", {}, timeout=0.3)
    assert time.monotonic() - begun < 1.2


@pytest.mark.parametrize("answer", [reset, b"", b"hello\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 200 + b"\r\n"])
def test_what_is_no_answer_is_none(receiver, at_home, answer):
    with pytest.raises(NoAnswer, match="could not be reached") as silence:
        post(receiver(answer).url, b"{}", {}, timeout=2)
    assert not isinstance(silence.value, NotReached)


def test_who_is_not_there_has_heard_nothing(receiver, at_home):
    gone = receiver()
    gone.close()
    with pytest.raises(NotReached, match="could not be reached"):
        post(gone.url, b"{}", {}, timeout=2)


def test_a_redirect_is_an_answer_and_is_not_followed(receiver, at_home):
    elsewhere = receiver()
    there = receiver(f"HTTP/1.1 302 Found\r\nLocation: {elsewhere.url}\r\nContent-Length: 0\r\n\r\n".encode())
    assert post(there.url, b"{}", {}).status == 302
    assert elsewhere.came == []


def test_a_large_answer_is_read_no_further_than_its_beginning(receiver, at_home):
    body = b"x" * 300_000
    there = receiver(b"HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + body)
    assert len(post(there.url, b"{}", {}).body) == outgoing.MOST_BYTES


@pytest.mark.parametrize(
    "host",
    "127.0.0.1 localhost 2130706433 0x7f.1 0.0.0.0 10.1.2.3 172.16.0.1 192.168.1.1 169.254.169.254 100.64.0.1 224.0.0.1"
    " 255.255.255.255 [::1] [::] [fe80::1] [fd00::1] [::ffff:127.0.0.1] [::ffff:a9fe:a9fe] [64:ff9b::a00:1] [fec0::1]"
    " [2002:7f00:1::] [ff02::1] 192.0.0.192 192.88.99.1 168.63.129.16 [64:ff9b:1::a9fe:a9fe] [3fff::1]".split(),
)
def test_no_address_inside_is_called(receiver, host):
    there = receiver()
    port = there.url.split(":")[2].split("/")[0]
    with pytest.raises((NotAllowed, NoAnswer)) as refused:
        post(f"http://{host}:{port}/", b"{}", {}, timeout=1)
    assert there.came == []
    assert isinstance(refused.value, NotAllowed) or "could not be reached" in str(refused.value)
    told = str(refused.value).replace(host.strip("[]"), "")
    assert not re.search(r"\d\.\d|::", told), "where a name leads is nobody's to learn"


@pytest.mark.parametrize(
    "url",
    ["", "nowhere", "file:///etc/passwd", "ftp://a.example/", "http://", "http://a:b@a.example/", "http://a.example:x/",
     "http://a.example:99999/", "http://[::1", "http://a..example/", "http://ä.example/", "http://a.example/\n", "http://a.example/b c", "http://" + "a" * 70 + "/"],
)  # fmt: skip
def test_what_is_no_address_is_not_called(url):
    with pytest.raises(NotAllowed):
        post(url, b"{}", {})


def test_networks_that_the_operator_named_may_be_called_and_no_others(settings):
    settings.OUTGOING_NETWORKS = ["10.20.0.0/16", "fd00:1::/64"]
    may = {
        each: outgoing.allowed(ip_address(each))
        for each in ("10.20.3.4", "10.21.0.1", "fd00:1::5", "fd00:2::5", "8.8.8.8")
    }
    assert may == {"10.20.3.4": True, "10.21.0.1": False, "fd00:1::5": True, "fd00:2::5": False, "8.8.8.8": True}
    assert outgoing.allowed(ip_address("::ffff:10.20.3.4"))


def test_a_network_that_is_none_stops_the_start(monkeypatch):
    monkeypatch.setenv("PORTCULLIS_OUTGOING_NETWORKS", "10.0.0.1/8")
    with pytest.raises(Exception, match="PORTCULLIS_OUTGOING_NETWORKS"):
        env.networks("PORTCULLIS_OUTGOING_NETWORKS")


def test_a_certificate_that_does_not_prove_the_name_is_no_answer(receiver, at_home):
    there = receiver(b"not a handshake")
    with pytest.raises(NoAnswer):
        post(there.url.replace("http://", "https://"), b"{}", {}, timeout=2)
