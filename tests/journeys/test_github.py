"""With real workers: a job on GitHub waits behind a lock and is approved after the release, with nobody's help."""

import pytest

from locks import scopes
from locks.commands import lock_release, lock_take
from tests.github.conftest import PEM, SECRET, asks, checkout, github, send
from tests.journeys.conftest import eventually

__all__ = ["checkout", "github"]
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def environ(environ, github):
    return environ | {
        "PORTCULLIS_GITHUB_API_URL": github.url,
        "PORTCULLIS_GITHUB_APP_ID": "1234",
        "PORTCULLIS_GITHUB_PRIVATE_KEY": PEM,
        "PORTCULLIS_GITHUB_WEBHOOK_SECRET": SECRET,
    }


def test_a_job_on_github_goes_on_after_the_release(checkout, github, start, page, bob):
    start("worker"), start("beat")
    lock = lock_take(scopes.pair(checkout), reason="debugging", by=page(bob))
    assert send(asks(github))[0] == 202
    eventually(lambda: len(github.told) == 1)
    assert "state" not in github.told[0][1] and "debugging" in github.told[0][1]["comment"]
    lock_release(lock, reason="found it", by=page(bob))
    eventually(lambda: len(github.told) == 2)
    assert github.told[1][1]["state"] == "approved"
