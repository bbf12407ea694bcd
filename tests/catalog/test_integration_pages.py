"""The pages of integrations: how each stands for everybody, what it found and broke for administrators."""

import json
import re
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from catalog.commands import permissions_update
from catalog.integrations.commands import examples_take, integration_create, log_take, metrics_take, outcomes_note
from catalog.integrations.models import Integration, Removal
from catalog.integrations.standing import standing
from catalog.models import Blueprint, Entity
from portal.audit.outbox import deliver_due
from portal.kit.by import By
from portal.kit.errors import Invalid
from portal.pages.queries import overview
from portal.pages.tables import figures
from tests.conftest import SETUP, events, write

AGENT = "port-ocean/github/1.0/my-github/exporter"
NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
RESOURCE = {
    "kind": "repository",
    "selector": {"query": "true"},
    "port": {"entity": {"mappings": {"identifier": ".name", "blueprint": '"service"'}}},
}
CONFIG = {"resources": [RESOURCE]}


def numbers(n):
    count = {"object_count_type": {"raw_extracted": {"object_count": n}}}
    return {"eventId": "r1", "kindIdentifier": f"repository-{n}", "kind": "repository", "syncState": "completed", "metrics": {"phase": {"extract": count}}}  # fmt: skip


def tell(integration, count):
    """As much of everything as `count` says."""
    by = By(SETUP.actor, "api", agent=AGENT)
    metrics_take(integration, [numbers(n) for n in range(count)], by=by)
    log_take(integration, [{"message": f"line {n}", "extra": {"n": n}} for n in range(count)], by=by)
    for n in range(count):
        examples_take(integration, f"kind-{n}", [{"name": n}], by=by)
        outcomes_note("service", [({"identifier": "swordfish"}, Invalid("it smells"))], resync=f"r{n}", by=by)


@pytest.fixture
def github(shop):
    said = {"installationId": "my-github", "installationAppType": "github", "title": "GitHub", "config": CONFIG}
    integration, _ = integration_create(said, by=SETUP)
    Entity.objects.filter(blueprint__identifier="service").update(datasource=AGENT)
    return integration


def browser(user):
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def html(user, url):
    response = browser(user).get(url)
    assert response.status_code == 200
    return response.content.decode()


def test_a_list_and_a_page_of_each(github, alice):
    tell(github, 2)
    assert github.get_absolute_url() in html(alice, "/integrations/")
    page = html(alice, github.get_absolute_url())
    for word in ("line 1", "it smells", "swordfish", "kind-1", "r1", r"\&quot;service\&quot;"):
        assert word in page
    href = re.search(r'href="([^"]+)">2 Service<', page)[1].replace("&amp;", "&")
    table = html(alice, href)
    assert "/catalog/service/entities/checkout" in table
    assert "/catalog/service/entities/search" in table


def test_a_member_sees_how_it_stands_and_nothing_of_what_it_brought(github, bob):
    tell(github, 2)
    page = html(bob, github.get_absolute_url())
    assert "2 Service" in page
    for word in ("line 1", "swordfish", "kind-1", "selector"):
        assert word not in page
    for path in ("errors", "log", "mapping"):
        assert browser(bob).get(f"{github.get_absolute_url()}/{path}").status_code == 403
    assert browser(bob).post(f"{github.get_absolute_url()}/resync").status_code == 403
    assert events("integration") == ["integration.created"]


def test_entities_that_somebody_may_not_see_are_not_counted_for_him(github, charlie):
    permissions_update(Blueprint.objects.get(identifier="service"), {"read": {"roles": ["Admin"]}}, by=SETUP)
    assert "Service<" not in html(charlie, github.get_absolute_url()).split('id="main"')[1]


def test_each_page_asks_as_often_for_fifty_rows_as_for_one(github, alice):
    client = browser(alice)

    def queries(url):
        with CaptureQueriesContext(connection) as asked:
            assert client.get(url).status_code == 200
        return len(asked)

    urls = ["/integrations/", *(f"{github.get_absolute_url()}{path}" for path in ("", "/errors", "/log", "/mapping"))]
    tell(github, 1)
    held(github, 1)
    client.get("/")
    one = [queries(url) for url in urls]
    tell(github, 50)
    for n in range(49):
        integration_create({"installationId": f"k{n}"}, by=SETUP)
        held(github, n)
    assert [queries(url) for url in urls] == one


def held(integration, n):
    state = "held" if n == 1 else "done"
    if state == "held" and integration.removals.filter(state="held").exists():
        return None
    removal = Removal.objects.create(integration=integration, state=state, began_at=NOW, owned=9, gone=8)
    for name in ("checkout", "search"):
        removal.held.create(at=NOW + timedelta(days=9000), blueprint="service", identifier=name)
    return removal


def test_a_held_deletion_is_decided_on_its_page(github, alice, bob):
    write("service", "extra", mode="create")
    removal = held(github, 1)
    url = f"{github.get_absolute_url()}/deletions/{removal.public_id}"
    assert "2 deletions wait for a decision" in html(alice, github.get_absolute_url())
    assert "deletion held" in html(alice, "/integrations/")
    assert "deletion held" not in html(bob, "/integrations/")
    assert browser(bob).post(f"{url}/approval").status_code == 403
    assert browser(alice).get(f"{url}/approval").status_code == 302
    removal.refresh_from_db()
    assert removal.state == "held"
    assert "every 2s" not in html(alice, github.get_absolute_url())
    assert browser(alice).post(f"{url}/approval").status_code == 303
    assert "every 2s" in html(alice, github.get_absolute_url())
    deliver_due()
    assert "every 2s" not in html(alice, github.get_absolute_url())
    assert not Entity.objects.filter(blueprint__identifier="service", identifier__in=["checkout", "search"]).exists()
    assert browser(alice).post(f"{url}/refusal").status_code == 409
    assert browser(alice).post(f"{url}/undo").status_code == 303
    deliver_due()
    assert Entity.objects.filter(blueprint__identifier="service", identifier__in=["checkout", "search"]).count() == 2


def test_home_tells_an_administrator_of_held_deletions(github, alice, bob, page):
    held(github, 1)
    assert {row["label"]: row["value"] for row in figures(overview(page(alice)))}["Deletions held"] == "1"
    assert "Deletions held" not in [row["label"] for row in figures(overview(page(bob)))]


def test_its_mapping_is_changed_in_an_editor_and_keeps_its_history(github, alice):
    url = f"{github.get_absolute_url()}/mapping"
    changed = {"resources": [RESOURCE | {"selector": {"query": ".archived | not"}}]}
    body = {"config": json.dumps(changed), "seen": github.updated_at.isoformat()}
    assert browser(alice).post(url, body).status_code == 303
    github.refresh_from_db()
    assert github.config == changed
    page = html(alice, url)
    assert "+        &quot;query&quot;: &quot;.archived | not&quot;" in page
    assert "by Alice" in page
    # With what was seen before that, it is too late.
    late = browser(alice).post(url, body)
    assert late.status_code == 422
    assert "Somebody has changed it meanwhile" in late.content.decode()


@pytest.mark.parametrize(
    ("config", "says"),
    [
        ("", "required"),
        ("{", "not JSON"),
        ("[]", "an object"),
        ("[" * 9000, "not JSON"),
        ('{"entityDeletionThreshold": 2}', "entityDeletionThreshold"),
        ('{"resources": [{}]}', "resources.0"),
        ('{"resources": [7]}', "resources.0"),
        (json.dumps({"resources": [RESOURCE | {"selector": {"query": ".a |"}}]}), "resources.0.selector.query is not a jq"),
        ('{"resources": [], "x": "\\u0000"}', "U+0000"),
        ('{"resources": [], "x": "\\ud800"}', "not JSON"),
        ('{"resources": [], "x": NaN}', "not JSON"),
        ('{"resources": [], "x": 1e999}', "not JSON"),
    ],
)  # fmt: skip
def test_a_mapping_that_is_wrong_is_refused_and_stays_in_the_editor(github, alice, config, says):
    body = {"config": config, "seen": github.updated_at.isoformat()}
    answer = browser(alice).post(f"{github.get_absolute_url()}/mapping", body)
    assert answer.status_code == 422
    assert says in answer.content.decode()
    github.refresh_from_db()
    assert github.config == CONFIG
    assert events("integration") == ["integration.created"]


def test_somebody_asks_for_a_resync(github, alice):
    assert browser(alice).post(f"{github.get_absolute_url()}/resync").status_code == 303
    github.refresh_from_db()
    assert github.resync_asked_at is not None
    assert events("integration") == ["integration.created", "integration.resync_asked"]


def test_the_audit_log_leads_to_it(github, alice):
    assert browser(alice).get("/integrations/called/my-github").headers["Location"] == github.get_absolute_url()
    assert "/integrations/called/my-github" in html(alice, "/audit")
    assert browser(alice).get("/integrations/called/nobody").status_code == 404


@pytest.mark.parametrize("path", ["errors?before=x", "errors?after=99999999999999999999", "log?level=x&resync=%00", "log?resync=" + "x" * 3000, "log?before=-1"])  # fmt: skip
def test_an_odd_address_is_no_fault(github, alice, path):
    assert browser(alice).get(f"{github.get_absolute_url()}/{path}").status_code in (200, 400, 404, 422)


@pytest.mark.parametrize(
    ("told", "heard", "word"),
    [
        ({}, timedelta(hours=1), "never synced"),
        ({}, timedelta(hours=25), "silent"),
        ({"status": "completed"}, timedelta(hours=23), "completed"),
        ({"status": "completed", "intervalInMinuets": 60}, timedelta(minutes=119), "completed"),
        ({"status": "completed", "intervalInMinuets": 60}, timedelta(minutes=121), "silent"),
        ({"status": "failed", "intervalInMinuets": 1}, timedelta(minutes=59), "failed"),
        ({"status": "running"}, timedelta(minutes=61), "silent"),
        ({"status": "aborted", "intervalInMinuets": True}, timedelta(hours=2), "aborted"),
    ],
)
def test_who_is_not_heard_for_long_is_silent(told, heard, word):
    integration = Integration(resync_state=told, heard_at=NOW - heard)
    assert standing(integration, now=NOW).word == word
    assert (standing(integration, now=NOW).silent_for == heard) == (word == "silent")


def test_odd_instants_of_a_resync_are_none():
    told = {
        "status": "completed",
        "lastResyncStart": "0001-01-01T00:00:00+14:00",
        "lastResyncEnd": 7,
        "nextResync": "x",
    }
    found = standing(Integration(resync_state=told, heard_at=NOW), now=NOW)
    assert (found.began_at, found.ended_at, found.next_at) == (None, None, None)


def test_an_empty_list_says_how_to_point_one_here(shop, alice, bob, settings):
    settings.BASE_URL = "https://portal.example"
    page = browser(alice).get("/integrations/").content.decode()
    assert "OCEAN__PORT__BASE_URL=https://portal.example" in page
    assert 'href="/admin/accounts/credential/add/"' in page
    assert "/admin/accounts/" not in browser(bob).get("/integrations/").content.decode()
