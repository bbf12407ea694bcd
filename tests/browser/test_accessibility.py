"""axe finds nothing serious, in both themes, with rows, locks and failures on the page."""

from datetime import timedelta

import pytest
from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import expect

from catalog import queries as catalog
from catalog.commands import blueprint_update
from catalog.webhooks.commands import webhook_create
from catalog.webhooks.models import Received
from deployments.commands import deployment_report
from deployments.environments.commands import environment_request, environment_teardown, template_create
from deployments.environments.models import Environment
from deployments.health.commands import probe_create, readings_take
from deployments.health.models import Probe
from deployments.health.results import Result
from deployments.models import Deployment
from locks import scopes
from locks.commands import (
    code_use,
    codes_issue,
    freeze_create,
    freeze_withdraw,
    gate_ask,
    lock_release,
    lock_take,
    override_ask,
    pending_deployment_take,
    sign_take,
    ticket_join,
)
from locks.models import Freeze, Lock, LockRule, ScopeKind
from locks.protection import Asked
from locks.runs import Run
from locks.wishes import parse
from portal.accounts.feeds import feed_renew
from portal.accounts.organization import secret_create
from portal.audit.models import Delivery, Event
from portal.kit.clock import database_now
from portal.notifications.models import Route
from tests.catalog.conftest import PAGER
from tests.conftest import SETUP, write
from tests.environments.conftest import WISHED
from tests.environments.test_pages import worked
from tests.locks.health import flip, rule
from tests.locks.test_freezes import ICS, WEEKEND, always

FREEZE = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f709"
ROUTE = "01990000-0000-7000-8000-000000000004"
PROBE = "01990000-0000-7000-8000-000000000004"
RULE, AUTOMATIC = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f710", "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f711"
RECEIVED = "01990000-0000-7000-8000-000000000003"
DEPLOYMENT = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f708"
STAY, GONE = "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f730", "019a2b3c-4d5e-7f80-91a2-b3c4d5e6f731"
PAGES = {
    "matrix": "/deployments/",
    "columns of the matrix": "/deployments/columns",
    "matrix with columns": "/deployments/?density=compact&column=language&column=url&line=logsUrl",
    "configs": "/deployments/configs",
    "health": "/health/",
    "probe": f"/health/{PROBE}",
    "new probe": "/health/new",
    "health of a service": "/health/panel/service/checkout",
    "home": "/",
    "audit": "/audit",
    "search": "/search?q=checkout",
    "new action": "/actions/!new?from=entity",
    "gate of a config": "/locks/config-panel/checkout-production",
    "panel": "/deployments/panel/checkout",
    "past": "/deployments/?at=2026-01-31T15:40",
    "no instant": "/deployments/?at=nonsense",
    "compare": "/deployments/compare",
    "choose two deployments": "/deployments/compare?between=deployments&service=checkout",
    "compare environments": "/deployments/compare?environment=&against=",
    "drift": "/deployments/drift",
    "deployment": f"/deployments/d/{DEPLOYMENT}",
    "history": "/deployments/config-panel/checkout-production",
    "inbox": "/deployments/inbox",
    "ingest": "/deployments/ingest",
    "hooks": "/deployments/hooks",
    "coverage": "/deployments/coverage",
    "log sources": "/deployments/sources?kind=traces",
    "sources of a service": "/deployments/sources/service/checkout",
    "sources of a config": "/deployments/sources/config/checkout-production?span=deploy",
    "timeline": "/deployments/timeline",
    "dora": "/deployments/dora",
    "dora rows": "/deployments/dora/change_failure",
    "dora commits": "/deployments/dora/lead_time?reason=first",
    "no commits": "/deployments/commits",
    "commits": "/deployments/commits?q=PAY-7",
    "unknown commits": "/deployments/commits?q=nobody",
    "feature": "/deployments/features/PAY-7",
    "no feature": "/deployments/features/PAY-8",
    "mine": "/deployments/mine",
    "badges": "/deployments/badges/checkout",
    "environments": "/environments/",
    "environment": f"/environments/{STAY}",
    "end of an environment": f"/environments/{STAY}/teardown",
    "tombstone": f"/environments/{GONE}",
    "ask for an environment": "/environments/new",
    "ask for one of a template": "/environments/new/preview",
    "templates of environments": "/environments/templates",
    "template": "/environments/templates/edit/preview",
    "orphans and brake": "/environments/sweeps",
    "locks": "/locks/",
    "waiting": "/locks/waiting",
    "overrides": "/locks/overrides",
    "override": "/locks/overrides/new?service=checkout&environment=production",
    "codes": "/locks/codes",
    "issue codes": "/locks/codes/new",
    "explained": "/locks/explained?service=checkout&environment=production&who=ci",
    "freezes": "/locks/freezes",
    "withdrawn freezes": "/locks/freezes?state=withdrawn",
    "new freeze": "/locks/freezes/new",
    "freeze": f"/locks/freezes/{FREEZE}",
    "rules": "/locks/rules",
    "rule": f"/locks/rules/{RULE}",
    "new rule": "/locks/rules/new",
    "edit rule": f"/locks/rules/{RULE}/edit",
    "automatic lock": f"/locks/{AUTOMATIC}",
    "edit freeze": f"/locks/freezes/{FREEZE}/edit",
    "webhooks": "/webhooks/",
    "webhook": "/webhooks/pager",
    "edit a webhook": "/webhooks/pager/edit",
    "try a payload": "/webhooks/pager/try",
    "a payload": f"/webhooks/pager/received/{RECEIVED}",
    "notifications": "/notifications/",
    "new route": "/notifications/new",
    "route": f"/notifications/routes/{ROUTE}",
    "log of notifications": "/notifications/log",
    "secrets": "/secrets",
    "a secret": "/secrets/token",
    "changes of a blueprint": "/catalog/!changelog/of/service",
    "api": "/docs/api",
    "operation": "/docs/api/entity_create",
}


def brought():
    """Of two services: plain commits, one that is taken back, and one that was picked."""
    fix = {"sha": "b" * 40, "message": "PAY-7: Fix (#12)", "author": "Alice", "parents": ["a" * 40]}
    back = {"sha": "c" * 40, "message": f"This reverts commit {'b' * 40}.", "author": "Erin", "parents": ["b" * 40]}
    pick = {"sha": "d" * 40, "message": f"PAY-7: Fix\n\n(cherry picked from commit {'b' * 40})", "parents": ["a" * 40]}
    return {"checkout": [back, fix], "search": [fix, pick]}


def stays(by):
    """An environment with an end, and one that is gone."""
    inputs = {"properties": {"branch": {"type": "string"}, "big": {"type": "boolean"}}, "required": ["branch"]}
    template = template_create(WISHED | {"inputs": inputs, "cost_per_hour": "1"}, by=SETUP)
    template_create(WISHED | {"identifier": "rig", "title": "Rig"}, by=SETUP)
    for number, key in enumerate((GONE, STAY)):
        ttl = timedelta(hours=1)
        made = environment_request(
            template, name=f"pr-{number}", ttl=ttl, reason="A try", inputs={"branch": "x"}, by=by
        )
        worked(output="made it\nand more")
        if key == GONE:
            environment_teardown(made, reason="merged", by=by)
            worked()
        Environment.objects.filter(pk=made.pk).update(public_id=key)


def probed():
    """Failing, with the values that made it so."""
    spec = {"url": "https://checkout.example/health", "conditions": [{"path": "$.db", "equals": "ok"}]}
    wished = {"service": "checkout", "environment": "production", "name": "front door", "spec": spec}
    probe, _ = probe_create(wished | {"failure_threshold": 1, "recovery_threshold": 1}, by=SETUP)
    Probe.objects.filter(pk=probe.pk).update(public_id=PROBE)
    results = [("ok", {}), ("failed", {"reason": "$.db is “lost”.", "values": {"$.db": "lost"}})]
    now = database_now()
    for outcome, more in results:
        readings_take([Result(probe.pk, database_now(), outcome, ms=12, **more)], now=now)


@pytest.fixture
def busy_shop(transactional_db, shop, page, alice):
    for version, environment, status in (("1.0", "production", "success"), ("1.1", "production", "failure"), ("1.1", "staging", "in_progress")):  # fmt: skip
        body = {"service": "checkout", "environment": environment, "version": version, "status": status}
        deployment_report(body | {"commit": "4f2a9c1d", "actor": "Dana", "author": "Erin", "message": "Fix"}, by=SETUP)
    for service, changes in brought().items():
        for place, head in zip(("staging", "production"), changes, strict=False):
            body = {"service": service, "environment": place, "version": head["sha"][:4], "commit": head["sha"]}
            deployment_report(body | {"changes": changes, "actor": "Charlie"}, by=SETUP)
    for number, (version, environment) in enumerate((("1.0", "production"), ("1.1", "staging"), ("0.9", "production"))):
        changes = [{"sha": f"{number}{'f' * 39}", "message": "PAY-1: Fix (#12)", "author": "Erin"}]
        body = {"service": "search", "environment": environment, "version": version, "commit": changes[0]["sha"]}
        outcome = deployment_report(body | {"changes": changes, "extra": {"region": "eu"}}, by=SETUP)
    Deployment.objects.filter(pk=outcome.deployment.pk).update(public_id=DEPLOYMENT)
    deployment_report({"service": "chekout", "environment": "production", "version": "1.0"}, by=SETUP)
    lock_take(scopes.pair(shop.checkout_production), reason="Debugging", by=page(alice))
    lock_take(scopes.Scope(ScopeKind.EVERYTHING), reason="Moving house", by=page(alice))
    gate_ask(shop.checkout_production, by=page(alice))
    lock = lock_take(scopes.pair(shop.search_production), reason="Index", by=page(alice))
    override_ask(shop.search_production, [lock.public_id], commit="4f2a9c1d", reason="The fix", by=page(alice))
    [(_, code)] = codes_issue(catalog.environment_named("production"), by=SETUP)
    for number in range(2):
        run = Run(f"gh:{number}:1", f"https://ci.example/{number}")
        code_use(code, shop.search_production, run, reason="The portal was away", used_at=database_now(), by=SETUP)
    write(
        "service",
        "checkout",
        mode="patch",
        properties={"repository": "https://github.com/larder/checkout", "logGroup": "/aws/x[$y]"},
    )
    write("environment", "production", mode="patch", properties={"awsRegion": "eu-west-1"})
    for number, name in enumerate(("checkout", "nothing")):
        where = (f"larder/{name}", f"https://github.com/larder/{name}")
        pending_deployment_take(Asked(f"d{number}", 99, *where, 4711, "production", "4f2a9c1d", "main", "dana"))
    for number in range(2):
        run = Run(f"gh:{number}:1", f"https://ci.example/{number}")
        ticket_join(shop.checkout_production, run, lease=timedelta(seconds=600), by=page(alice))
    for effect in ("block", "block_automation", "warn"):
        wish = always(effect=effect, timezone="Asia/Tokyo", exceptions=["2026-12-25"], allows=["rollback"])
        freeze_create(scopes.Scope(ScopeKind.EVERYTHING), wish, by=page(alice))
    LockRule.objects.filter(pk=rule().pk).update(public_id=RULE)
    sign_take(flip(shop.checkout_production, "down", database_now(), values={"status": 500}))
    Lock.objects.filter(automatic_by="Canary").update(public_id=AUTOMATIC)
    frozen = freeze_create(scopes.pair(shop.checkout_production), parse(WEEKEND | {"ics": ICS}), by=page(alice))
    Freeze.objects.filter(pk=frozen.pk).update(public_id=FREEZE)
    freeze_withdraw(freeze_create(scopes.pair(shop.search_production), always(), by=page(alice)), by=page(alice))
    feed_renew(by=page(alice))
    probed()
    Route.objects.filter(name="Locks").update(public_id=ROUTE)
    told = Event.objects.filter(noun="lock").first()
    for state in ("pending", "done", "parked"):
        Delivery.objects.create(event=told, subscriber="email", target=f"{state}@example.org", stream="x", state=state)
    stays(page(alice))
    webhook = webhook_create(PAGER, by=SETUP)
    refused = {"status": "refused", "errors": [{"path": "mappings.0", "message": "no"}], "error": "no"}
    outcome = {"mapping": 0, "item": 0, "blueprint": "service", "identifier": "a", "problems": ["title: no"]} | refused
    came = {
        "outcomes": [outcome],
        "counts": {"refused": 1},
        "request_id": "7",
        "repeats": 1,
        "repeated_at": database_now(),
    }
    Received.objects.create(webhook=webhook, public_id=RECEIVED, state="failed", body={"a": 1}, **came)
    secret_create("token", "hunter2", by=SETUP)
    watched = {"changelogDestination": {"type": "WEBHOOK", "url": "https://changes.example/"}}
    blueprint_update(catalog.blueprint("service"), watched, partial=True, by=SETUP)


# The themes differ in colours alone: what is not of colour is looked at in one of them.
OF_COLOUR = {"type": "rule", "values": ["color-contrast", "link-in-text-block"]}
# To read the style sheets anew takes a third of axe's time; one rule alone wants them, and they are the same everywhere.
OF_SHEETS = {"runOnly": {"type": "rule", "values": ["css-orientation-lock"]}, "preload": True}
RUN = "options => axe.run(document, {resultTypes: ['violations'], preload: false, ...options}).then(found => found.violations)"


def serious(page):
    """In both themes, on one load of the page and of axe."""
    page.evaluate(AXE_SCRIPT)
    found = page.evaluate(RUN, {})
    page.emulate_media(color_scheme="dark")
    page.evaluate("document.getAnimations().forEach(each => each instanceof CSSTransition && each.finish())")
    found += page.evaluate(RUN, {"runOnly": OF_COLOUR})
    page.emulate_media(color_scheme="light")
    return [
        f"{each['id']}: {node['html'][:200]}"
        for each in found
        if each["impact"] in {"serious", "critical"}
        for node in each["nodes"]
    ]


@pytest.mark.timeout(300)
def test_axe_finds_nothing_serious(tab, alice, busy_shop):
    page = tab("/", as_=alice)
    for url in PAGES.values():
        page.goto(url)
        assert serious(page) == [], url
    lock = Lock.objects.get(scope_kind="pair", service__identifier="checkout", automatic_by="")
    page.goto(lock.get_absolute_url())
    assert serious(page) == [], "a lock"
    lock_release(lock, by=SETUP)
    expect(page.locator("#blocked-runs li")).to_have_count(1)
    assert serious(page) == [], "a lock that has ended and the runs to run again"
    page.goto("/deployments/coverage")
    page.locator("summary").first.click()
    assert serious(page) == [], "an open patch"
    page.goto("/audit")
    page.locator("summary").first.click()
    assert serious(page) == [], "an open diff"


def test_axe_finds_nothing_serious_at_the_sign_in_or_the_first_steps(tab, alice, transactional_db):
    assert serious(tab("/sign-in")) == []
    page = tab("/", as_=alice)
    assert serious(page) == []
    assert page.evaluate(RUN, OF_SHEETS) == []


def test_axe_sees_what_is_wrong_in_one_theme_alone(tab, alice, transactional_db):
    page = tab("/", as_=alice)
    page.evaluate("""() => {
        const sheet = new CSSStyleSheet();
        sheet.replaceSync("@media (prefers-color-scheme: dark) { h1 { color: #222 !important; } }");
        document.adoptedStyleSheets = [sheet];
    }""")
    assert [each.partition(":")[0] for each in serious(page)] == ["color-contrast"]


def test_a_phone_need_not_scroll_sideways(tab, alice, busy_shop):
    page = tab("/", as_=alice, width=390)
    for url in PAGES.values():
        page.goto(url)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), url
