"""Of deployments, their inbox, log sources and hooks, and of health."""

from datetime import timedelta

from catalog import queries as catalog
from deployments.commands import deployment_report, hook_create, log_source_create
from deployments.health.commands import maintenance_begin, probe_create
from deployments.health.results import Result
from deployments.models import ReportRequest
from deployments.reports import parse
from portal.kit.clock import database_now
from portal.kit.errors import Invalid
from tests.conftest import SETUP

REPORT = {"service": "checkout", "environment": "production", "version": "1.0", "ci": {"run": "1"}}
HOOK = {"name": "Forge", "kind": "github"}
PROBE = {"kind": "heartbeat", "name": "nightly", "service": "checkout", "environment": "production"}
SOURCE = {"name": "Kibana", "kind": "application", "template": "https://kibana.example/"}

CASES = {
    "changes_fill": (
        lambda do, shop: do(deployed(), [{"sha": "a" * 40, "parents": []}], previous="b" * 40, boundary=[], by=SETUP),
        ["entity.created", "deployment.reported", "deployment_config.changed", "deployment.filled"],
    ),
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
        lambda do, shop: do(maintenance_begin(**upkeep(), by=SETUP), by=SETUP),
        ["maintenance.begun", "maintenance.ended"],
    ),
}


def probe():
    return probe_create(PROBE, by=SETUP)[0]


def elsewhere():
    wished = PROBE | {"kind": "outside", "name": "canary", "spec": {"source": "generic", "id": "canary"}}
    return probe_create(wished, by=SETUP)


def came_in(probe):
    return [Result(probe.pk, database_now(), "ok", key=str(n)) for n in (1, 1)]


def upkeep():
    return {"reason": "a new disk", "ends_at": database_now() + timedelta(hours=1), "everything": True}


def deployed():
    return deployment_report(REPORT | {"commit": "a" * 40}, by=SETUP).deployment


def parsed():
    return parse(REPORT, now=database_now())


def kept():
    return deployment_report(REPORT | {"service": "chekout"}, by=SETUP).inbox_item


def hook():
    return hook_create(HOOK, secret="s" * 16, by=SETUP)


def arrived():
    kept()
    return ReportRequest.objects.get()


def source():
    return log_source_create(SOURCE, by=SETUP)
