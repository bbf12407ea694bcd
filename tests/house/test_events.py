"""Every command records exactly one event for each noun that it changes, and none when it changes nothing."""

import inspect
from datetime import timedelta
from importlib import import_module

import pytest
from django.utils.module_loading import import_string

from catalog import queries as catalog
from catalog.importers.things import Thing
from catalog.wishes import Wish
from deployments.environments.models import Environment, Sweep
from locks import rules, scopes
from locks.runs import Run
from portal.accounts.models import Credential
from portal.accounts.queries import actor_of_user
from portal.audit.models import Delivery, Event
from portal.kit.by import Actor, By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid
from portal.kit.outgoing import Answer
from tests.conftest import SETUP

MODULES = [
    "catalog.commands",
    "catalog.importers.commands",
    "catalog.integrations.commands",
    "catalog.scorecards.commands",
    "catalog.starters.commands",
    "catalog.webhooks.commands",
    "deployments.commands",
    "deployments.health.commands",
    "deployments.environments.commands",
    "locks.commands",
    "portal.accounts.commands",
    "portal.accounts.feeds",
    "portal.accounts.organization",
    "portal.actions.commands",
    "portal.github.imports",
    "portal.github.reruns",
    "portal.notifications.commands",
    "portal.sidebars.commands",
    "portal.slackbot.waiting",
    "portal.audit.outbox",
]
REPORT = {"service": "checkout", "environment": "production", "version": "1.0", "ci": {"run": "1"}}
ACTION = {
    "identifier": "restart",
    "trigger": {"type": "self-service", "operation": "CREATE", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.org"},
}
PAGE = {"identifier": "board", "type": "dashboard", "widgets": [{"id": "w", "type": "markdown"}]}
HOOK = {"name": "Forge", "kind": "github"}
PROBE = {"kind": "heartbeat", "name": "nightly", "service": "checkout", "environment": "production"}
RUN = Run("gh:1:1")
PLACE = {"repository": "larder/checkout"}
NO = Answer(404, b"", 0.1)
A_PERSON = By(Actor("user", "user:2", "Sam", is_admin=True), "page")
BLUEPRINT = {"identifier": "box", "title": "Box", "schema": {"properties": {}}}
SOURCE = {"name": "Kibana", "kind": "application", "template": "https://kibana.example/"}
CANARY = {"name": "Canary", "on": ["verdict"]}
ROUTE = {"name": "All of it", "events": ["route.tested"], "to": "channel", "address": "deployments"}
READY = {"identifier": "ready", "title": "Ready", "rules": []}

STEPS = [{"name": "all"}]
PREVIEW = {
    "identifier": "preview",
    "title": "Preview",
    "provider": "demo",
    "spec": {"provision": STEPS, "sleep": STEPS, "wake": STEPS, "teardown": STEPS, "verify": STEPS[0]},
}
LIVING = ["environment_template.created", "entity.created", "environment.requested"]

# command: (how to call it, the events it must record), in the shop of tests/conftest.py
CASES = {
    "changes_fill": (
        lambda do, shop: do(deployed(), [{"sha": "a" * 40, "parents": []}], previous="b" * 40, boundary=[], by=SETUP),
        ["entity.created", "deployment.reported", "deployment_config.changed", "deployment.filled"],
    ),
    "blueprint_create": (lambda do, shop: do(BLUEPRINT, by=SETUP), ["blueprint.created"]),
    "blueprint_update": (
        lambda do, shop: do(box(), BLUEPRINT | {"title": "Crate"}, by=SETUP),
        ["blueprint.created", "blueprint.updated"],
    ),
    "blueprint_delete": (lambda do, shop: do(box(), by=SETUP), ["blueprint.created", "blueprint.deleted"]),
    "blueprint_rename": (
        lambda do, shop: do(sized(), "property", "size", "width", path="x", by=SETUP),
        ["blueprint.created", "blueprint.updated"],
    ),
    "blueprint_try": (
        lambda do, shop: do(sized(), BLUEPRINT | {"title": "Tried"}, by=SETUP),
        ["blueprint.created"],  # by sized(); a trial is taken back
    ),
    "blueprints_import": (
        lambda do, shop: do([BLUEPRINT, BLUEPRINT | {"identifier": "crate"}], by=SETUP),
        ["blueprint.created", "blueprint.created"],
    ),
    "blueprints_delete": (
        lambda do, shop: do([box().identifier], by=SETUP),
        ["blueprint.created", "blueprint.deleted"],
    ),
    "things_import": (
        lambda do, shop: do(
            [Thing("service", "a", "a file"), Thing("service", "search", "a file")], source="x", by=SETUP
        ),
        ["entity.created"],
    ),
    "import_start": (lambda do, shop: do("larder", token="t", by=SETUP), ["github_import.started"]),
    "import_cancel": (lambda do, shop: do(reading(), by=SETUP), ["github_import.started", "github_import.cancelled"]),
    "starter_import": (
        lambda do, shop: do("github", by=SETUP),
        [
            "blueprint.updated",
            "blueprint.updated",
            "scorecard.created",
            "view.created",
            "view.created",
            "starter.imported",
        ],
    ),
    "starter_remove": (lambda do, shop: do(started(), by=SETUP), ["view.created", "view.deleted", "starter.removed"]),
    "migration_start": (
        lambda do, shop: do(catalog.blueprint("service"), {"entity": {"title": ".identifier"}}, by=SETUP),
        ["migration.started"],
    ),
    "migration_cancel": (lambda do, shop: do(migrating(), by=SETUP), ["migration.started", "migration.cancelled"]),
    "entity_write": (lambda do, shop: do(Wish("service", "a", "create"), by=SETUP), ["entity.created"]),
    "entity_store": (lambda do, shop: do(Wish("service", "a", "create"), by=SETUP), ["entity.created"]),
    "entity_delete": (lambda do, shop: do(catalog.service_named("search"), by=SETUP), ["entity.deleted"]),
    "entities_delete": (lambda do, shop: do("service", ["search", "gone"], by=SETUP), ["entity.deleted"]),
    "entity_copy": (lambda do, shop: do("service", ("a", "b"), "A", {}, {}, by=SETUP), []),
    "entities_write": (
        lambda do, shop: do([Wish("service", "a", "create"), Wish("nothing", "b", "create")], by=SETUP),
        ["entity.created"],
    ),
    "entities_delete_all": (
        lambda do, shop: do(catalog.blueprint("service"), by=SETUP),
        ["migration.started", "entity.deleted", "entity.deleted", "migration.ended"],
    ),
    "entities_edit": (
        lambda do, shop: do([Wish("service", "search", "patch", title="S", given=frozenset({"title"}))], by=SETUP),
        ["entity.updated"],
    ),
    "entities_remove": (lambda do, shop: do("service", {"search": ""}, by=SETUP), ["entity.deleted"]),
    "changes_undo": (lambda do, shop: do(deletion(), by=SETUP), ["entity.deleted", "entity.created"]),
    "permissions_update": (
        lambda do, shop: do(catalog.blueprint("service"), {"register": {"ownedByTeam": False}}, by=SETUP),
        ["permissions.updated"],
    ),
    "view_save": (
        lambda do, shop: do(catalog.blueprint("service"), "Go", "q=go", shared=True, by=SETUP),
        ["view.created"],
    ),
    "index_add": (lambda do, shop: do(catalog.blueprint("service"), "tier", by=SETUP), ["index.added"]),
    "index_remove": (lambda do, shop: do(indexed(), by=SETUP), ["index.added", "index.removed"]),
    "view_delete": (lambda do, shop: do(kept_view(), by=SETUP), ["view.created", "view.deleted"]),
    "webhook_create": (lambda do, shop: do({"title": "Pager"}, by=SETUP), ["webhook.created"]),
    "webhook_update": (
        lambda do, shop: do(pager(), {"title": "Other"}, by=SETUP),
        ["webhook.created", "webhook.updated"],
    ),
    "webhook_rekey": (lambda do, shop: do(pager(), by=SETUP), ["webhook.created", "webhook.rekeyed"]),
    "webhook_delete": (lambda do, shop: do(pager(), by=SETUP), ["webhook.created", "webhook.deleted"]),
    "received_replay": (lambda do, shop: do(came(), by=SETUP), ["webhook.created", "webhook.received"]),
    "failed_replay": (lambda do, shop: do(came().webhook, by=SETUP), ["webhook.created", "webhook.received"]),
    "payload_try": (lambda do, shop: do(pager(), {}, {}, {}, raw=None, by=SETUP), ["webhook.created"]),
    "changelog_test": (
        lambda do, shop: do(watched(), by=SETUP),
        ["blueprint.created", "changelog.tested"],
    ),
    "changelog_retry": (
        lambda do, shop: do(given_up(), by=SETUP),
        ["blueprint.created", "changelog.retried"],
    ),
    "scorecard_create": (lambda do, shop: do(catalog.blueprint("service"), READY, by=SETUP), ["scorecard.created"]),
    "scorecard_update": (
        lambda do, shop: do(ready(), READY | {"title": "Set"}, by=SETUP),
        ["scorecard.created", "scorecard.updated"],
    ),
    "scorecard_delete": (lambda do, shop: do(ready(), by=SETUP), ["scorecard.created", "scorecard.deleted"]),
    "scorecards_replace": (
        lambda do, shop: do(ready().blueprint, [READY | {"identifier": "other"}], by=SETUP),
        ["scorecard.created", "scorecard.created", "scorecard.deleted"],
    ),
    "integration_create": (lambda do, shop: do({"installationId": "k8s"}, by=SETUP), ["integration.created"]),
    "integration_update": (
        lambda do, shop: do(exporter(), {"title": "Cluster"}, by=SETUP),
        ["integration.created", "integration.updated"],
    ),
    "integration_delete": (
        lambda do, shop: do(exporter(), by=SETUP),
        ["integration.created", "integration.deleted"],
    ),
    "resync_tell": (
        lambda do, shop: do(exporter(), {"status": "running"}, by=SETUP),
        ["integration.created", "integration.resync_started"],
    ),
    "resync_ask": (lambda do, shop: do(exporter(), by=SETUP), ["integration.created", "integration.resync_asked"]),
    "examples_take": (lambda do, shop: do(exporter(), "pod", [{}], by=SETUP), ["integration.created"]),
    "metrics_take": (
        lambda do, shop: do(exporter(), [{"eventId": "1", "kindIdentifier": "pod"}], by=SETUP),
        ["integration.created"],
    ),
    "cursor_keep": (
        lambda do, shop: do(exporter(), "pod", "0", "2026-02-03T15:40:00Z", by=SETUP),
        ["integration.created"],
    ),
    "heartbeat_take": (lambda do, shop: do(exporter(), by=SETUP), ["integration.created"]),
    "poll": (lambda do, shop: do(exporter(), by=SETUP), ["integration.created"]),
    "word_take": (lambda do, shop: do(exporter(), "hello", "1", {}, by=SETUP), ["integration.created"]),
    "outcomes_note": (
        lambda do, shop: do("service", [({}, Invalid("no"))], by=ocean(exporter())),
        ["integration.created"],
    ),
    "entity_withdraw": (
        lambda do, shop: do(catalog.service_named("search"), by=ocean(exporter())),
        ["integration.created", "entity.deleted"],
    ),
    "entities_withdraw": (
        lambda do, shop: pytest.raises(Conflict, do, "service", ["search", "checkout"], by=ocean(exporter())),
        ["integration.created", "integration.deletion_held"],
    ),
    "all_withdraw": (
        lambda do, shop: pytest.raises(Conflict, do, catalog.blueprint("service"), by=ocean(exporter())),
        ["integration.created", "integration.deletion_held"],
    ),
    "removal_approve": (
        lambda do, shop: do(removal("held"), by=A_PERSON),
        ["integration.created", "integration.deletion_approved"],
    ),
    "removal_refuse": (
        lambda do, shop: do(removal("held"), by=A_PERSON),
        ["integration.created", "integration.deletion_refused"],
    ),
    "removal_undo": (
        lambda do, shop: do(removal("going"), by=A_PERSON),
        ["integration.created", "integration.deletion_undone"],
    ),
    "log_take": (lambda do, shop: do(exporter(), [{"message": "hello"}], by=SETUP), ["integration.created"]),
    "deployment_report": (
        lambda do, shop: do(REPORT, by=SETUP),
        ["entity.created", "deployment.reported", "deployment_config.changed"],
    ),
    "deployment_store": (
        lambda do, shop: do(parsed(), shop.checkout_production, now=database_now(), by=SETUP),
        ["entity.created", "deployment.reported", "deployment_config.changed"],
    ),
    "config_of": (lambda do, shop: do(shop.checkout_production, by=SETUP), ["entity.created"]),
    "inbox_place": (
        lambda do, shop: do(kept(), service="search", environment="staging", by=SETUP),
        ["inbox.kept", "entity.created", "deployment.reported", "deployment_config.changed", "inbox.placed"],
    ),
    "log_source_create": (lambda do, shop: do(SOURCE, by=SETUP), ["log_source.created"]),
    "log_source_update": (
        lambda do, shop: do(source(), {"is_on": False}, by=SETUP),
        ["log_source.created", "log_source.updated"],
    ),
    "log_source_delete": (lambda do, shop: do(source(), by=SETUP), ["log_source.created", "log_source.deleted"]),
    "deployments_report": (
        lambda do, shop: do([REPORT, {}, REPORT | {"service": "chekout"}], by=SETUP),
        ["entity.created", "deployment.reported", "deployment_config.changed", "inbox.kept"],
    ),
    "inbox_map": (
        lambda do, shop: do("service", kept().service, "search", by=SETUP),
        ["inbox.kept", "entity.created", "deployment.reported", "deployment_config.changed", "inbox.placed"],
    ),
    "inbox_place_known": (lambda do, shop: do(by=SETUP) if kept() else None, ["inbox.kept"]),
    "route_create": (lambda do, shop: do(ROUTE, by=SETUP), ["route.created"]),
    "route_update": (
        lambda do, shop: do(route(), ROUTE | {"enabled": False}, by=SETUP),
        ["route.created", "route.updated"],
    ),
    "route_change": (lambda do, shop: do(route(), {"dry": True}, by=SETUP), ["route.created", "route.updated"]),
    "route_test": (
        lambda do, shop: pytest.raises(Conflict, do, route(), by=SETUP),  # Slack is not connected
        ["route.created"],
    ),
    "route_delete": (lambda do, shop: do(route(), by=SETUP), ["route.created", "route.deleted"]),
    "hook_create": (lambda do, shop: do(HOOK, secret="s" * 16, by=SETUP), ["hook.created"]),
    "hook_update": (
        lambda do, shop: do(hook(), {"enabled": False}, by=SETUP),
        ["hook.created", "hook.updated"],
    ),
    "hook_delete": (lambda do, shop: do(hook(), by=SETUP), ["hook.created", "hook.deleted"]),
    "report_replay": (
        lambda do, shop: do(arrived(), by=SETUP),
        ["inbox.kept", "report_request.replayed"],
    ),
    "report_refuse": (lambda do, shop: do({}, Invalid("no"), by=SETUP), []),
    "inbox_drop": (lambda do, shop: do(kept(), by=SETUP), ["inbox.kept", "inbox.dropped"]),
    "lock_take": (lambda do, shop: do(scopes.pair(shop.checkout_production), reason="why", by=SETUP), ["lock.taken"]),
    "lock_release": (lambda do, shop: do(held(shop), by=SETUP), ["lock.taken", "lock.released"]),
    "lock_extend": (
        lambda do, shop: do(held(shop), database_now() + timedelta(hours=9), by=SETUP),
        ["lock.taken", "lock.extended"],
    ),
    "environment_recreate": (
        lambda do, shop: do(living(state="torn_down", torn_down_at=database_now()), by=SETUP),
        [*LIVING, "environment.requested"],
    ),
    "environment_extend": (
        lambda do, shop: do(living(), timedelta(days=1), by=SETUP),
        [*LIVING, "environment.extended"],
    ),
    "environment_pin": (
        lambda do, shop: do(living(), database_now() + timedelta(days=1), reason="why", by=SETUP),
        [*LIVING, "environment.pinned"],
    ),
    "environment_unpin": (
        lambda do, shop: do(living(pinned_until=database_now()), by=SETUP),
        [*LIVING, "environment.unpinned"],
    ),
    "environment_sleep": (lambda do, shop: do(living(state="ready"), by=SETUP), [*LIVING, "environment.sleep_asked"]),
    "environment_wake": (lambda do, shop: do(living(state="asleep"), by=SETUP), [*LIVING, "environment.wake_asked"]),
    "environment_retry": (
        lambda do, shop: do(living(state="provision_failed"), by=SETUP),
        [*LIVING, "environment.provision_retried"],
    ),
    "environment_teardown": (lambda do, shop: do(living(), by=SETUP), [*LIVING, "environment.teardown_started"]),
    "orphan_keep": (
        lambda do, shop: do(living(state="orphan_suspected", resting="ready"), by=SETUP),
        [*LIVING, "environment.acquitted"],
    ),
    "pull_request_closed": (
        lambda do, shop: do(living(pr_url="https://forge.example/1").pr_url, by=SETUP),
        [*LIVING, "environment.expired"],
    ),
    "environment_hand_over": (
        lambda do, shop: do(living(), dan(), by=SETUP),
        [*LIVING, "user.created", "environment.handed_over"],
    ),
    "template_create": (lambda do, shop: do(PREVIEW, by=SETUP), ["environment_template.created"]),
    "template_update": (
        lambda do, shop: do(preview(), {"title": "Demo"}, by=SETUP),
        ["environment_template.created", "environment_template.updated"],
    ),
    "template_delete": (
        lambda do, shop: do(preview(), by=SETUP),
        ["environment_template.created", "environment_template.deleted"],
    ),
    "environment_request": (
        lambda do, shop: do(preview(), name="demo", by=SETUP),
        ["environment_template.created", "entity.created", "environment.requested"],
    ),
    "sweep_release": (lambda do, shop: do(Sweep.objects.create(reason="many"), by=A_PERSON), ["sweep.released"]),
    "lock_rule_create": (lambda do, shop: do(rules.parse(CANARY), by=SETUP), ["lock_rule.created"]),
    "lock_rule_update": (
        lambda do, shop: do(canary(), rules.parse(CANARY | {"enabled": False}), by=SETUP),
        ["lock_rule.created", "lock_rule.updated"],
    ),
    "lock_rule_delete": (lambda do, shop: do(canary(), by=SETUP), ["lock_rule.created", "lock_rule.deleted"]),
    "freeze_create": (lambda do, shop: do(scopes.named("everything"), christmas(), by=SETUP), ["freeze.created"]),
    "freeze_change": (
        lambda do, shop: do(frozen(), christmas(duration="2d"), by=SETUP),
        ["freeze.created", "freeze.changed"],
    ),
    "freeze_withdraw": (lambda do, shop: do(frozen(), by=SETUP), ["freeze.created", "freeze.withdrawn"]),
    "claim_begin": (lambda do, shop: do(shop.checkout_production, RUN, by=SETUP), ["claim.begun"]),
    "claim_heartbeat": (lambda do, shop: do(begun(shop), begun(shop).fence, by=SETUP), ["claim.begun"]),
    "claim_finish": (
        lambda do, shop: do(begun(shop), begun(shop).fence, "success", by=SETUP),
        ["claim.begun", "claim.finished"],
    ),
    "claim_revoke": (lambda do, shop: do(begun(shop), by=SETUP), ["claim.begun", "claim.revoked"]),
    "ticket_join": (
        lambda do, shop: do(shop.search_production, RUN, by=SETUP),
        ["ticket.joined", "ticket.ready"],
    ),
    "ticket_withdraw": (
        lambda do, shop: do(queued(shop), by=SETUP),
        ["ticket.joined", "ticket.ready", "ticket.withdrawn"],
    ),
    "watch_start": (
        lambda do, shop: do(held(shop), slack_id="U1", by=somebody()),
        ["lock.taken", "user.created", "ticket.joined", "wait.begun"],
    ),
    "watch_end": (
        lambda do, shop: with_by(do, waited_for(shop)),
        ["lock.taken", "user.created", "ticket.joined", "wait.begun", "ticket.withdrawn", "wait.ended"],
    ),
    "turn_used": (
        lambda do, shop: with_by(do, taken_in_turn(shop)),
        "lock.taken user.created ticket.joined wait.begun lock.released lock.taken ticket.withdrawn wait.ended".split(),
    ),
    "override_ask": (
        lambda do, shop: do(shop.checkout_production, [held(shop).public_id], commit="c", reason="fire", by=SETUP),
        ["lock.taken", "override.asked"],
    ),
    "override_approve": (
        lambda do, shop: do(override(shop), by=A_PERSON),
        ["lock.taken", "override.asked", "override.approved"],
    ),
    "override_withdraw": (
        lambda do, shop: do(override(shop), by=SETUP),
        ["lock.taken", "override.asked", "override.withdrawn"],
    ),
    "codes_issue": (
        lambda do, shop: do(catalog.environment_named("prod"), count=2, by=SETUP),
        ["break_glass_code.issued", "break_glass_code.issued"],
    ),
    "code_revoke": (
        lambda do, shop: do(code(), by=SETUP),
        ["break_glass_code.issued", "break_glass_code.revoked"],
    ),
    "code_use": (
        lambda do, shop: do("pcg", shop.search_production, RUN, reason="fire", used_at=database_now(), by=SETUP),
        ["break_glass.used"],
    ),
    "reruns_ask": (lambda do, shop: do(held(shop), by=SETUP), ["lock.taken"]),
    "limits_set": (lambda do, shop: do("test", {"shortest_reason": 9}, by=SETUP), ["tier_limits.changed"]),
    "gate_ask": (lambda do, shop: do(shop.checkout_production, by=SETUP), []),
    "user_create": (lambda do, shop: do("d@example.org", "Dan", password=None, by=SETUP), ["user.created"]),
    "user_update": (
        lambda do, shop: do(dan(), {"role": "admin"}, password="a new one", by=SETUP),
        ["user.created", "user.updated"],
    ),
    "user_delete": (lambda do, shop: do(dan(), by=SETUP), ["user.created", "user.deleted", "entity.deleted"]),
    "user_join": (
        lambda do, shop: do(dan(), teams=[ops().identifier], by=SETUP),
        ["user.created", "team.created", "team.updated"],
    ),
    "user_invite": (lambda do, shop: do("e@example.org", by=SETUP), ["user.created", "user.invited"]),
    "invitation_accept": (
        lambda do, shop: do(invitation(), name="Eve", password="a new one", by=SETUP),
        ["user.created", "user.invited", "user.joined"],
    ),
    "credential_rotate": (lambda do, shop: do(credential(), by=SETUP), ["credential.created", "credential.rotated"]),
    "credential_permit": (
        lambda do, shop: do(credential(), creates_services=True, by=SETUP),
        ["credential.created", "credential.updated"],
    ),
    "credential_rename": (
        lambda do, shop: do(credential(), "y", by=SETUP),
        ["credential.created", "credential.updated"],
    ),
    "personal_credential_rotate": (
        lambda do, shop: do(dan(), by=SETUP),
        ["user.created", "credential.created"],
    ),
    "organization_update": (lambda do, shop: do({"name": "Larder"}, by=SETUP), ["organization.updated"]),
    "feed_renew": (lambda do, shop: do(by=person()), ["user.created", "feed.made"]),
    "feed_revoke": (lambda do, shop: do(by=subscriber()), ["user.created", "feed.made", "feed.revoked"]),
    "feed_secret": (lambda do, shop: do(by=subscriber()), ["user.created", "feed.made"]),
    "secret_create": (lambda do, shop: do("a", "b", by=SETUP), ["secret.created"]),
    "secret_update": (lambda do, shop: do(secret(), value="c", by=SETUP), ["secret.created", "secret.updated"]),
    "secret_delete": (lambda do, shop: do(secret(), by=SETUP), ["secret.created", "secret.deleted"]),
    "team_update": (
        lambda do, shop: do(ops(), title="Operations", members=[], by=SETUP),
        ["team.created", "team.updated"],
    ),
    "team_delete": (lambda do, shop: do(ops(), by=SETUP), ["team.created", "team.deleted", "entity.deleted"]),
    "team_create": (lambda do, shop: do("ops", "Ops", members=[], by=SETUP), ["team.created"]),
    "credential_create": (lambda do, shop: do("x", kind="ci", scopes=[], by=SETUP), ["credential.created"]),
    "credential_revoke": (
        lambda do, shop: do(credential(), by=SETUP),
        ["credential.created", "credential.revoked"],
    ),
    "action_create": (lambda do, shop: do(ACTION, by=SETUP), ["action.created"]),
    "actions_write": (
        lambda do, shop: do(catalog.blueprint("service"), [of_service("a"), of_service("b")], by=SETUP),
        ["action.created", "action.created"],
    ),
    "action_replace": (
        lambda do, shop: do(action(), ACTION | {"title": "Reboot"}, by=SETUP),
        ["action.created", "action.updated"],
    ),
    "action_permit": (
        lambda do, shop: do(action(), {"execute": {"roles": ["Admin"]}}, by=SETUP),
        ["action.created", "action.updated"],
    ),
    "action_delete": (lambda do, shop: do(action(), by=SETUP), ["action.created", "action.deleted"]),
    "blueprint_delete_with_actions": (
        lambda do, shop: do(box(), by=SETUP),
        ["blueprint.created", "blueprint.deleted"],
    ),
    "run_create": (lambda do, shop: do(action(), {}, by=SETUP), ["action.created", "run.created"]),
    "run_update": (
        lambda do, shop: do(run(), {"status": "SUCCESS"}, by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    # A line of a log is a record itself.
    "run_log": (lambda do, shop: do(run(), {"message": "hello"}, by=SETUP), ["action.created", "run.created"]),
    "run_respond": (lambda do, shop: do(run(), "ok", by=SETUP), ["action.created", "run.created", "run.updated"]),
    "automation_run": (
        lambda do, shop: do(*followed(), cause=None, by=SETUP),
        ["action.created", "entity.updated", "run.created"],
    ),
    "automations_run": (
        lambda do, shop: do([(given := followed())[0]], *given[1:], cause=None, by=SETUP),
        ["action.created", "entity.updated", "run.created"],
    ),
    "automations_meant": (
        lambda do, shop: do([orphan()], {}, by=SETUP),
        ["action.created", "entity.updated", "action.paused"],
    ),
    "automation_pause": (
        lambda do, shop: do(orphan(), {}, by=SETUP),
        ["action.created", "entity.updated", "action.paused"],
    ),
    "automation_take": (
        lambda do, shop: do(orphan(), by=SETUP),
        ["action.created", "entity.updated", "action.updated"],
    ),
    "run_called": (
        lambda do, shop: do(
            run(), import_string("portal.actions.requests.Request")("POST", "http://a", b""), NO, by=SETUP
        ),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_asks": (lambda do, shop: do(run(), PLACE, True, by=SETUP), ["action.created", "run.created"]),
    "run_asks_later": (lambda do, shop: do(marked(), "x", by=SETUP), ["action.created", "run.created"]),
    "run_doubts": (
        lambda do, shop: do(marked(), "Silence.", again=False, aloud=True, by=SETUP),
        ["action.created", "run.created"],
    ),
    "run_begun": (
        lambda do, shop: do(
            marked(), import_string("portal.actions.forges.Job")("7", "https://a/7"), "GitHub", by=SETUP
        ),
        ["action.created", "run.created", "run.updated"],
    ),
    "run_seen": (
        lambda do, shop: do(marked(), import_string("portal.actions.forges.Seen")("success", "fine"), by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_unwatched": (
        lambda do, shop: do(marked(), "It goes on.", by=SETUP),
        ["action.created", "run.created"],
    ),
    "run_uncalled": (
        lambda do, shop: do(run(), "It is gone.", ends=True, by=SETUP),
        ["action.created", "run.created", "run.ended"],
    ),
    "run_decide": (
        lambda do, shop: do(run(requiredApproval=True), {"status": "APPROVE"}, by=SETUP),
        ["action.created", "run.created", "run.approved"],
    ),
    "runs_claim": (
        lambda do, shop: do({"installationId": "me"}, by=SETUP) if run() else None,
        ["action.created", "run.created"],
    ),
    "runs_acknowledge": (
        lambda do, shop: do({"runId": run(agent=True).public_id}, by=SETUP),
        ["action.created", "run.created", "run.updated"],
    ),
    "page_create": (lambda do, shop: do(PAGE, by=SETUP), ["page.created"]),
    "page_update": (
        lambda do, shop: do(kept_page(), PAGE | {"title": "Board"}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "page_permit": (
        lambda do, shop: do(kept_page(), {"read": {"roles": ["Admin"]}}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "page_delete": (lambda do, shop: do(kept_page(), by=SETUP), ["page.created", "page.deleted"]),
    "widget_update": (
        lambda do, shop: do(kept_page(), "w", {"title": "New"}, by=SETUP),
        ["page.created", "page.updated"],
    ),
    "widget_delete": (lambda do, shop: do(kept_page(), "w", by=SETUP), ["page.created", "page.updated"]),
    "folder_create": (lambda do, shop: do({"title": "Docs"}, by=SETUP), ["folder.created"]),
    "folder_update": (
        lambda do, shop: do(folder(), {"title": "Documents"}, by=SETUP),
        ["folder.created", "folder.updated"],
    ),
    "folder_delete": (lambda do, shop: do(folder(), by=SETUP), ["folder.created", "folder.deleted"]),
    "probe_create": (lambda do, shop: do(PROBE, by=SETUP), ["probe.created"]),
    "probe_update": (lambda do, shop: do(probe(), {"interval": 30}, by=SETUP), ["probe.created", "probe.updated"]),
    "probe_rekey": (lambda do, shop: do(probe(), by=SETUP), ["probe.created", "probe.updated"]),
    "probe_delete": (lambda do, shop: do(probe(), by=SETUP), ["probe.created", "probe.deleted"]),
    "probes_remove": (
        lambda do, shop: do([probe().service, catalog.service_named("search")], by=SETUP),
        ["probe.created", "probe.deleted"],
    ),
    "readings_take": (
        lambda do, shop: do(came_in(probe()), now=database_now(), by=SETUP),
        ["probe.created", "probe.flipped"],
    ),
    "readings_report": (
        lambda do, shop: do({"id": "canary", "outcome": "ok"}, by=SETUP) if elsewhere() else None,
        ["probe.created", "probe.flipped"],
    ),
    "maintenance_begin": (lambda do, shop: do(**upkeep(), by=SETUP), ["maintenance.begun"]),
    "maintenance_end": (
        lambda do, shop: do(
            import_string("deployments.health.commands.maintenance_begin")(**upkeep(), by=SETUP), by=SETUP
        ),
        ["maintenance.begun", "maintenance.ended"],
    ),
    "delivery_retry": (lambda do, shop: do(parked(), by=SETUP), ["thing.made", "delivery.retried"]),
}


def probe():
    return import_string("deployments.health.commands.probe_create")(PROBE, by=SETUP)[0]


def elsewhere():
    wished = PROBE | {"kind": "outside", "name": "canary", "spec": {"source": "generic", "id": "canary"}}
    return import_string("deployments.health.commands.probe_create")(wished, by=SETUP)


def came_in(probe):
    return [
        import_string("deployments.health.results.Result")(probe.pk, database_now(), "ok", key=str(n)) for n in (1, 1)
    ]


def upkeep():
    return {"reason": "a new disk", "ends_at": database_now() + timedelta(hours=1), "everything": True}


def deployed():
    return import_string("deployments.commands.deployment_report")(REPORT | {"commit": "a" * 40}, by=SETUP).deployment


def box():
    return import_string("catalog.commands.blueprint_create")(BLUEPRINT, by=SETUP)


def started():
    part = {"what": "view", "blueprint": "service", "name": kept_view().title, "definition": {"query": "q=go"}}
    import_string("catalog.starters.models.Brought").objects.create(starter="github", title="GitHub", parts=[part])
    return "github"


def reading():
    return import_string("portal.github.imports.import_start")("larder", token="t", by=SETUP)


def deletion():
    by = By(SETUP.actor, "page")
    import_string("catalog.commands.entity_delete")(catalog.service_named("search"), by=by)
    return by.trace


def indexed():
    return import_string("catalog.commands.index_add")(catalog.blueprint("service"), "tier", by=SETUP)


def sized():
    made = BLUEPRINT | {"schema": {"properties": {"size": {"type": "number"}}}}
    return import_string("catalog.commands.blueprint_create")(made, by=SETUP)


def migrating():
    start = import_string("catalog.commands.migration_start")
    return start(catalog.blueprint("service"), {"entity": {"title": ".identifier"}}, by=SETUP)


def kept_view():
    save = import_string("catalog.commands.view_save")
    return save(catalog.blueprint("service"), "Go", "q=go", shared=True, by=SETUP)


def pager():
    return import_string("catalog.webhooks.commands.webhook_create")({"title": "Pager"}, by=SETUP)


def came():
    return import_string("catalog.webhooks.models.Received").objects.create(webhook=pager(), state="failed")


def watched():
    destination = {"type": "WEBHOOK", "url": "https://changes.example/"}
    create = import_string("catalog.commands.blueprint_create")
    return create(BLUEPRINT | {"changelogDestination": destination}, by=SETUP)


def given_up():
    blueprint = watched()
    Delivery.objects.filter(subscriber="changelog").update(state="parked")
    return blueprint


def ready():
    return import_string("catalog.scorecards.commands.scorecard_create")(catalog.blueprint("service"), READY, by=SETUP)


def exporter():
    create = import_string("catalog.integrations.commands.integration_create")
    return create({"installationId": "k8s"}, by=SETUP)[0]


def ocean(integration):
    return By(SETUP.actor, "api", agent=f"port-ocean/{integration.app_type}/1.0/{integration.identifier}/exporter")


def removal(state):
    create = import_string("catalog.integrations.models.Removal").objects.create
    return create(integration=exporter(), state=state, began_at=database_now(), owned=9, gone=8)


def parsed():
    return import_string("deployments.reports.parse")(REPORT, now=database_now())


def kept():
    return import_string("deployments.commands.deployment_report")(REPORT | {"service": "chekout"}, by=SETUP).inbox_item


def hook():
    return import_string("deployments.commands.hook_create")(HOOK, secret="s" * 16, by=SETUP)


def route():
    return import_string("portal.notifications.commands.route_create")(ROUTE, by=SETUP)


def arrived():
    kept()
    return import_string("deployments.models.ReportRequest").objects.get()


def held(shop):
    return import_string("locks.commands.lock_take")(scopes.pair(shop.checkout_production), reason="why", by=SETUP)


def begun(shop):
    return import_string("locks.commands.claim_begin")(shop.checkout_production, RUN, by=SETUP).claim


def queued(shop):
    return import_string("locks.commands.ticket_join")(shop.checkout_production, RUN, by=SETUP).ticket


def override(shop):
    ask = import_string("locks.commands.override_ask")
    return ask(shop.checkout_production, [held(shop).public_id], commit="c", reason="fire", by=SETUP)


def code():
    return import_string("locks.commands.codes_issue")(catalog.environment_named("prod"), by=SETUP)[0][0]


def canary():
    return dict(commands())["lock_rule_create"](rules.parse(CANARY), by=SETUP)


def christmas(**more):
    body = {"title": "Christmas", "reason": "holidays", "starts": "2026-12-24T12:00", "duration": "3d"}
    return import_string("locks.wishes.parse")(body | more)


def frozen():
    return import_string("locks.commands.freeze_create")(scopes.named("everything"), christmas(), by=SETUP)


def preview():
    return import_string("deployments.environments.commands.template_create")(PREVIEW, by=SETUP)


def living(**as_if):
    asked = import_string("deployments.environments.commands.environment_request")(preview(), name="demo", by=SETUP)
    Environment.objects.filter(pk=asked.pk).update(**as_if | ({"phase": ""} if "state" in as_if else {}))
    return Environment.objects.get(pk=asked.pk)


def dan():
    return import_string("portal.accounts.commands.user_create")("d@example.org", "Dan", password=None, by=SETUP)


def invitation():
    return import_string("portal.accounts.commands.user_invite")("e@example.org", by=SETUP)[1]


def person():
    return By(actor_of_user(dan()), "page")


def subscriber():
    by = person()
    import_string("portal.accounts.feeds.feed_renew")(by=by)
    return by


def secret():
    return import_string("portal.accounts.organization.secret_create")("a", "b", by=SETUP).name


def ops():
    return import_string("portal.accounts.commands.team_create")("ops", "Ops", members=[], by=SETUP)


def credential():
    import_string("portal.accounts.commands.credential_create")("x", kind="ci", scopes=[], by=SETUP)
    return Credential.objects.get(name="x")


def action(agent=False, **more):
    method = ACTION["invocationMethod"] | ({"agent": True} if agent else {})
    return import_string("portal.actions.commands.action_create")(
        ACTION | {"invocationMethod": method} | more, by=SETUP
    )


def followed():
    event = {"type": "ENTITY_UPDATED", "blueprintIdentifier": "service"}
    follower = action(trigger={"type": "automation", "event": event})
    wish = Wish("service", "search", "patch", title="S", given=frozenset({"title"}))
    import_string("catalog.commands.entity_write")(wish, by=SETUP)
    event = Event.objects.get(name="entity.updated")
    return follower, event, import_string("portal.actions.events.told")(event, None)


def orphan():
    """An automation whose author is here no more."""
    follower = followed()[0]
    follower.author_key = "user:0"
    follower.save()
    return follower


def of_service(identifier):
    trigger = ACTION["trigger"] | {"blueprintIdentifier": "service"}
    return ACTION | {"identifier": identifier, "trigger": trigger}


def run(**more):
    return import_string("portal.actions.commands.run_create")(action(**more), {}, by=SETUP)


def marked():
    """A run whose forge is asked."""
    asked = run()
    import_string("portal.actions.commands.run_asks")(asked, PLACE, True, by=SETUP)
    return asked


def source():
    return import_string("deployments.commands.log_source_create")(SOURCE, by=SETUP)


def kept_page():
    return import_string("portal.sidebars.commands.page_create")(PAGE, by=SETUP)


def folder():
    return import_string("portal.sidebars.commands.folder_create")({"title": "Docs"}, by=SETUP)


def parked():
    noun = import_string("portal.audit.nouns.Noun")("thing", "1", "a thing")
    event = import_string("portal.audit.record.record")("thing.made", noun, by=SETUP)
    return Delivery.objects.create(event=event, subscriber="post", stream="thing:1", state="parked")


def somebody():
    made = import_string("portal.accounts.commands.user_create")("kim@example.org", "Kim", password=None, by=SETUP)
    return By(actor_of_user(made), "slack")


def with_by(do, asked):
    lock, by = asked
    do(lock, by=by)


def waited_for(shop):
    lock, by = held(shop), somebody()
    import_string("portal.slackbot.waiting.watch_start")(lock, slack_id="U1", by=by)
    return lock, by


def taken_in_turn(shop):
    lock, by = held(shop), somebody()
    import_string("portal.slackbot.waiting.watch_start")(lock, slack_id="U1", by=by)
    import_string("locks.commands.lock_release")(lock, by=SETUP)
    return held(shop), by


def commands():
    for name in MODULES:
        module = import_module(name)
        for verb, function in inspect.getmembers(module, inspect.isfunction):
            is_ours = function.__module__.startswith(name) and not verb.startswith("_")
            if is_ours and "by" in inspect.signature(function).parameters:
                yield verb, function


def test_every_command_stands_in_the_table():
    assert {verb for verb, _ in commands()} == set(CASES)


@pytest.mark.parametrize("verb", sorted(CASES))
def test_a_command_records_one_event_for_each_noun_it_changes(shop, verb):
    start = Event.objects.order_by("-id").values_list("id", flat=True).first() or 0
    call, expected = CASES[verb]
    call(dict(commands())[verb], shop)
    fresh = Event.objects.filter(id__gt=start).order_by("id")
    assert [event.name for event in fresh] == expected
    changed = [(event.noun, event.noun_id, event.name) for event in fresh]
    assert len(changed) == len(set(changed))


def test_replaying_the_events_of_a_noun_gives_what_it_is_now(shop, page, bob):
    from locks.commands import lock_extend, lock_release

    lock = held(shop)
    lock_extend(lock, database_now() + timedelta(hours=9), by=SETUP)
    lock = lock_release(lock, reason="done", by=SETUP)
    told = list(Event.objects.filter(noun="lock").order_by("id"))
    assert [one.after for one in told[:-1]] == [one.before for one in told[1:]]
    assert told[-1].after == lock.facts()
