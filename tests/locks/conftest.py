"""The instant at which a test began, and where checkout runs."""

import pytest

from portal.kit.clock import database_now


@pytest.fixture
def now(db):
    return database_now()


@pytest.fixture
def place(shop):
    return shop.checkout_production
