"""The demo company's probes. They ask services that stand on this machine, at a page where one can break them."""

import json
import random
from datetime import datetime, timedelta

from django.conf import settings

from catalog.queries import Place
from deployments.health.commands import probe_create
from deployments.health.figures import HOUR, Figures, hour_of
from deployments.health.models import Kind, Probe, Summary
from deployments.models import DeploymentConfig
from locks import rules
from locks.commands import lock_rule_create
from portal.kit.by import By

PROBED = ("checkout", "basket", "search", "inventory", "auth", "loyalty")
ENVIRONMENTS = ("production", "staging")
JOB = ("ledger", "production", "nightly export")
OUTSIDE = ("checkout", "production", "canary from outside")
SLOW = ("search", "staging")  # at the beginning
OTHER = ("loyalty", "production")  # runs another version than was reported
HISTORY = timedelta(days=14)
# In a dry run: its page says what it would have locked.
RULE = {
    "name": "Production that fails locks itself",
    "on": ["failing"],
    "tiers": ["production"],
    "reason": "{service} fails in {environment}: {reason}",
    "dry_run": True,
}


def probes(places: dict[tuple[str, str], Place], now: datetime, by: By) -> None:
    """Only where `bin/up` has chosen a place for what they ask; it is started once this is written."""
    if not settings.DEMO_TARGET:
        return
    chance, town = random.Random(44), {}
    live = {
        (each.service.identifier, each.environment.identifier): each.current.version if each.current else "1.0.0"
        for each in DeploymentConfig.objects.select_related("service", "environment", "current")
    }
    for service in PROBED:
        for environment in ENVIRONMENTS:
            if (service, environment) in places:
                _history(_front_door(service, environment, by), chance, now)
                town[f"{service}/{environment}"] = _place(
                    service, environment, live.get((service, environment), "1.0.0")
                )
    service, environment, name = JOB
    wished = {"kind": Kind.HEARTBEAT, "service": service, "environment": environment, "name": name}
    job, token = probe_create(wished | {"interval": 30, "spec": {"grace": 15}}, by=by)
    _history(job, chance, now)
    town[f"{service} {name}/{environment}"] = {"heartbeat": f"/v1/health/heartbeats/{token}"}
    service, environment, name = OUTSIDE
    wished = {"kind": Kind.OUTSIDE, "service": service, "environment": environment, "name": name}
    probe_create(wished | {"interval": 3600, "spec": {"source": "checkly", "id": "larder-checkout"}}, by=by)
    lock_rule_create(rules.parse(RULE), by=by)
    _write(town)


def _front_door(service: str, environment: str, by: By) -> Probe:
    spec = {
        "url": f"{settings.DEMO_TARGET}/{service}/{environment}/health",
        "conditions": [{"path": "$.database", "equals": "ok"}],
        "version": {"path": "$.version"},
        "slow_ms": 1000,
    }
    often = {"interval": 10, "timeout": 3, "failure_threshold": 2, "recovery_threshold": 2}
    wished = {"kind": Kind.HTTP, "service": service, "environment": environment, "name": "front door", "spec": spec}
    return probe_create(wished | often, by=by)[0]


def _place(service: str, environment: str, version: str) -> dict[str, str]:
    mode = "slow" if (service, environment) == SLOW else "version" if (service, environment) == OTHER else "fine"
    return {"version": version, "mode": mode}


def _history(probe: Probe, chance: random.Random, now: datetime) -> None:
    """Two weeks that went well, but for an hour now and then."""
    hours, until = [], hour_of(now)
    at = until - HISTORY
    while at < until:
        bad = chance.choice([4, 11, 25]) * 60_000 if chance.random() < 0.01 else 0
        slow = chance.choice([3, 8]) * 60_000 if chance.random() < 0.03 else 0
        figures = Figures()
        figures.lasted.update({"ok": 3_600_000 - bad - slow, "failed": bad, "degraded": slow})
        figures.counts.update({"ok": 60})
        hours.append(Summary(probe=probe, span=Summary.Span.HOUR, at=at, **figures.json()))
        at += HOUR
    Summary.objects.bulk_create(hours)
    Probe.objects.filter(pk=probe.pk).update(summed_until=until)


def _write(town: dict[str, dict[str, str]]) -> None:
    """Renamed into place, so that it is whole or not there."""
    port = int(settings.DEMO_TARGET.rpartition(":")[2])
    file = settings.EMBEDDED.target
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps({"port": port, "places": town}, indent=1))
    fresh.replace(file)
