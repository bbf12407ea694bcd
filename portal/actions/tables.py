"""Actions and runs as the pages show them."""

import json
import shlex
from collections.abc import Collection, Iterable, Sequence
from typing import Any

from django.conf import settings
from django.urls import reverse

from catalog.tables.cells import is_web
from portal.accounts.policy import allows
from portal.actions import forges, permissions
from portal.actions.commands.runs import called, fetched
from portal.actions.commands.upserts import done_here
from portal.actions.events import kind_of
from portal.actions.models import Action, Approval, Run, RunLog
from portal.actions.queries import Standing, definition, fault
from portal.actions.schema.inputs import is_computed
from portal.audit.models import Event
from portal.kit.by import By

Json = dict[str, Any]

# word, colour, icon
STATUSES = {
    "WAITING_FOR_APPROVAL": ("Waiting for approval", "yellow", "clock"),
    "IN_PROGRESS": ("In progress", "blue", "loader"),
    "SUCCESS": ("Success", "green", "check"),
    "FAILURE": ("Failure", "red", "x"),
    "DECLINED": ("Declined", "lightGray", "minus"),
}
OPERATIONS = {"CREATE": "makes something new", "DAY-2": "works on an entity", "DELETE": "takes something away"}
EVENTS = {
    "ENTITY_CREATED": "an entity of {about} is made",
    "ENTITY_UPDATED": "an entity of {about} changes",
    "ENTITY_DELETED": "an entity of {about} is deleted",
    "ANY_ENTITY_CHANGE": "an entity of {about} is made, changes or is deleted",
    "TIMER_PROPERTY_EXPIRED": "the timer {timer} of an entity of {about} runs out",
    "RUN_CREATED": "a run of {about} begins",
    "RUN_UPDATED": "a run of {about} changes",
    "ANY_RUN_CHANGE": "a run of {about} begins or changes",
}
# What happened, by the `action` of an event: to an entity, to a run.
HAPPENED = {
    "CREATE": ("was made", "began"),
    "UPDATE": ("was changed", "changed"),
    "DELETE": ("was deleted", "was deleted"),
    "TIMER_EXPIRED": ("ran out of time", ""),
}
METHODS = {
    "WEBHOOK": ("Webhook", "webhook"),
    "GITHUB": ("GitHub workflow", "git-branch"),
    "GITLAB": ("GitLab pipeline", "git-branch"),
    "AZURE_DEVOPS": ("Azure DevOps", "cloud"),
    "KAFKA": ("Kafka topic", "layers"),
    "INTEGRATION_ACTION": ("Integration", "link"),
    "UPSERT_ENTITY": ("Writes an entity", "database"),
}
# What the portal takes and keeps, and nobody here does.
NOBODYS = {
    "AZURE_DEVOPS": "Portcullis does not call Azure DevOps.",
    "KAFKA": "Portcullis writes to no Kafka topic.",
    "INTEGRATION_ACTION": "Its invocation holds templates, and an integration is handed none.",
}
MOST_NAMED = 6


def action_row(action: Action, last: Run | None = None, *, secrets: Collection[str]) -> Json:
    """`secrets` are the names of those that are there."""
    word, icon = METHODS[action.invocation["type"]]
    return {
        "identifier": action.identifier,
        "title": action.title,
        "description": action.definition.get("description") or "",
        "url": action.get_absolute_url(),
        "automation": action.is_automation,
        "when": _when(action),
        "condition": _condition(action),
        "blueprint": action.blueprint,
        "method": word,
        "method_icon": icon,
        "published": action.is_published,
        "paused": action.paused,
        "nobody": _nobody(action.definition),
        "missing": forges.missing(action.definition, secrets),
        "last": run_row(last) if last else None,
    }


def _when(action: Action) -> str:
    if not action.is_automation:
        return OPERATIONS[action.operation]
    kind, about, timer = kind_of(action.event)
    return EVENTS[kind].format(about=about, timer=timer)


def _condition(action: Action) -> str:
    """Of an automation, one expression a line."""
    asked = action.trigger.get("condition") or {}
    word = "or" if asked.get("combinator") == "or" else "and"
    return f"\n{word} ".join(asked.get("expressions") or []) if action.is_automation else ""


def fault_row(action: Action, by: By) -> Json:
    """Why an automation did not run when its event happened, for those who may change it; why it is paused, for all."""
    take = allows(by.actor, "action.write", blueprint=action.blueprint)
    return {
        "fault": fault(by, action),
        "fault_at": action.fault_at,
        "paused_at": action.paused_at,
        "take_url": reverse("actions:author", args=[action.identifier]) if action.paused and take else None,
    }


def action_facts(action: Action, by: By, *, secrets: Collection[str]) -> Json:
    said, shown, forge = permissions.of(action), definition(by, action), forges.of(action.definition)
    return {
        "blueprint_url": reverse("catalog:entity_list", args=[action.blueprint]) if action.blueprint else None,
        "where": _where(shown["invocationMethod"]),
        "runners": _who(said["execute"]),
        "approval": _approval(action),
        "approvers": _who(said["approve"]) if action.required_approval else "",
        "private": action.is_private,
        "created_by": action.created_by,
        "updated_by": action.updated_by,
        "updated_at": action.updated_at,
        "definition": json.dumps(shown, indent=2, ensure_ascii=False),
        "command": command(action),
        "run_url": reverse("actions:run_new", args=[action.identifier]) if may_ask_here(action, by, secrets) else None,
        "helper": helper(action),
        "done_here": done_here(action.definition),
        "called": called(action.definition),
        "forge": forge.name if forge else "",
        "follows": bool(forge and forge.follows(action.invocation, secrets)),
        "runs_url": reverse("actions:run_list", query={"action": action.identifier}),
        "edit_url": reverse("actions:action_edit", args=[action.identifier])
        if allows(by.actor, "action.write", blueprint=action.blueprint)
        else None,
    }


def may_ask_here(action: Action, by: By, secrets: Collection[str]) -> bool:
    """A page offers what somebody will do."""
    done = done_here(action.definition) or fetched(action.definition) or called(action.definition)
    done = done or (forges.of(action.definition) is not None and not forges.missing(action.definition, secrets))
    wanted = not action.is_automation and action.is_published and done
    able = permissions.may_run(by.actor, action) or permissions.of(action)["execute"]["ownedByTeam"]
    return bool(wanted and able and allows(by.actor, "action.run"))


def helper(action: Action) -> str:
    """Who fetches its runs and does the work; empty when nobody does."""
    if not fetched(action.definition):
        return ""
    if action.invocation["type"] == "WEBHOOK":
        return "the agent"
    return f"the integration {action.invocation['installationId']}"


def command(action: Action) -> str:
    """How a program asks for a run."""
    names = {name: "…" for name in (action.trigger.get("userInputs") or {}).get("required") or [] if name != "jqQuery"}
    body: Json = {"properties": names} | ({"entity": "…"} if action.needs_entity else {})
    address = f"{settings.BASE_URL}/v1/actions/{action.identifier}/runs"
    sent = shlex.quote(json.dumps(body, ensure_ascii=False))
    return (
        f'curl -sS {shlex.quote(address)} -H "Authorization: Bearer $TOKEN" \\\n'
        f"  -H 'Content-Type: application/json' -d {sent}"
    )


def _where(method: Json) -> str:
    kind = method["type"]
    if kind == "GITHUB":
        return f"{method['org']}/{method['repo']}, {method['workflow']}"
    if kind == "GITLAB":
        return f"{method['groupName']}/{method['projectName']}"
    if kind == "WEBHOOK":
        return f"{method.get('method', 'POST')} {method['url']}"
    return str(method.get("blueprintIdentifier") or method.get("installationId") or method.get("webhook") or "")


def _who(said: Json) -> str:
    """In words; a policy leaves it to administrators, as long as nobody can ask it."""
    if said["policy"]:
        return "administrators (its policy cannot be asked yet)"
    if permissions.MEMBER in said["roles"]:
        return "everybody"
    roles = {permissions.ADMIN: "administrators"}
    named = [roles.get(role, role) for role in said["roles"]]
    named += [f"team {team}" for team in said["teams"]] + said["users"]
    named += ["owners of the entity"] if said.get("ownedByTeam") else []
    more = [f"{len(named) - MOST_NAMED} more"] if len(named) > MOST_NAMED else []
    return ", ".join([*named[:MOST_NAMED], *more]) or "administrators"


def _approval(action: Action) -> str:
    asked = action.required_approval
    if not asked:
        return "not needed"
    return "by all of them" if isinstance(asked, dict) and asked["type"] == "ALL" else "by one of them"


def input_rows(action: Action) -> list[Json]:
    required = (action.trigger.get("userInputs") or {}).get("required")
    return [
        {
            "name": name,
            "title": definition.get("title") or name,
            "description": definition.get("description") or "",
            "kind": _kind(definition),
            "required": isinstance(required, list) and name in required,
            "default": _default(definition.get("default")),
            "choices": definition["enum"] if isinstance(definition.get("enum"), list) else [],
        }
        for name, definition in action.inputs.items()
    ]


def _kind(definition: Json) -> str:
    of = definition.get("items") or {} if definition["type"] == "array" else definition
    word = of.get("blueprint") if of.get("format") == "entity" else of.get("format") or of.get("type") or "value"
    return f"list of {word}" if definition["type"] == "array" else str(word)


def _default(value: Any) -> str:
    if value is None:
        return ""
    return "computed" if is_computed(value) else value if isinstance(value, str) else json.dumps(value)


def run_row(run: Run) -> Json:
    word, colour, icon = STATUSES[run.status]
    about = run.about.get("entity")
    return {
        "id": run.public_id,
        "title": run.title,
        "url": run.get_absolute_url(),
        "status": word,
        "colour": colour,
        "icon": icon,
        "label": "" if run.status_label.casefold() == word.casefold() else run.status_label,
        "entity": about["title"] if about else "",
        "blueprint": run.blueprint,
        "by": run.created_by,
        "robot": not run.creator_key.startswith("user:"),
        "source": run.source,
        "at": run.created_at,
        "ended_at": run.ended_at,
        "over": run.is_over,
    }


def run_facts(run: Run, by: By, standing: Standing) -> Json:
    about = run.about.get("entity")
    there = (run.blueprint, run.entity) in standing.entities
    mine = allows(by.actor, "run.report", holder=run.creator_key, blueprint=run.blueprint)
    waiting = run.status == Run.Status.WAITING
    return run_row(run) | {
        "action_url": run.action.get_absolute_url() if run.action else None,
        "entity_url": reverse("catalog:entity_detail", args=[run.blueprint, run.entity]) if about and there else None,
        "links": [{"url": each, "text": _link(run, each)} for each in run.links if is_web(each)],
        "summary": run.summary,
        "message": _pretty(run.message),
        "response": _pretty(run.response),
        "external": run.external_id,
        "impersonated_by": run.impersonated_by,
        "event": _event(run),
        "updated_by": run.updated_by,
        "updated_at": run.updated_at,
        "inputs": [{"title": _title(run, name), "value": _pretty(run.inputs[name])} for name in _in_order(run)],
        "may_end": mine and not run.is_over,
        "may_succeed": mine and run.status == Run.Status.IN_PROGRESS,
        "waiting": waiting,
        "may_decide": waiting and run.action is not None and permissions.may_approve(by.actor, run.action),
        "nobody": _nobody(run.definition) if run.status == Run.Status.IN_PROGRESS else "",
        "pending": run.pending and run.status == Run.Status.IN_PROGRESS,
        "end_url": reverse("actions:end", args=[run.public_id]),
        "decision_url": reverse("actions:decision", args=[run.public_id]),
    }


def _nobody(definition: Json) -> str:
    return "" if fetched(definition) else NOBODYS.get(definition["invocationMethod"]["type"], "")


def _link(run: Run, url: str) -> str:
    forge = forges.of(run.definition)
    return f"Open at {forge.name}" if forge and url == run.job.get("url") else url.partition("://")[2]


def _event(run: Run) -> Json | None:
    """What began an automation's run."""
    if not run.event:
        return None
    told, context = run.event, run.event["context"]
    facts = told["diff"]["after"] or told["diff"]["before"] or {}
    is_run = told["resourceType"] == "run"
    named = str(facts.get("title") or context.get("entityIdentifier"))
    if is_run:
        named = f"the run of {context.get('action', {}).get('title') or context.get('actionIdentifier')}"
    timer = context.get("propertyIdentifier")
    happened = f"ran out of time ({timer})" if timer else HAPPENED[told["action"]][is_run]
    by = told["trigger"]["by"]["user"]["name"]
    of = context.get("runId")
    return {
        "text": f"{named} {happened}",
        "by": "" if timer or by in named else by,
        "run_url": reverse("actions:run_detail", args=[of]) if of else None,
        "is_run": is_run,
        "depth": run.depth,
        "json": _pretty({part: told.get(part) for part in ("action", "resourceType", "trigger", "context", "diff")}),
    }


def _title(run: Run, name: str) -> str:
    declared = (run.definition["trigger"].get("userInputs") or {}).get("properties") or {}
    return str(declared.get(name, {}).get("title") or name)


def _in_order(run: Run) -> list[str]:
    """As the action asks for them; then what nobody asked for."""
    asked = [name for name in run.action.order if name in run.inputs] if run.action else []
    return [*asked, *(name for name in run.inputs if name not in asked)]


def _pretty(value: Any) -> str:
    return "" if value is None else value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False)


def log_rows(lines: Sequence[RunLog]) -> list[Json]:
    return [{"id": each.pk, "message": each.message, "by": each.created_by, "at": each.created_at} for each in lines]


def approval_rows(said: Iterable[Approval], waiting: Sequence[tuple[str, str]]) -> list[Json]:
    spoken = [
        {"name": each.actor_name, "state": each.get_state_display(), "text": each.description, "at": each.at}
        for each in said
    ]
    return spoken + [{"name": name, "state": "", "text": "", "at": None} for _, name in waiting]


def change_rows(events: Iterable[Event]) -> list[Json]:
    return [
        {
            "text": f"{event.name.partition('.')[2].replace('_', ' ').capitalize()} {event.title or event.noun_id}",
            "noun": event.noun.replace("_", " "),
            "url": _entity_url(event),
            "actor": event.actor_name,
            "at": event.at,
        }
        for event in events
    ]


def _entity_url(event: Event) -> str | None:
    if not (event.blueprint and event.entity) or event.name.endswith(".deleted"):
        return None
    return reverse("catalog:entity_detail", args=[event.blueprint, event.entity])
