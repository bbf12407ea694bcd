"""The JSON of nouns as /v1 shows them: camelCase for the compatible ones, snake_case for our own."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from catalog.kinds import definition_of
from catalog.models import Blueprint, Entity, Migration
from catalog.queries import properties_of, relations_of, teams_of
from catalog.scorecards import queries as scorecards
from deployments import instances
from deployments.models import Deployment, InboxItem
from deployments.queries import Cell, Coverage, Sources, Uncovered
from locks import receipts
from locks.decisions import Decision, facts
from locks.models import (
    BreakGlassCode,
    BreakGlassUse,
    Claim,
    Freeze,
    Lock,
    Override,
    PendingDeployment,
    Ticket,
    Window,
)
from locks.queries import Line, Simulation
from portal.accounts.policy import allows
from portal.api.auth import by_of
from portal.api.envelope import body
from portal.api.selection import Selection, flag, selection
from portal.kit.by import By
from portal.kit.clock import iso
from portal.kit.masks import without_secrets

Json = dict[str, Any]


def url_of(path: str) -> str:
    return settings.BASE_URL + path


def blueprint_json(blueprint: Blueprint, definition: Json | None = None, *, by: By) -> Json:
    """What was sent, with who and when. Unset texts are left out, or Terraform would see a change.

    `definition` is shown instead of the blueprint's own. Where its changes go is for those who may change it.
    """
    own = definition or definition_of(blueprint)
    may = allows(by.actor, "blueprint.write", blueprint=blueprint.identifier)
    shown = (own if may else without_secrets(own) or {}) | {
        "createdAt": iso(blueprint.created_at),
        "createdBy": blueprint.created_by,
        "updatedAt": iso(blueprint.updated_at),
        "updatedBy": blueprint.updated_by,
    }
    return {name: value for name, value in shown.items() if value not in (None, "")}


def migration_json(migration: Migration) -> Json:
    """`mapping` is empty for what the portal does by itself; `kind` says what that is."""
    is_map = migration.kind == Migration.Kind.MAP
    return {
        "id": str(migration.public_id),
        "actor": migration.actor_name,
        "sourceBlueprint": migration.source,
        "mapping": migration.body if is_map else {},
        "kind": migration.kind,
        "status": migration.state,
        "total": migration.total,
        "done": migration.done,
        "failed": migration.failed,
        "faults": migration.faults,
        "reason": migration.reason or None,
        "createdAt": iso(migration.created_at),
        "updatedAt": iso(migration.updated_at),
    }


def entity_json(entity: Entity, request: Request) -> Json:
    return entities_json([entity], request)[0]


def entities_json(entities: Sequence[Entity], request: Request, chosen: Selection | None = None) -> list[Json]:
    """As the request's flags ask: parts of them, without what the portal computes, with the titles of what they point at."""
    calculated = not flag(request, "exclude_calculated_properties")
    titles = flag(request, "attach_title_to_relation")
    values = properties_of(entities, calculated=calculated)
    chosen = chosen or selection(request)
    judged = scorecards.results(entities) if calculated and chosen.shows("scorecards") else {}
    teams = teams_of(entities) if calculated else {}
    by = by_of(request)
    return [
        chosen.of(
            _entity(each, values[each.pk], teams.get(each.pk, list(each.team)), titles, by)
            | _judged(judged.get(each.pk))
        )
        for each in entities
    ]


def _judged(results: list[scorecards.Result] | None) -> Json:
    """Nothing at all where no scorecard judges it: clients compare."""
    return {"scorecards": {each.scorecard.identifier: each.facts() for each in results}} if results else {}


def _entity(entity: Entity, properties: Json, team: list[str], titles: bool, by: By) -> Json:
    """Unset keys are left out, types are kept."""
    shown: Json = {
        "identifier": entity.identifier,
        "title": entity.title or None,
        "icon": entity.icon or None,
        "blueprint": entity.blueprint.identifier,
        "team": team,
        "properties": properties,
        "relations": relations_of(entity, titles=titles, by=by),
        "createdAt": iso(entity.created_at),
        "createdBy": entity.created_by,
        "updatedAt": iso(entity.updated_at),
        "updatedBy": entity.updated_by,
    }
    return {name: value for name, value in shown.items() if value is not None}


def lock_json(lock: Lock) -> Json:
    return {
        "id": str(lock.public_id),
        **lock.facts(),
        "holder": {"kind": lock.holder_kind, "name": lock.holder_name},
        "automatic_by": lock.automatic_by or None,
        "url": url_of(lock.get_absolute_url()),
    }


def decision_json(decision: Decision) -> Json:
    place = decision.place
    page = reverse("catalog:entity_detail", args=["service", place.service])
    asked = {"service": place.service, "environment": place.environment}
    override = reverse("locks:override_new", query=asked) if decision.denies else ""
    return facts(decision) | {
        "locks": [lock_json(lock) for lock in decision.locks],
        "freezes": [freeze_json(window.freeze) | window_json(window) for window in decision.freezes],
        "claim": claim_json(decision.claim) if decision.claim else None,
        "override": override_json(decision.override) if decision.override else None,
        "url": url_of(page),
        "override_url": url_of(override) if override else None,
    }


def stopped(decision: Decision, shown: Json | None = None) -> Response:
    """423: the caller may not go on now, and the decision says why."""
    headers = {"Retry-After": str(decision.retry_after)} if decision.retry_after else None
    error = body("locked" if decision.denies else "wait", decision.message)
    return Response(error | {"decision": shown or decision_json(decision)}, status=423, headers=headers)


def claim_json(claim: Claim) -> Json:
    """`heartbeat_every` is how often, in seconds, its holder had better say that he is alive."""
    lease = int(claim.lease.total_seconds())
    return {
        "id": str(claim.public_id),
        **claim.facts(),
        "holder": {"kind": claim.holder_kind, "name": claim.holder_name},
        "lease": lease,
        "lease_until": iso(claim.lease_until),
        "heartbeat_every": max(1, lease // 4),
    }


def ticket_json(ticket: Ticket) -> Json:
    return {
        "id": str(ticket.public_id),
        **ticket.facts(),
        "holder": {"kind": ticket.holder_kind, "name": ticket.holder_name},
        "lease": int(ticket.lease.total_seconds()),
        "lease_until": iso(ticket.lease_until),
    }


def ask_again(line: Line) -> int:
    """Seconds. The first hears at once that the place is free; a lock is mostly taken off by hand, and later."""
    if line.position == 1 and not line.decision.denies:
        return 1
    return 2 if line.position <= 2 else 5


def line_json(line: Line) -> Json:
    """With the gate's receipt when its turn has come: whoever waited has asked."""
    ticket, decision = line.ticket, decision_json(line.decision)
    if line.ready and not line.decision.stops:
        decision["receipt"] = receipts.issue(line.decision, commit=ticket.commit, run=ticket.run)
    return ticket_json(line.ticket) | {
        "ready": line.ready,
        "position": line.position,
        "deploying": claim_json(line.holder) if line.holder else None,
        "starts_at": iso(line.starts_at),
        "ask_again": ask_again(line),
        "decision": decision,
    }


def simulation_json(found: Simulation) -> Json:
    return {
        "places": found.reach.count,
        "examples": [{"service": service, "environment": environment} for service, environment in found.reach.places],
        "held": lock_json(found.held) if found.held else None,
        "running": [claim_json(each) for each in found.running],
        "waiting": [ticket_json(each) for each in found.waiting],
        "people": found.people,
        "teams": found.teams,
    }


def override_json(override: Override) -> Json:
    return {
        "id": str(override.public_id),
        **override.facts(),
        "uses": [
            {"run": each.run, "run_url": each.run_url or None, "at": iso(each.at)} for each in override.uses.all()
        ],
    }


def code_json(code: BreakGlassCode) -> Json:
    used = [each.used_at for each in code.uses.all()]
    return {"id": str(code.public_id), **code.facts(), "used_at": iso(min(used, default=None)), "uses": len(used)}


def use_json(use: BreakGlassUse) -> Json:
    return {"id": str(use.public_id), **use.facts(), "verdict_means": use.get_verdict_display()}


def pending_json(pending: PendingDeployment) -> Json:
    return {"id": str(pending.public_id), **pending.facts()}


def freeze_json(freeze: Freeze) -> Json:
    return {
        "id": str(freeze.public_id),
        **freeze.facts(),
        "holder": {"kind": freeze.holder_kind, "name": freeze.holder_name},
        "url": url_of(freeze.get_absolute_url()),
    }


def window_json(window: Window) -> Json:
    return {"starts_at": iso(window.starts_at), "ends_at": iso(window.ends_at)}


def deployment_json(deployment: Deployment) -> Json:
    entity = deployment.entity
    page = reverse("catalog:entity_detail", args=["deployment", entity.identifier]) if entity else ""
    return {
        "id": str(deployment.public_id),
        "identifier": entity.identifier if entity else None,
        **deployment.facts(),
        "instances": instances.of(deployment),
        "fence": deployment.fence,
        "changes": deployment.changes,
        "url": url_of(page),
    }


def coverage_json(found: Coverage) -> Json:
    return {
        "since": iso(found.since),
        "until": iso(found.until),
        "total": found.total,
        "by_claim": found.by_claim,
        "by_receipt": found.by_receipt,
        "ungated": found.ungated,
        "percent": found.percent,
        "uncovered": [_uncovered(each) for each in found.uncovered],
    }


def _uncovered(each: Uncovered) -> Json:
    return {
        "service": each.service.identifier,
        "environment": each.environment.identifier,
        "repository": each.service.properties.get("repository"),
        "total": each.total,
        "ungated": each.ungated,
        "mended": each.mended,
        "last": deployment_json(each.last),
    }


def inbox_json(item: InboxItem) -> Json:
    return {
        "id": str(item.public_id),
        **item.facts(),
        "nearest": item.nearest,
        "url": url_of(reverse("deployments:inbox")),
    }


def cell_json(cell: Cell) -> Json:
    """What is live, as /v1/deployments/current lists it."""
    live, first = cell.current, next(iter(cell.decision.denying), None)
    return {
        "service": cell.service.identifier,
        "environment": cell.environment.identifier,
        "tier": cell.tier,
        "version": (live.version or None) if live else None,
        "commit": (live.commit or None) if live else None,
        "ref": (live.ref or None) if live else None,
        "author": (live.author or None) if live else None,
        "deployed_at": iso(live.finished_at) if live else None,
        "deployed_by": (live.actor or None) if live else None,
        "status": cell.latest.status if cell.latest else None,
        "attempt_failed": cell.attempt_failed,
        "rollout": asdict(rollout) if (rollout := cell.rollout) else None,
        "locked": cell.decision.denies,
        "locked_reason": first.reason if first else None,
        "locked_by": first.holder_name if first else None,
        "locked_until": iso(first.expires_at) if first else None,
        "url": url_of(cell.config.get_absolute_url()) if cell.config else None,
    }


def sources_json(found: Sources) -> Json:
    """The links of a place, and of each kind that it lacks what its sources are waiting for."""
    config = found.config
    return {
        "service": config.service.identifier,
        "environment": config.environment.identifier,
        "since": iso(found.span.since),
        "until": iso(found.span.until),
        "links": [{"name": each.source, "kind": each.kind, "url": each.url} for each in found.links],
        "lacking": [
            {"kind": kind, "needs": [{"source": each.source, "missing": list(each.missing)} for each in tried]}
            for kind, tried in found.lacking.items()
        ],
    }
