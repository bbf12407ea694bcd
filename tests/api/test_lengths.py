"""Bodies whose length nobody said, through the web server that the portal comes with."""

import http.client
import json
import os
from contextlib import suppress
from io import BytesIO
from urllib.parse import quote

import pytest
from django.db import connection

from catalog.models import Entity
from portal.kit.lengths import with_length
from tests.journeys.test_faults import Web


@pytest.fixture
def web(transactional_db, tmp_path):
    base = connection.settings_dict
    url = f"postgresql://{base['USER']}@/{base['NAME']}?host={quote(base['HOST'], safe='')}"
    web = Web(os.environ | {"DATABASE_URL": url}, tmp_path / "web.log")
    yield web
    web.process.stop()


def chunked(web, token, *parts):
    wire = http.client.HTTPConnection("127.0.0.1", web.port, timeout=15)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    with suppress(BrokenPipeError):  # it may have heard enough, and answered
        wire.request("POST", "/v1/blueprints/service/entities", iter(parts), headers, encode_chunked=True)
    answer = wire.getresponse()
    return answer.status, json.loads(answer.read())


def test_a_chunked_body_is_read_whole_and_never_taken_for_an_empty_one(web, terraform):
    status, answer = chunked(web, terraform.token, b'{"identifier": ', b'"chunky", "title": "Chunky"}')
    assert (status, answer["entity"]["title"]) == (201, "Chunky")
    assert chunked(web, terraform.token)[0] == 422
    assert chunked(web, terraform.token, b'{"title": "', b"x" * 1024 * 1024, b'"}')[0] == 413
    assert [each.identifier for each in Entity.objects.all()] == ["chunky"]


def test_a_server_that_cannot_tell_where_a_body_ends_says_so():
    said = []
    environ = {"REQUEST_METHOD": "POST", "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": BytesIO(b"5")}
    body = with_length(lambda *_: [b"not reached"])(environ, lambda status, headers: said.append(status))
    assert (said, json.loads(b"".join(body))["error"]) == (["411 Length Required"], "length_required")
