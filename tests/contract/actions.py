"""What programs send: actions of the lock guide, of a scaffold and of a timer."""

from typing import Any

from tests.conftest import V1

LOCK = {
    "identifier": "lock_service",
    "title": "Lock a service",
    "icon": "Lock",
    "description": "Stops deployments",
    "trigger": {
        "type": "self-service",
        "operation": "DAY-2",
        "blueprintIdentifier": "service",
        "userInputs": {
            "properties": {
                "reason": {"type": "string", "title": "Reason", "minLength": 3},
                "until": {"type": "string", "format": "date-time"},
                "level": {"type": "string", "enum": ["soft", "hard"], "default": "hard"},
                "near": {"type": "array", "items": {"type": "string", "format": "entity", "blueprint": "service"}},
                "who": {"type": "string", "format": "user", "default": {"jqQuery": ".user.email"}},
            },
            "required": ["reason"],
            "order": ["reason", "until", "level", "near", "who"],
        },
        "condition": {
            "type": "SEARCH",
            "combinator": "and",
            "rules": [{"property": "$team", "operator": "containsAny", "value": ["payments"]}],
        },
        "actionCardButtonText": "Lock",
    },
    "invocationMethod": {
        "type": "GITHUB",
        "org": "acme",
        "repo": "ops",
        "workflow": "lock.yml",
        "workflowInputs": {"service": "{{ .entity.identifier }}", "spread": {"{{ spreadValue() }}": "{{ .inputs }}"}},
        "reportWorkflowStatus": True,
    },
    "requiredApproval": False,
    "publish": True,
}
SCAFFOLD = {
    "identifier": "scaffold",
    "title": "New service",
    "icon": "DefaultBlueprint",
    "trigger": {"operation": "DELETE", "type": "self-service", "userInputs": {"properties": {}}},
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com"},
}
AUTOMATION = {
    "identifier": "on_expiry",
    "trigger": {
        "type": "automation",
        "event": {"type": "TIMER_PROPERTY_EXPIRED", "blueprintIdentifier": "service", "propertyIdentifier": "ttl"},
        "condition": {"type": "JQ", "expressions": [".diff.after != null"], "combinator": "and"},
    },
    "invocationMethod": {"type": "WEBHOOK", "url": "https://example.com", "method": "DELETE"},
    "publish": True,
}
META = {"id", "createdAt", "createdBy", "updatedAt", "updatedBy"}


def without_meta(action: Any) -> Any:
    assert action.keys() >= META
    return {name: value for name, value in action.items() if name not in META}


def changed(body: Any, path: str, value: Any) -> Any:
    """A copy with one place set; None takes it away."""
    head, _, rest = path.partition(".")
    if rest:
        return {**body, head: changed(body[head], rest, value)}
    return {k: v for k, v in {**body, head: value}.items() if v is not None or k != head}


def begun(client: V1, action: str = "scaffold", **body: Any) -> str:
    answer = client.post(f"actions/{action}/runs", {"properties": {}, **body})
    assert answer.status == 202, answer.json
    return str(answer.json["run"]["id"])
