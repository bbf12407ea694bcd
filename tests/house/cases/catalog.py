"""Of the catalog, its webhooks, integrations, scorecards, starters and importers."""

import pytest

from catalog import queries as catalog
from catalog.commands import blueprint_create, entity_delete, index_add, migration_start, view_save
from catalog.importers.things import Thing
from catalog.integrations.commands import integration_create
from catalog.integrations.models import Removal
from catalog.scorecards.commands import scorecard_create
from catalog.starters.models import Brought
from catalog.webhooks.commands import webhook_create
from catalog.webhooks.models import Received
from catalog.wishes import Wish
from portal.audit.models import Delivery
from portal.kit import rows
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict, Invalid
from tests.conftest import SETUP
from tests.house.cases.accounts import A_PERSON

BLUEPRINT = {"identifier": "box", "title": "Box", "schema": {"properties": {}}}
READY = {"identifier": "ready", "title": "Ready", "rules": []}

CASES = {
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
    "entity_copying": (lambda do, shop: rows.send(do("service", ("a", "b"), "A", {}, {}, by=SETUP)), []),
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
}


def box():
    return blueprint_create(BLUEPRINT, by=SETUP)


def started():
    part = {"what": "view", "blueprint": "service", "name": kept_view().title, "definition": {"query": "q=go"}}
    Brought.objects.create(starter="github", title="GitHub", parts=[part])
    return "github"


def deletion():
    by = By(SETUP.actor, "page")
    entity_delete(catalog.service_named("search"), by=by)
    return by.trace


def indexed():
    return index_add(catalog.blueprint("service"), "tier", by=SETUP)


def sized():
    made = BLUEPRINT | {"schema": {"properties": {"size": {"type": "number"}}}}
    return blueprint_create(made, by=SETUP)


def migrating():
    return migration_start(catalog.blueprint("service"), {"entity": {"title": ".identifier"}}, by=SETUP)


def kept_view():
    return view_save(catalog.blueprint("service"), "Go", "q=go", shared=True, by=SETUP)


def pager():
    return webhook_create({"title": "Pager"}, by=SETUP)


def came():
    return Received.objects.create(webhook=pager(), state="failed")


def watched():
    destination = {"type": "WEBHOOK", "url": "https://changes.example/"}
    return blueprint_create(BLUEPRINT | {"changelogDestination": destination}, by=SETUP)


def given_up():
    blueprint = watched()
    Delivery.objects.filter(subscriber="changelog").update(state="parked")
    return blueprint


def ready():
    return scorecard_create(catalog.blueprint("service"), READY, by=SETUP)


def exporter():
    return integration_create({"installationId": "k8s"}, by=SETUP)[0]


def ocean(integration):
    return By(SETUP.actor, "api", agent=f"port-ocean/{integration.app_type}/1.0/{integration.identifier}/exporter")


def removal(state):
    return Removal.objects.create(integration=exporter(), state=state, began_at=database_now(), owned=9, gone=8)
