"""The cast. Alice runs the portal, Bob is on the payments team, Charlie is on no team.

The payments team owns checkout; nobody owns search. Production is also called prod.
"""

import gc
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import Client, TransactionTestCase

from catalog import queries as catalog
from catalog.commands import entities_write, entity_write
from catalog.queries import Place
from catalog.wishes import Wish
from deployments.views.matrix import LINES
from portal.accounts.commands import credential_create, team_create, user_create
from portal.accounts.models import User
from portal.accounts.queries import actor_of_user
from portal.actions.known import followed
from portal.audit.models import Event
from portal.kit.by import By, system
from portal.kit.errors import PortalError
from portal.notifications import known
from tests import emptying, servers
from tests.receivers import OK, Receiver


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--ci-python", help="the interpreter that runs ci/portcullis in tests/ci, such as one of Python 3.8"
    )
    parser.addoption(
        "--history-commits",
        help="how many commits tests/journeys/test_where_commits_are.py makes; 1000 is the long form",
    )
    parser.addoption(
        "--computed-steps",
        help="how many changes tests/catalog/test_computed_random.py makes, a way; 5000 is the long form",
    )
    parser.addoption("--computed-seed", help="a number, for other changes")
    parser.addoption("--rewrite-goldens", action="store_true", help="writes tests/notifications/goldens anew")
    parser.addoption("--stress-seconds", help="how long tests/stress lets its processes loose; 60 is the long form")


PASSWORD = "correct horse battery"
SETUP = system("setup")


class CheapHasher(PBKDF2PasswordHasher):
    """The portal's own, in one round instead of a million: nobody breaks in here, and everybody waits."""

    iterations = 1


def pytest_configure() -> None:
    # Every client looked through all static files first.
    settings.WHITENOISE_AUTOREFRESH = True
    TransactionTestCase._fixture_teardown = emptying.restore


def pytest_collection_finish() -> None:
    """A fifth of the tests' time was the collector's, that walked over everything imported again and again."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@pytest.fixture(scope="session")
def django_db_setup(request: Any, django_test_environment: None, django_db_blocker: Any) -> Iterator[None]:
    if servers.is_migrated:
        name = f"test_{connection.settings_dict['NAME']}"
        settings.DATABASES["default"]["NAME"] = connection.settings_dict["NAME"] = name
    else:
        request.getfixturevalue("django_db_setup")
    with django_db_blocker.unblock():
        emptying.remember()
    yield
    with django_db_blocker.unblock():
        emptying.be_alone()


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["tests.conftest.CheapHasher"]


@pytest.fixture(autouse=True)
def no_lines_of_another_test() -> None:
    """What is rolled back leaves no event behind, by which the matrix knows that something has changed."""
    LINES.clear()
    known.clear()
    followed.clear()


@pytest.fixture
def alice(db: None) -> User:
    return user_create("alice@example.org", "Alice", password=PASSWORD, role="admin", by=SETUP)


@pytest.fixture
def bob(db: None) -> User:
    bob = user_create("bob@example.org", "Bob", password=PASSWORD, by=SETUP)
    team_create("payments", "Payments", members=[bob], by=SETUP)
    return bob


@pytest.fixture
def charlie(db: None) -> User:
    return user_create("charlie@example.org", "Charlie", password=PASSWORD, by=SETUP)


@pytest.fixture
def page() -> Callable[[User], By]:
    """Somebody at the page: `page(bob)`."""
    return lambda user: By(actor_of_user(user), "page")


def write(blueprint: str, identifier: str, **wish: Any) -> Any:
    given = frozenset(wish.keys() & {"title", "icon", "team", "properties", "relations"})
    return entity_write(Wish(blueprint, identifier, wish.pop("mode", "create"), given=given, **wish), by=SETUP)


def write_all(wishes: Iterable[Wish]) -> None:
    """Those of one blueprint in a row together, which costs little more than to write one."""
    for fate in entities_write(list(wishes), by=SETUP):
        if isinstance(fate, PortalError):
            raise fate


@dataclass(frozen=True)
class Shop:
    checkout_production: Place
    checkout_staging: Place
    search_production: Place


@pytest.fixture
def shop(db: None) -> Shop:
    """Two services and two environments, nothing deployed, nothing locked."""
    write_all([
        Wish("environment", "production", "create", properties={"tier": "production", "aliases": ["prod", "Live"]}),
        Wish("environment", "staging", "create", properties={"tier": "staging"}),
        Wish("service", "checkout", "create", title="Checkout", team=("payments",)),
        Wish("service", "search", "create", title="Search"),
    ])  # fmt: skip
    return Shop(
        catalog.place("checkout", "production"),
        catalog.place("checkout", "staging"),
        catalog.place("search", "production"),
    )


@dataclass(frozen=True)
class Answer:
    status: int
    json: Any
    headers: Any


class V1:
    """A program at /v1, with its token: `ci.get("gate", service="checkout")`, `ci.post("locks", {...})`."""

    def __init__(self, token: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.token = token

    def get(self, path: str, **params: str) -> Answer:
        return self._answer(self.client.get(f"/v1/{path}", params, headers=self._headers({})))

    def delete(self, path: str) -> Answer:
        return self._answer(self.client.delete(f"/v1/{path}", headers=self._headers({})))

    def post(self, path: str, body: Any, **headers: str) -> Answer:
        return self.send("post", path, body, **headers)

    def send(self, method: str, path: str, body: Any, **headers: str) -> Answer:
        data = body if isinstance(body, bytes | str) else json.dumps(body)
        call = getattr(self.client, method)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self._answer(call(f"/v1/{path}", data, content_type="application/json", headers=self._headers(named)))

    def _headers(self, more: dict[str, str]) -> dict[str, str]:
        return ({"Authorization": f"Bearer {self.token}"} if self.token else {}) | more

    def _answer(self, response: Any) -> Answer:
        assert response["Content-Type"].startswith("application/json"), response.content[:200]
        return Answer(response.status_code, json.loads(response.content), response.headers)


@pytest.fixture
def ci(db: None) -> V1:
    """A CI job's token: it may report, ask and lock, not write the catalog."""
    _, token = credential_create("CI", kind="ci", scopes=["report", "gate", "lock", "catalog:read"], by=SETUP)
    return V1(token)


@pytest.fixture
def terraform(db: None) -> V1:
    """A program that may do everything."""
    _, token = credential_create("Terraform", kind="ci", scopes=["admin"], by=SETUP)
    return V1(token)


@pytest.fixture
def nobody(db: None) -> V1:
    return V1("")


def events(*names: str) -> list[str]:
    """Names of the events so far that start with one of `names`, in order."""
    found = Event.objects.order_by("id").values_list("name", flat=True)
    return [name for name in found if not names or name.startswith(names)]


@pytest.fixture
def receiver():
    made = []

    def make(answer=OK):
        made.append(Receiver(answer))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def at_home(settings):
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
