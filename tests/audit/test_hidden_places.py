"""The audit tells nobody of a place that he may not see, and keeps no address whose whole is as good as a password."""

from datetime import timedelta

import pytest

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.permissions import visible_events
from deployments.environments.commands import template_update
from deployments.health.commands import maintenance_begin, maintenance_end, probe_create
from deployments.health.models import Maintenance
from locks import rules
from locks.commands import lock_rule_create
from portal.audit.models import Event
from portal.audit.shown import shown
from portal.kit.clock import database_now
from portal.notifications.commands import route_create, route_update
from tests.conftest import SETUP, write
from tests.environments.test_webhook import SECRET, hooked

WISH = {"kind": "tcp", "name": "p", "spec": {"host": "example.org", "port": 443}, "environment": "production"}


@pytest.fixture
def hidden(shop):
    write("service", "hushhush")
    probe, _ = probe_create(WISH | {"service": "hushhush"}, by=SETUP)
    end = database_now() + timedelta(hours=1)
    for of in ({"probe": probe}, {"service": "hushhush"}):
        maintenance_begin(reason="hushhush", ends_at=end, by=SETUP, **of)
    maintenance_begin(reason="seen by all", ends_at=end, environment="production", by=SETUP)
    maintenance_end(Maintenance.objects.get(probe=probe), by=SETUP)
    lock_rule_create(rules.parse({"name": "r", "on": ["failing"], "services": ["hushhush"]}), by=SETUP)
    route_create({"name": "r", "events": ["lock.*"], "services": ["hushhush"], "to": "place"}, by=SETUP)
    permissions_update(catalog.blueprint("service"), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)


def test_nobody_reads_of_a_service_that_he_may_not_see(hidden, alice, bob, page):
    told = [shown(each) for each in visible_events(page(bob), Event.objects.all())]
    assert "hushhush" not in str(told) and "seen by all" in str(told)
    assert "hushhush" in str([shown(each) for each in visible_events(page(alice), Event.objects.all())])


def test_addresses_of_mail_and_of_providers_are_kept_short(shop, settings):
    settings.OUTGOING_NETWORKS = ["127.0.0.0/8"]
    wished = {"name": "mail", "events": ["lock.*"], "to": "email", "address": "dana@example.org, eve@example.org"}
    route = route_create(wished, by=SETUP)
    route_update(route, wished | {"address": "mallory@example.org"}, by=SETUP)
    template = hooked(type("At", (), {"url": "https://example.org/s3cret"}))
    template_update(template, {"spec": template.spec | {"url": "https://example.org/s3cret/2"}}, secret="", by=SETUP)
    told = str([shown(each) for each in Event.objects.all()])
    assert not any(each in told for each in ("dana", "mallory", "s3cret", SECRET))
    assert told.count("'route.updated'") == told.count("'environment_template.updated'") == 1
