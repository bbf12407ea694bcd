"""Badges, fetched as a proxy of pictures does: without a token."""

import re
from datetime import timedelta
from xml.etree import ElementTree

import pytest
from django.test import Client
from django.test.utils import override_settings

from deployments import badges
from deployments.commands import deployment_report
from locks import scopes
from locks.commands import freeze_create, lock_release, lock_take
from locks.wishes import parse
from portal.kit.clock import database_now
from tests.conftest import SETUP, write

REASON = "debugging the payment retries"


def get(path, **headers):
    return Client().get(path, headers=headers)


def words(answer):
    """The words on the picture, which is well-formed."""
    assert answer["Content-Type"] == "image/svg+xml"
    return [each.text for each in ElementTree.fromstring(answer.content).iter("{http://www.w3.org/2000/svg}text")]


def lock_of(service="checkout", environment="production"):
    return badges.path(service, environment, "lock")


def version_of(service="checkout", environment="production"):
    return badges.path(service, environment, "version")


def test_a_badge_follows_the_lock(shop, page, bob):
    assert words(get(lock_of())) == ["production", "open"]
    lock = lock_take(scopes.pair(shop.checkout_production), reason=REASON, by=page(bob))
    assert words(get(lock_of())) == ["production", "locked"]
    assert words(get(lock_of("search"))) == ["production", "open"]
    lock_release(lock, by=page(bob))
    assert words(get(lock_of())) == ["production", "open"]


def test_an_address_of_very_many_parts_is_not_tried_out(shop, monkeypatch):
    tried = []
    monkeypatch.setattr(badges, "_is_signed", lambda *names: tried.append(names))
    answer = get("/v1/badges/" + "a/" * 900 + "production/lock.svg?key=x")
    assert (answer.status_code, words(answer), tried) == (404, ["portcullis", "unknown"], [])


def test_a_version_with_characters_that_no_picture_takes_is_shown_without_them(shop):
    deployment_report({"service": "checkout", "environment": "production", "version": "1.\x0b2\x1b[0m"}, by=SETUP)
    assert words(get(version_of())) == ["production", "1.2[0m"]


def test_a_freeze_shows_as_frozen(shop):
    starts = f"{database_now() - timedelta(days=1):%Y-%m-%dT%H:%M}"
    wish = parse({"title": "Year end", "reason": "Closed", "starts": starts, "duration": "3d"})
    freeze_create(scopes.named("tier", tier="production"), wish, by=SETUP)
    assert words(get(lock_of())) == ["production", "frozen"]


def test_neither_who_nor_why_nor_until_when_is_told(shop, page, bob):
    lock_take(scopes.pair(shop.checkout_production), reason=REASON, by=page(bob))
    told = get(lock_of()).content.decode()
    assert "Bob" not in told and "debugging" not in told and "bob@" not in told


def test_the_version_is_what_is_live(shop):
    assert words(get(version_of())) == ["production", "not deployed"]
    report = {"service": "checkout", "environment": "production", "commit": "4f2a9c1d0e"}
    deployment_report(report, by=SETUP)
    assert words(get(version_of())) == ["production", "4f2a9c1"]
    deployment_report(report | {"version": "<2.14>"}, by=SETUP)
    assert words(get(version_of())) == ["production", "<2.14>"]


def test_an_alias_is_known_and_a_slash_in_a_name_is_no_trouble(shop):
    assert words(get(lock_of(environment="prod"))) == ["production", "open"]
    write("service", "shop/cart")
    write("environment", "eu/west", properties={"tier": "production"})
    assert words(get(lock_of("shop/cart", "eu/west"))) == ["eu/west", "open"]


@pytest.mark.parametrize(
    "path",
    [
        "/v1/badges/checkout/production/lock.svg",
        "/v1/badges/checkout/production/lock.svg?key=",
        "/v1/badges/checkout/production/lock.svg?key=nonsense",
        "/v1/badges/checkout/production/version.svg?key=\u2603",
        badges.path("checkout", "staging", "lock").replace("staging", "production"),
        badges.path("nothing", "production", "lock"),
    ],
)
def test_another_address_is_a_grey_unknown_whatever_is_there(shop, path):
    answer = get(path)
    assert (answer.status_code, words(answer)) == (404, ["portcullis", "unknown"])
    assert "no-cache" in answer["Cache-Control"]


def test_a_proxy_asks_each_time_and_hears_304_until_something_changes(shop, page, bob):
    first = get(lock_of())
    assert (first["Cache-Control"], "Set-Cookie" in first) == ("no-cache, max-age=0, must-revalidate", False)
    again = get(lock_of(), if_none_match=f'"other", W/{first["ETag"]}')
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    lock_take(scopes.pair(shop.checkout_production), reason=REASON, by=page(bob))
    assert words(get(lock_of(), if_none_match=first["ETag"])) == ["production", "locked"]


def test_an_address_outlives_a_new_secret_key_as_long_as_the_old_one_is_kept(shop, settings):
    path, old = lock_of(), settings.SECRET_KEY
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[old]):
        assert get(path).status_code == 200
    with override_settings(SECRET_KEY="another", SECRET_KEY_FALLBACKS=[]):
        assert get(path).status_code == 404


def test_the_page_shows_what_to_paste_and_the_addresses_work(shop, client, bob, settings):
    client.force_login(bob)
    html = client.get("/deployments/badges/checkout").content.decode()
    pasted = re.findall(r"\[!\[checkout in production: (\w+)\]\((\S+?)\)\]\((\S+?)\)", html)
    assert [which for which, _, _ in pasted] == ["lock", "version", "health"]
    for _, address, page in pasted:
        assert address.startswith(settings.BASE_URL) and page.endswith("/catalog/service/entities/checkout")
        assert get(address.removeprefix(settings.BASE_URL).replace("&amp;", "&")).status_code == 200


def test_who_is_not_signed_in_is_shown_no_addresses(shop, client):
    assert client.get("/deployments/badges/checkout").status_code == 302
