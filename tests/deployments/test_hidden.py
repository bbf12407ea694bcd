"""A service or an environment that some may not see is named to them by no page, route, file or calendar of deployments."""

import pytest
from django.test import Client

from catalog import queries as catalog
from catalog.commands import permissions_update
from catalog.models import Entity
from deployments.commands import deployment_report
from deployments.models import Deployment
from locks import scopes
from locks.commands import lock_take, override_ask, ticket_join
from locks.runs import Run
from portal.accounts.commands import credential_create
from portal.accounts.feeds import feed_renew
from portal.accounts.models import Feed
from portal.actions.commands import action_create, run_create
from portal.kit.errors import Invalid
from tests.conftest import SETUP, V1, write
from tests.locks.test_pages_waiting import at

# Of the hidden ones everything says so.
SECRETS = ("hushhush", "vault", "clandestine")
PAGES = [
    "", "?q=vers", "?at=2026-01-01T00:00:00Z", "card/checkout/in/production", "panel/checkout", "commits?q=ABC-1", "commits?q=%237",
    "commits?q=Bob", "features/ABC-1", "mine", "ingest", "timeline?last=30d", "timeline?service=hushhus", "timeline?environment=vaul",
    "timeline/service/checkout", "timeline/environment/production", "dora?tier=all", "dora/frequency?tier=all",
    "dora/lead_time?tier=all&reason=first", "dora/change_failure?tier=all", "dora/restore?tier=all", "coverage", "compare", "drift",
    "compare?since=2026-01-01T00:00", "compare?environment=staging&against=production", "compare?from=&service=checkout", "sources",
    "dora/frequency/rows.csv?tier=all", "dora/lead_time/rows.json?tier=all&reason=first", "export.csv", "export.json", "export.jsonl",
]  # fmt: skip
ROUTES = [
    "deployments", "deployments/current", "deployments/coverage", "deployments/ingest", "deployments/sources", "deployments/drift",
    "deployments/dora?tier=all", "deployments/dora/frequency?tier=all", "deployments/dora/lead_time?tier=all&reason=first",
    "deployments/commits?q=ABC-1", "deployments/commits?q=Bob", "deployments/features/ABC-1", "deployments/current?service=hushhus",
    "deployments/dora?environment=vaul", "deployments/diff?since=2026-01-01T00:00:00Z",
    "deployments/diff?environment=staging&against=production", "gate?service=checkout&environment=production&explain=true",
]  # fmt: skip
# Where else it would stand.
ELSEWHERE = [
    "/banner", "/audit", "/locks/", "/locks/panel/checkout", "/catalog/deploymentConfig/entities", "/catalog/deployment/entities",
    "/locks/explained?service=checkout&environment=production&who=ci",
    "/v1/blueprints/deploymentConfig/entities", "/v1/blueprints/deployment/entities",
]  # fmt: skip
# What is asked for by its own name is not there.
GONE = [
    "/catalog/deploymentConfig/entities/hushhush-production", "/health/panel/config/checkout-vault",
    "/deployments/sources/config/hushhush-production", "/v1/blueprints/deploymentConfig/entities/checkout-vault",
    "/deployments/card/hushhush/in/production", "/deployments/card/checkout/in/vault", "/deployments/panel/hushhush",
    "/deployments/timeline/service/hushhush", "/deployments/timeline/environment/vault", "/deployments/sources/service/hushhush",
    "/deployments/compare?environment=vault&against=production", "/deployments/d/{0}", "/deployments/compare?from={0}&to={1}",
    "/v1/deployments?service=hushhush", "/v1/deployments/current?environment=vault", "/v1/deployments/dora?service=hushhush",
    "/v1/deployments/sources?service=hushhush", "/v1/deployments/diff?environment=vault&against=production",
    "/v1/deployments/{0}", "/v1/overrides/{2}", "/v1/tickets/{3}",
]  # fmt: skip


@pytest.fixture
def hidden(shop, bob):
    """Bob's team owns checkout, production and staging; hushhush and vault are nobody's."""
    write("service", "hushhush")
    write("environment", "vault", properties={"tier": "production"})
    places = [("checkout", "production"), ("checkout", "staging"), ("checkout", "vault"), ("hushhush", "production")]
    for number, (service, environment) in enumerate(places * 2, 1):
        mark = "clandestine" if (service, environment) in places[2:] else "plain"
        of = "clandestine" if service == "hushhush" else "plain"
        change = {"sha": f"{number:040x}", "message": f"ABC-1: {of} {number} (#7)", "author": "Bob"}
        body = {
            "service": service,
            "environment": environment,
            "version": f"{mark}-vers-{number}",
            "commit": change["sha"],
        }
        ci = {"provider": "github", "run": str(number), "url": f"https://ci.example/{mark}"}
        deployment_report(body | {"ci": ci, "actor": mark, "ref": mark, "changes": [change]}, by=SETUP)
    for body in ({"service": "hushhush", "ref": "clandestine"}, {"environment": "vault", "ref": "clandestine"}):
        with pytest.raises(Invalid):
            deployment_report(body, by=SETUP)
    lock_take(scopes.named("environment", environment="vault"), reason="clandestine", by=SETUP)
    place = catalog.place("hushhush", "production")
    held = lock_take(scopes.pair(place), reason="clandestine", by=SETUP)
    asked = override_ask(place, [held.public_id], commit="c", reason="clandestine", by=SETUP)
    Entity.objects.filter(identifier__in=["production", "staging"]).update(team=["payments"])
    for blueprint in ("service", "environment"):
        permissions_update(catalog.blueprint(blueprint), {"read": {"ownedByTeam": True, "roles": []}}, by=SETUP)
    waits = ticket_join(place, Run("gh:1:1"), by=SETUP).ticket
    return [str(each.public_id) for each in (*Deployment.objects.filter(service_identifier="hushhush"), asked, waits)]


@pytest.fixture
def bobs(bob):
    """(His browser, a program of his.)"""
    scopes = ["catalog:read", "gate", "report"]
    _, token = credential_create("Bob's", kind="ci", scopes=scopes, user=bob, by=SETUP)
    return at(bob), V1(token)


def got(bobs, path):
    browser, program = bobs
    client, headers = (program.client, program._headers({})) if path.startswith("/v1/") else (browser, {})
    answer = client.get(path, headers=headers)
    return answer, (b"".join(answer.streaming_content) if answer.streaming else answer.content).decode()


@pytest.mark.parametrize(
    "paths",
    [[f"/deployments/{each}" for each in PAGES], [f"/v1/{each}" for each in ROUTES], ELSEWHERE],
    ids=["pages", "routes", "elsewhere"],
)
def test_no_page_file_or_route_names_what_is_hidden(hidden, bobs, paths):
    for path in paths:
        _, text = got(bobs, path)
        text = text.replace(path.partition("=")[2], "")  # the question itself
        assert not [each for each in SECRETS if each in text.lower()], path


def test_who_sees_nothing_is_not_told_that_nothing_is_there(hidden, charlie):
    for path in ("", "configs", "ingest", "drift", "sources", "dora"):
        page = at(charlie).get(f"/deployments/{path}").content.decode()
        assert "Nothing that you may see" in page and "has been" not in page.partition('class="empty"')[2], path


def test_what_is_hidden_is_not_there_by_its_name_either(hidden, bobs):
    for path in GONE:
        answer, text = got(bobs, path.format(*hidden))
        assert answer.status_code in (403, 404), path
        assert "clandestine" not in text, path


def test_the_same_pages_name_it_to_who_may_see_it(hidden, alice):
    """So that the others look at pages on which it would stand."""
    client = at(alice)
    pages = ["", "commits?q=ABC-1", "features/ABC-1", "ingest", "timeline", "dora/frequency", "export.csv", "sources"]
    for path in [f"/deployments/{each}" for each in pages] + [each for each in ELSEWHERE if "/v1/" not in each]:
        _, text = got((client, None), path)
        assert "hushhush" in text or "vault" in text, path


def test_a_calendar_names_to_each_what_he_may_see(hidden, page, bob):
    secret = feed_renew(Feed.Kind.DEPLOYMENTS, by=page(bob))
    text = Client().get(f"/deployments/feed/{secret}/deployments.ics").content.decode()
    assert "plain-vers" in text and not [each for each in SECRETS if each in text.lower()]


def test_a_report_with_a_name_that_is_like_a_hidden_one_hears_nothing_of_that(hidden, bobs):
    _, program = bobs
    for body in ({"service": "hushhus"}, {"environment": "vaul"}):
        answer = program.post(
            "deployments", {"service": "checkout", "environment": "production", "version": "1"} | body
        )
        assert answer.status == 202 and answer.json["inbox"]["nearest"] == []
    _, text = got(bobs, "/deployments/ingest")
    assert "hushhush" not in text and "vault" not in text


def test_an_input_of_an_action_takes_no_hidden_one(hidden, page, bob):
    inputs = {"near": {"type": "string", "format": "entity", "blueprint": "service"}}
    trigger = {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": inputs}}
    calls = {"type": "WEBHOOK", "url": "https://example.org"}
    action = action_create({"identifier": "x", "trigger": trigger, "invocationMethod": calls}, by=SETUP)
    for name in ("hushhush", "nothing"):
        with pytest.raises(Invalid, match=f"there is no service called “{name}”"):
            run_create(action, {"near": name}, by=page(bob))
    assert run_create(action, {"near": "checkout"}, by=page(bob)).inputs == {"near": "checkout"}
