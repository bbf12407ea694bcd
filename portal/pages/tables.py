"""Rows for the home page and for lists of events."""

import json
import shlex
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from deployments.models import DeploymentConfig
from deployments.queries import DAYS
from locks.models import Effect, Lock, Window
from portal.audit.diff import diff
from portal.audit.models import Event
from portal.audit.shown import EXPIRED
from portal.audit.subjects import subject_url
from portal.kit.masks import without_secrets
from portal.pages.queries import FirstSteps, Overview

Row = dict[str, Any]

# What the past participle of an event's name does not say well.
WORDS = {
    "timer.expired": "Timer ran out of",
    "lock.taken": "Locked",
    "lock.released": "Unlocked",
    "lock.expired": "Ran out:",
    "freeze.began": "Froze",
    "freeze.ended": "Over:",
    "lock.expiry_warned": "Warned of the end of the lock of",
    "lock.release_planned": "Will be released:",
    "lock.release_called_off": "Stays locked:",
    "lock_rule.would_lock": "A place would be locked by",
    "probe.flipped": "Health changed:",
    "watch.opened": "Began to watch",
    "watch.closed": "Watched",
    "environment.expiry_warned": "Warned of the end of",
    "environment.expired": "Over:",
    "lock.holder_reminded": "Reminded the holder of the lock of",
    "claim.begun": "Began to deploy",
    "claim.finished": "Finished deploying",
    "claim.lapsed": "Lost the place:",
    "claim.revoked": "Stopped the deployment of",
    "claim.came_late": "Came too late to",
    "ticket.joined": "Joined the line of",
    "ticket.ready": "Its turn came:",
    "ticket.held_up": "Waits on in the line of",
    "ticket.begun": "Left the line to deploy",
    "ticket.withdrawn": "Left the line of",
    "ticket.lapsed": "Fell out of the line of",
    "wait.begun": "Wants to be told of the end of the lock of",
    "wait.ended": "Waits no more for the end of the lock of",
    "override.asked": "Asked for an override of",
    "override.approved": "Approved an override of",
    "override.withdrawn": "Withdrew an override of",
    "deployment.noted": "Noted a late report of",
    "deployment.filled": "Read the commits of",
    "deployment_config.changed": "Changed what is live:",
    "inbox.kept": "Kept",
    "run.created": "Asked for",
    "run.ended": "Ended",
    "scorecard.level_changed": "Moved",
    "integration.deletion_held": "Held a deletion by",
    "integration.deletion_approved": "Approved a deletion by",
    "integration.deletion_refused": "Refused a deletion by",
    "integration.deletion_undone": "Put back what was deleted by",
    "github_run.rerun": "Asked GitHub to run again:",
}
# The reason that people gave is what a reader of the log looks for first.
WHY = {
    "lock.taken": "reason",
    "lock.released": "release_reason",
    "freeze.created": "reason",
    "override.asked": "reason",
    "break_glass.used": "reason",
}
NOUNS = [
    "lock", "freeze", "claim", "ticket", "wait", "override", "break_glass_code", "break_glass_use", "tier_limits", "deployment", "deployment_config", "inbox_item", "report_request", "hook", "log_source", "pending_deployment", "environment", "environment_template", "lock_rule", "maintenance", "probe", "prober", "route", "sweep", "watch", "github_run", "github_import", "entity", "blueprint", "scorecard", "starter", "action", "run", "page", "folder", "view", "permissions", "user", "team", "credential", "organization", "secret", "feed", "webhook", "integration", "migration", "index", "delivery"
]  # fmt: skip


def event_row(event: Event) -> Row:
    return {
        "id": event.pk,
        "at": event.at,
        "actor": event.actor_name,
        "robot": event.actor_kind != "user",
        "action": WORDS.get(event.name) or event.name.partition(".")[2].replace("_", " ").capitalize(),
        "noun": event.noun.replace("_", " "),
        "subject": event.title or event.noun_id,
        "subject_url": subject_url(event),
        "why": _why(event),
        "door": event.door,
        "diff": None
        if event.name == EXPIRED
        else diff(*(without_secrets(each) or {} for each in (event.before, event.after))),
        "open": False,
        "undo_url": _undo_url(event),
    }


def _why(event: Event) -> Any:
    if event.name == EXPIRED:
        return f"{event.payload['property']} was {event.payload['value']}"
    return (event.after or {}).get(WHY.get(event.name, ""))


def _undo_url(event: Event) -> str:
    can = event.name in ("entity.updated", "entity.deleted")
    return reverse("catalog:undo", args=[event.trace]) if can else ""


def nouns() -> list[Row]:
    return [{"name": noun, "label": noun.replace("_", " ")} for noun in NOUNS]


def figures(seen: Overview) -> list[Row]:
    shown = [
        _figure("Services", seen.services, reverse("deployments:matrix"), "in the matrix"),
        _figure(
            "Deployed",
            seen.reported_today,
            reverse("pages:audit", query={"noun": "deployment"}),
            "in the last 24 hours",
        ),
        _figure(
            "Failing",
            seen.failing,
            reverse("deployments:config_list", query={"property": "status", "operator": "=", "value": "failure"}),
            "whose last deployment failed",
        ),
        *_unwell(seen),
        _figure("Locks", seen.locked, reverse("locks:lock_list"), "active now"),
    ]
    if seen.gated is not None:
        note = f"of production, in {DAYS} days"
        shown.append(_figure("Through the gate", seen.gated, reverse("deployments:coverage"), note, unit="%"))
    if seen.waiting:
        shown.append(_figure("To place", seen.waiting, reverse("deployments:inbox"), "reports with unknown names"))
    if seen.held:
        shown.append(_figure("Deletions held", seen.held, reverse("integrations:integration_list"), "by integrations"))
    return shown


def _unwell(seen: Overview) -> list[Row]:
    if seen.unwell is None:
        return []
    wanted = {"property": "health", "operator": "in", "value": "degraded,failing,down"}
    url = reverse("deployments:config_list", query=wanted)
    return [_figure("Unhealthy", seen.unwell, url, "by what their probes found")]


def _figure(label: str, value: int, url: str, note: str, unit: str = "") -> Row:
    return {"label": label, "value": f"{value:,}{unit}", "url": url, "note": note}


def lock_row(lock: Lock) -> Row:
    return {
        "title": lock.covers,
        "holder": lock.holder_name,
        "reason": lock.reason,
        "expires_at": lock.expires_at,
        "url": lock.get_absolute_url(),
        "icon": "alert-triangle" if lock.effect == Effect.WARN else "lock",
    }


def window_row(window: Window) -> Row:
    """A freeze that is on, as one of the rows of locks."""
    freeze = window.freeze
    return {
        "title": freeze.covers,
        "holder": f"the freeze {freeze.title}",
        "reason": freeze.reason,
        "expires_at": window.ends_at,
        "url": freeze.get_absolute_url(),
        "icon": "alert-triangle" if freeze.effect == Effect.WARN else "snowflake",
    }


def latest_row(config: DeploymentConfig) -> Row:
    deployment = config.latest
    assert deployment is not None
    begun: datetime = deployment.happened_at
    return {
        "service": config.service.identifier,
        "environment": config.environment.identifier,
        "version": deployment.version or deployment.commit[:7],
        "status": deployment.status,
        "deployed_by": deployment.actor,
        "deployed_at": begun,
        "url": config.get_absolute_url(),
    }


# The first steps. The commands are pasted as they stand, so every name in them is quoted.

_SETTINGS = "set -a; . {file}; set +a"
_NAMES = """\
TOKEN=$(curl -sS "$PORTCULLIS_URL/v1/auth/access_token" -H 'Content-Type: application/json' \\
  -d "{{\\"clientId\\": \\"$CLIENT_ID\\", \\"clientSecret\\": \\"$CLIENT_SECRET\\"}}" \\
  | python3 -c 'import json, sys; print(json.load(sys.stdin)["accessToken"])')
curl -sS "$PORTCULLIS_URL/v1/blueprints/deploymentConfig/entities?upsert=true&create_missing_related_entities=true" \\
  -H "Authorization: Bearer $TOKEN" -H 'Content-Type: application/json' -d {config}"""
_REPORT = """\
curl -sS "$PORTCULLIS_URL/v1/deployments" -H "Authorization: Bearer $CI_TOKEN" \\
  -H 'Content-Type: application/json' -d {report}"""
_LOCK = """\
curl -sSo portcullis "$PORTCULLIS_URL/ci/portcullis"
python3 portcullis lock --service {service} --environment {environment} --reason 'trying the gate' --for 2h"""
_CHECK = 'python3 portcullis check --service {service} --environment {environment}; echo "exit $?"'


def steps(seen: FirstSteps) -> list[Row]:
    service = seen.service.identifier if seen.service else "my-service"
    environment = seen.environment.identifier if seen.environment else "production"
    place = {"service": shlex.quote(service), "environment": shlex.quote(environment)}
    return [
        {
            "title": "Report a deployment",
            "text": "Every CI job that deploys says so with one call. Watch the matrix while you paste it.",
            "command": _report_command(seen, service, environment),
            "done": seen.reported,
        },
        {
            "title": "Lock it",
            "text": "With a reason and an end. The button on the page of locks does the same.",
            "command": _LOCK.format(**place),
            "done": seen.locked,
        },
        {
            "title": "See CI refused",
            "text": "It says who, why and until when, and ends with 10. Without a lock it ends with 0.",
            "command": _CHECK.format(**place),
            "done": seen.refused,
        },
    ]


def _report_command(seen: FirstSteps, service: str, environment: str) -> str:
    report = {
        "service": service,
        "environment": environment,
        "version": "1.0.0",
        "commit": "4f2a9c1",
        "status": "success",
    }
    parts = [_SETTINGS.format(file=shlex.quote(str(settings.EMBEDDED.credentials)))]
    if not (seen.service and seen.environment):
        config = {
            "identifier": f"{service}-{environment}",
            "relations": {"service": service, "environment": environment},
        }
        parts.append(_NAMES.format(config=_quoted(config)))
    return "\n".join([*parts, _REPORT.format(report=_quoted(report))])


def _quoted(body: Row) -> str:
    return shlex.quote(json.dumps(body))
