"""What others wrote stands on a page as text, in a file as a value, and leads nowhere but to the web."""

import pytest

from catalog.models import Entity
from deployments.commands import deployment_report
from deployments.models import Deployment
from portal.accounts.feeds import feed_renew
from portal.accounts.models import Feed
from tests.conftest import SETUP
from tests.locks.test_pages_waiting import at

EVIL = "<script>alert(1)</script>'\"><img src=x onerror=alert(2)>{{ 7|add:7 }}\r\nBEGIN:VEVENT\r\nX: y\x1b[2J"
SHA, OLD = "b" * 40, "a" * 40
PAGES = [
    "", "configs", "card/checkout/in/production", "panel/checkout", "config-panel/checkout-production", "ingest", "ingest/{arrival}",
    "d/{public_id}", "commits?q=ABC-1", "commits?q={evil}", "features/ABC-1", "mine", "timeline", "timeline/service/checkout", "dora",
    "dora/frequency?tier=all", "dora/lead_time", "coverage", "compare?since=2020-01-01T00:00", "compare?from={old}&to={public_id}",
    "compare?environment=staging&against=production", "drift", "sources", "sources/service/checkout", "inbox", "hooks",
]  # fmt: skip


@pytest.fixture
def written(shop):
    """Wherever a report takes a text it holds what a page must not take for its own."""
    bad = dict.fromkeys(("version", "ref", "message", "author", "actor", "artifact"), EVIL)
    change = {"sha": SHA, "message": f"ABC-1 {EVIL}", "author": EVIL, "url": "javascript:alert(3)", "parents": [OLD]}
    instances = [{"name": EVIL, "region": EVIL, "version": EVIL, "status": "in_progress"}]
    ci = {"provider": "<b>", "run": EVIL, "url": "https://ci.example/'\"><script>alert(4)</script>"}
    first = {"service": "checkout", "environment": "production", "version": "=1+1", "commit": OLD}
    one = deployment_report(first, by=SETUP).deployment
    deployment_report(first | {"environment": "staging"}, by=SETUP)
    told = first | bad | {"commit": SHA, "previous_commit": OLD, "changes": [change], "instances": instances, "ci": ci}
    two = deployment_report(told | {"extra": {EVIL: EVIL}}, by=SETUP).deployment
    deployment_report({"service": EVIL, "environment": EVIL, "version": EVIL}, by=SETUP)
    Entity.objects.filter(blueprint__identifier="service").update(
        properties={"repository": "javascript:alert(5)//github"}
    )
    return {"old": str(one.public_id), "public_id": str(two.public_id)}


def test_it_is_text_on_every_page(written, alice):
    client = at(alice)
    arrivals = [
        each.split('"')[0]
        for each in client.get("/deployments/ingest").content.decode().split('href="/deployments/ingest/')[1:]
    ]
    assert arrivals
    names = written | {"arrival": arrivals[0], "evil": "%3Cscript%3Ealert(1)%3C%2Fscript%3E"}
    for path in PAGES:
        answer = client.get(f"/deployments/{path.format(**names)}")
        assert answer.status_code == 200, path
        page = answer.content.decode()
        assert "<script>alert" not in page and "<img src=x" not in page, path
        assert 'href="javascript:' not in page and "href=javascript:" not in page, path


def test_it_is_a_value_in_every_file(written, client, page, alice):
    client.force_login(alice)
    sheet = b"".join(client.get("/deployments/export.csv").streaming_content).decode()
    assert ",'=1+1," in sheet and ",=1+1," not in sheet
    secret = feed_renew(Feed.Kind.DEPLOYMENTS, by=page(alice))
    lines = client.get(f"/deployments/feed/{secret}/deployments.ics").content.decode().split("\r\n")
    assert lines.count("BEGIN:VEVENT") == Deployment.objects.filter(environment_identifier="production").count() == 2
    assert not [each for each in lines if each.startswith("X: y") or "\x1b" in each]
