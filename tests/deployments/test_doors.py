"""Who gets in at the doors of deployments: every route and page that reads, and every one that writes."""

import pytest
from django.test import Client
from django.urls import reverse

from deployments import urls
from deployments.models import Deployment, Hook, InboxItem, LogSource, ReportRequest
from portal.accounts.commands import credential_create
from portal.api.urls import urlpatterns as api_urls
from tests.conftest import SETUP, V1
from tests.deployments.hooked import hook
from tests.deployments.test_reports import report

READS = [
    "deployments", "deployments/current", "deployments/coverage", "deployments/sources", "deployments/diff?since=2026-01-01T00:00:00Z",
    "deployments/drift", "deployments/ingest", "deployments/dora", "deployments/dora/frequency", "deployments/commits?q=x",
    "deployments/features/ABC-1", "deployments/{deployment}", "deployments/{deployment}/watch",
]  # fmt: skip
# Those that write, with what is sent, and the scopes of which one is enough.
WRITES = {
    "deployments": {"service": "checkout", "environment": "production", "version": "2"},
    "deployments/batch": {"deployments": [{"service": "checkout", "environment": "production", "version": "2"}]},
    "deployments/ingest/{request}/replay": {},
}
MAY_WRITE = {"deployments": "report", "deployments/batch": "report", "deployments/ingest/{request}/replay": "admin"}
# Pages that write, for administrators and for everybody.
ADMINS = ["/deployments/inbox/mapping", "/deployments/inbox/{item}/placement", "/deployments/ingest/{request}/replay"]
OWN = ["/deployments/feed", "/deployments/feed/revocation"]


@pytest.fixture
def names(shop):
    made = report("1.0", run="1").deployment
    report("1.0", environment="nowhere")
    hook("github")
    return {
        "deployment": str(made.public_id),
        "item": str(InboxItem.objects.get().public_id),
        "request": ReportRequest.objects.order_by("pk").first().pk,
    }


def token(*scopes):
    _, secret = credential_create("-".join(scopes), kind="ci", scopes=list(scopes), by=SETUP)
    return V1(secret)


def state():
    return [list(each.objects.order_by("pk").values()) for each in (Deployment, InboxItem, Hook, LogSource)]


@pytest.mark.parametrize("path", READS)
def test_a_program_reads_with_the_scope_for_it_alone(names, path):
    path = path.format(**names)
    assert token("catalog:read").get(path).status == 200
    refused = token("report", "gate", "lock").get(path)
    assert refused.status == 403 and "catalog:read" in refused.json["message"]
    assert V1("").get(path).status == 401


@pytest.mark.parametrize("path", WRITES)
def test_a_program_writes_with_the_scope_for_it_alone(names, path):
    before, needs = state(), MAY_WRITE[path]
    others = [each for each in ("catalog:read", "catalog:write", "gate", "lock", "report") if each != needs]
    for client, status in ((token(*others), 403), (V1(""), 401)):
        assert client.post(path.format(**names), WRITES[path]).status == status
        assert state() == before
    assert token(needs).post(path.format(**names), WRITES[path]).status in (200, 201)


@pytest.mark.parametrize("path", ADMINS)
def test_a_page_that_is_for_administrators_does_nothing_for_others(names, bob, path):
    before, client = state(), Client()
    path = path.format(**names)
    assert client.post(path, {"known": "1", "drop": "1"}).status_code == 302, "to sign in"
    client.force_login(bob)
    assert client.post(path, {"known": "1", "drop": "1"}).status_code in (403, 404)
    assert state() == before


@pytest.mark.parametrize("path", [*ADMINS, *OWN])
def test_a_form_of_another_site_does_nothing(names, alice, path):
    before, client = state(), Client(enforce_csrf_checks=True)
    client.force_login(alice)
    assert client.post(path.format(**names), {"known": "1", "drop": "1"}).status_code == 403
    assert state() == before


def test_every_page_asks_who_is_there(names):
    known = {"service": "checkout", "environment": "production", "name": "checkout", "identifier": "checkout-production",
             "key": "frequency", "form": "csv", "pk": names["request"], "public_id": names["deployment"]}  # fmt: skip
    for each in urls.urlpatterns:
        if each.name == "feed":  # whoever has the address may see it
            continue
        path = reverse(f"deployments:{each.name}", kwargs={name: known[name] for name in each.pattern.converters})
        answer = Client().get(path)
        assert answer.status_code == 302 and answer["Location"].startswith("/sign-in"), path


def test_every_route_of_deployments_is_in_these_lists():
    listed = {path.partition("?")[0] for path in [*READS, *WRITES]}
    kinds = {"<int:pk>": "{request}", "<uuid:public_id>": "{deployment}", "dora/<str:key>": "dora/frequency",
             "features/<str:key>": "features/ABC-1"}  # fmt: skip
    for each in api_urls:
        route = str(each.pattern)
        if route.startswith("deployments"):
            for pattern, name in kinds.items():
                route = route.replace(pattern, name)
            assert route in listed, route
