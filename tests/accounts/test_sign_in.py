import pytest
from django.core.cache import cache

from tests.conftest import PASSWORD


@pytest.fixture(autouse=True)
def no_tries(db):
    cache.clear()
    yield
    cache.clear()


def sign_in(client, password, place, **headers):
    wish = {"username": "alice@example.org", "password": password}
    return client.post("/sign-in", wish, REMOTE_ADDR=place, headers=headers)


def test_guessing_from_elsewhere_does_not_lock_alice_out(client, alice):
    for _ in range(10):
        sign_in(client, "guess", "192.0.2.1")
    assert "Too many tries" in sign_in(client, PASSWORD, "192.0.2.1").content.decode()
    assert sign_in(client, PASSWORD, "192.0.2.2").status_code == 302


def test_a_place_cannot_call_itself_another(client, alice):
    for number in range(10):
        sign_in(client, "guess", "192.0.2.1", **{"X-Forwarded-For": f"192.0.2.{number}"})
    assert (
        "Too many tries" in sign_in(client, PASSWORD, "192.0.2.1", **{"X-Forwarded-For": "192.0.2.99"}).content.decode()
    )


def test_behind_a_proxy_the_place_is_what_the_proxy_wrote_last(client, alice, settings):
    settings.HTTPS = True
    for number in range(10):
        sign_in(client, "guess", "10.0.0.1", **{"X-Forwarded-For": f"198.51.100.{number}, 192.0.2.1"})
    waiting = sign_in(client, PASSWORD, "10.0.0.1", **{"X-Forwarded-For": "198.51.100.99, 192.0.2.1"})
    assert "Too many tries" in waiting.content.decode()
    assert sign_in(client, PASSWORD, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.2"}).status_code == 302
