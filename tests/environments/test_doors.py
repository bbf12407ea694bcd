"""What comes from elsewhere: a forge's payload, another's eyes, hostile words, and a real worker that is killed."""

import os
import signal
import subprocess
import sys
import time

import pytest
from django.db import connection

from catalog import queries as catalog
from catalog.commands import permissions_update
from deployments.commands import hook_create, payload_keep
from deployments.environments import queries
from deployments.environments.commands import environment_request, environments_tick
from deployments.environments.models import Environment
from deployments.models import Hook
from portal.accounts.models import Team
from portal.api.bodies import json_of
from portal.audit.outbox import deliver_due
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid, Missing, Refused
from tests.conftest import SETUP, events
from tests.environments.conftest import fresh, make, worked

PR = "https://github.com/acme/shop/pull/7"


def sent(kind, headers, body):
    import hashlib
    import hmac
    import json

    hook = Hook.objects.filter(kind=kind).first() or hook_create(
        {"name": kind, "kind": kind}, secret="s" * 16, by=SETUP
    )
    raw = json.dumps(body).encode()
    proof = {"X-Hub-Signature-256": "sha256=" + hmac.new(b"s" * 16, raw, hashlib.sha256).hexdigest()}
    proof = proof if kind == "github" else {"X-Gitlab-Token": "s" * 16}
    payload_keep(hook, raw, json_of, headers | proof)
    deliver_due()


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind, headers, body",
    [
        (
            "github",
            {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "1"},
            {"action": "closed", "pull_request": {"html_url": PR}},
        ),
        (
            "gitlab",
            {"X-Gitlab-Event": "Merge Request Hook", "X-Gitlab-Event-UUID": "1"},
            {"object_kind": "merge_request", "object_attributes": {"action": "merge", "url": PR}},
        ),
    ],
)
def test_a_forge_tells_that_a_pull_request_has_closed(preview, kind, headers, body):
    environment = environment_request(preview, name="pr-7", pr_url=PR, by=SETUP)
    other = environment_request(preview, name="pr-8", pr_url=PR[:-1] + "8", by=SETUP)
    sent(kind, headers, body)
    environments_tick(database_now())
    assert (fresh(environment).state, fresh(environment).cause) == ("tearing_down", "pr_closed")
    assert fresh(other).state == "requested"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "body",
    [
        {"action": "opened", "pull_request": {"html_url": PR}},
        {"action": "closed", "pull_request": {"html_url": [PR]}},
        {"action": "closed", "pull_request": "x"},
        {"action": "closed"},
    ],
)
def test_other_payloads_close_nothing(preview, body):
    environment = environment_request(preview, name="pr-7", pr_url=PR, by=SETUP)
    sent("github", {"X-GitHub-Event": "pull_request", "X-GitHub-Delivery": "1"}, body)
    environments_tick(database_now())
    assert fresh(environment).state == "requested"


@pytest.mark.django_db
def test_who_may_not_see_the_entity_does_not_see_the_environment_but_his_own(preview, alice, bob, charlie, page):
    mine = environment_request(preview, name="mine", by=page(charlie))
    theirs = environment_request(preview, name="theirs", by=page(alice))
    assert queries.environments(page(charlie)).count() == 2
    permissions_update(catalog.blueprint("environment"), {"read": {"roles": ["Admin"], "ownedByTeam": False}}, by=SETUP)
    assert [each.name for each in queries.environments(page(charlie))] == ["mine"]
    with pytest.raises(Missing):
        queries.environment(page(charlie), theirs.public_id)
    with pytest.raises(Missing):
        queries.living_named(page(charlie), "theirs")
    assert queries.environment(page(charlie), mine.public_id) == mine
    assert queries.environments(page(alice)).count() == 2


@pytest.mark.django_db
def test_a_list_asks_as_often_for_one_as_for_ten(preview, bob, page, django_assert_num_queries):
    from django.test.utils import CaptureQueriesContext

    def asked():
        with CaptureQueriesContext(connection) as queries_made:
            [each.facts() | each.told() for each in queries.environments(page(bob), state="mine")]
        return len(queries_made)

    environment_request(preview, name="one", by=page(bob))
    first = asked()
    for number in range(9):
        environment_request(preview, name=f"more-{number}", by=page(bob))
    assert asked() == first


@pytest.mark.django_db
def test_a_program_tears_down_what_it_asked_for_and_nothing_else(preview, bob, page):
    from deployments.environments.commands import environment_extend, environment_teardown

    ci = By(Actor("credential", "credential:7", "CI", scopes=frozenset({"environment"})), "api")
    other = By(Actor("credential", "credential:8", "Other", scopes=frozenset({"environment"})), "api")
    bare = By(Actor("credential", "credential:9", "Bare", scopes=frozenset({"report"})), "api")
    environment = environment_request(preview, name="pr-7", owner=bob, by=ci)
    assert environment.owner == bob
    for by in (other, bare):
        with pytest.raises(Refused):
            environment_teardown(environment, by=by)
    with pytest.raises(Refused):
        environment_request(preview, name="pr-8", by=bare)
    assert fresh(environment).state == "requested" and Environment.objects.count() == 1
    environment_extend(environment, environment.template.greatest_ttl, by=page(bob))
    assert environment_teardown(environment, by=ci).state == "tearing_down"


@pytest.mark.django_db
@pytest.mark.parametrize(
    "wish, error",
    [
        ({"name": "a b/c?"}, Invalid),
        ({"name": "x" * 201}, Invalid),
        ({"name": "staging"}, Conflict),
        ({"name": "STAGING"}, Conflict),
        ({"name": "live"}, Conflict),
        ({"team": "nobody"}, Invalid),
        ({"team": "search"}, Refused),
        ({"inputs": {"size": "huge"}}, Invalid),
        ({"inputs": {"other": 1}}, Invalid),
        ({"inputs": []}, Invalid),
        ({"inputs": {"text": "x" * 20_000}}, Invalid),
        ({"pr_url": "javascript:alert(1)"}, Invalid),
        ({"reason": "x" * 2001}, Invalid),
    ],
)
def test_what_cannot_be_is_refused_and_leaves_nothing(shop, bob, page, wish, error):
    Team.objects.create(identifier="search", title="Search")
    size = {"type": "string", "enum": ["small", "large"]}
    template = make(inputs={"properties": {"size": size, "text": {"type": "string"}}, "required": []})
    before = events()
    with pytest.raises(error):
        environment_request(template, **wish, by=page(bob))
    assert not Environment.objects.exists() and events() == before


@pytest.mark.django_db
def test_only_the_teams_of_a_template_ask_for_it(bob, charlie, alice, page):
    closed = make(teams=["payments"], team_limits={"payments": {"most": 1}})
    with pytest.raises(Refused):
        environment_request(closed, by=page(charlie))
    assert environment_request(closed, by=page(bob)).team == "payments"
    with pytest.raises(Conflict):
        environment_request(closed, by=page(bob))
    assert environment_request(closed, by=page(alice)).owner == alice
    assert [each.identifier for each in queries.templates(page(charlie), usable=True)] == []
    assert [each.identifier for each in queries.templates(page(bob), usable=True)] == ["preview"]


@pytest.mark.django_db(transaction=True)
def test_a_celery_worker_that_is_killed_in_a_step_is_followed_by_another(outside, preview):
    """With the broker's own bell, and the queue that only these workers hear."""
    outside.faults(("provision", "folder", "act_and_hang"))
    environment = environment_request(preview, name="demo", by=SETUP)
    first = worker(outside)
    until(lambda: outside.calls())
    first.send_signal(signal.SIGKILL)
    first.wait()
    Environment.objects.update(lease_until=database_now())
    assert worked(environment).state == "ready"
    assert outside.has(environment) and events("environment.prov") == ["environment.provisioned"]


def worker(outside):
    from portal.audit.wake import wake

    names = connection.settings_dict
    url = f"postgresql://{names['USER']}@/{names['NAME']}?host={names['HOST'].replace('/', '%2F')}"
    env = os.environ | {"DATABASE_URL": url, "PORTCULLIS_DEMO_PROVIDER": outside.url}
    words = [sys.executable, "-m", "celery", "-A", "portal", "worker", "--pool", "solo", "-Q", "environments"]
    words += ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel", "ERROR"]
    started = subprocess.Popen(words, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wake("environments.work")
    return started


def until(happens):
    end = time.monotonic() + 40
    while not happens():
        assert time.monotonic() < end
        time.sleep(0.05)
