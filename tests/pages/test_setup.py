"""The first start: what `bin/up` asks of `manage.py setup`."""

from pathlib import Path

import pytest
from django.core.management import call_command

from catalog.models import Entity
from portal.accounts.models import User
from portal.embedded.layout import Layout


@pytest.fixture
def data(tmp_path: Path, settings):
    settings.EMBEDDED = Layout(tmp_path)
    return settings.EMBEDDED


def services() -> int:
    return Entity.objects.filter(blueprint__identifier="service").count()


@pytest.mark.django_db
def test_the_first_start_brings_the_demo_company_and_the_second_leaves_it_alone(data):
    call_command("setup")
    found, people = services(), User.objects.count()
    assert found > 10
    assert Entity.objects.filter(blueprint__identifier="service", identifier="address-book").exists()
    call_command("setup")
    assert (services(), User.objects.count()) == (found, people)


@pytest.mark.django_db
def test_an_empty_start_has_an_administrator_and_nothing_else(data):
    call_command("setup", "--empty")
    assert services() == 0
    assert User.objects.count() == 1
    assert "CI_TOKEN=" in data.credentials.read_text()


@pytest.mark.django_db
def test_a_start_at_another_port_renews_the_address_and_nothing_else(data, settings):
    call_command("setup", "--empty")
    before = data.credentials.read_text()
    settings.BASE_URL = "http://127.0.0.1:8899"
    call_command("setup", "--empty")
    after = data.credentials.read_text()
    assert "PORTCULLIS_URL=http://127.0.0.1:8899\n" in after
    assert after.splitlines()[1:] == before.splitlines()[1:]
    assert data.credentials.stat().st_mode & 0o777 == 0o600
