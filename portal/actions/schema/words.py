"""The JSON Schemas of an action's parts, one for each kind that a `type` names."""

from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
TEXTS: Json = {"type": "array", "items": TEXT}
OBJECT: Json = {"type": "object"}
TREE: Json = {"type": ["array", "object"]}
SWITCH: Json = {"type": ["boolean", "string"]}
NAMES: Json = {"type": "object", "propertyNames": {"pattern": r"^[A-Za-z0-9@_=\\-]+$"}}

OPERATIONS = ["CREATE", "DAY-2", "DELETE"]


def strict(needed: str, /, **properties: Json) -> Json:
    """An object of these keys and no others; `needed` names those that have to be there."""
    return {"type": "object", "properties": properties, "required": needed.split(), "additionalProperties": False}


def computed_or(kind: str) -> Json:
    """A value of this type, or `{"jqQuery": "..."}` that says it."""
    return {
        "type": [kind, "object"],
        "if": {"type": "object"},
        "then": {"properties": {"jqQuery": TEXT}, "required": ["jqQuery"], "additionalProperties": False},
    }


ACTION = strict(
    "identifier trigger invocationMethod",
    identifier=TEXT,
    title=TEXT,
    icon=TEXT,
    description=TEXT,
    trigger={"type": "object", "properties": {"type": {"enum": ["self-service", "automation"]}}, "required": ["type"]},
    invocationMethod=OBJECT,
    requiredApproval={"type": ["boolean", "object"]},
    approvalNotification=OBJECT,
    publish={"type": "boolean"},
    allowAnyoneToViewRuns={"type": "boolean"},
)

BUTTON: Json = {"type": "string", "minLength": 1, "maxLength": 15, "pattern": r"^\S(.*\S)?$"}
SELF_SERVICE = strict(
    "type operation userInputs",
    type=TEXT,
    operation={"enum": OPERATIONS},
    blueprintIdentifier=TEXT,
    userInputs=OBJECT,
    actionCardButtonText=BUTTON,
    executeActionButtonText=BUTTON,
    condition=strict("type rules combinator", type={"enum": ["SEARCH"]}, rules={"type": "array"}, combinator=TEXT),
)
AUTOMATION = strict(
    "type event",
    type=TEXT,
    event={"type": "object", "required": ["type"]},
    condition=strict(
        "type expressions",
        type={"enum": ["JQ"]},
        expressions=TEXTS | {"maxItems": 50},
        combinator={"enum": ["and", "or"]},
    ),
)

_OF_ENTITIES = strict("type blueprintIdentifier", type=TEXT, blueprintIdentifier=TEXT)
_OF_RUNS = strict("type actionIdentifier", type=TEXT, actionIdentifier=TEXT)
EVENTS = {
    "ENTITY_CREATED": _OF_ENTITIES,
    "ENTITY_UPDATED": _OF_ENTITIES,
    "ENTITY_DELETED": _OF_ENTITIES,
    "ANY_ENTITY_CHANGE": _OF_ENTITIES,
    "TIMER_PROPERTY_EXPIRED": strict(
        "type blueprintIdentifier propertyIdentifier", type=TEXT, blueprintIdentifier=TEXT, propertyIdentifier=TEXT
    ),
    "RUN_CREATED": _OF_RUNS,
    "RUN_UPDATED": _OF_RUNS,
    "ANY_RUN_CHANGE": _OF_RUNS,
}

_ENTITY_TARGET: Json = {"type": ["string", "array", "object", "null"]}
METHODS = {
    "WEBHOOK": strict(
        "type url",
        type=TEXT,
        url=TEXT,
        agent=SWITCH,
        synchronized=SWITCH,
        method=TEXT,
        headers={"type": "object", "additionalProperties": TEXT},
        body=TREE,
    ),
    "GITHUB": strict(
        "type org repo workflow",
        type=TEXT,
        org=TEXT,
        repo=TEXT,
        workflow=TEXT,
        workflowInputs=OBJECT,
        reportWorkflowStatus=SWITCH,
    ),
    "GITLAB": strict(
        "type projectName groupName",
        type=TEXT,
        projectName=TEXT,
        groupName=TEXT,
        defaultRef=TEXT,
        pipelineVariables=OBJECT,
    ),
    "AZURE_DEVOPS": strict("type webhook org", type=TEXT, webhook=TEXT, org=TEXT, payload=TREE),
    "KAFKA": strict("type", type=TEXT, payload=TREE),
    "INTEGRATION_ACTION": strict(
        "type installationId integrationActionType integrationActionExecutionProperties",
        type=TEXT,
        installationId=TEXT,
        integrationActionType={"enum": ["dispatch_workflow"]},
        integrationActionExecutionProperties=OBJECT,
    ),
    "UPSERT_ENTITY": strict(
        "type blueprintIdentifier mapping",
        type=TEXT,
        blueprintIdentifier=TEXT,
        mapping=strict(
            "",
            identifier=TEXT,
            title=TEXT,
            team={"type": ["string", "array"], "items": TEXT},
            icon=TEXT,
            properties=OBJECT,
            relations={"type": "object", "additionalProperties": _ENTITY_TARGET},
        ),
    ),
}

NOTIFICATIONS = {
    "email": strict("type", type=TEXT),
    "webhook": strict("type url", type=TEXT, url=TEXT, format={"enum": ["json", "slack"]}),
}
APPROVAL = strict("type", type={"enum": ["ANY", "ALL"]})

_FORMATS = (
    "date-time url email ipv4 ipv6 yaml entity user team proto markdown multi-line labeled-url".split()  # fmt: skip
)
INPUT: Json = {
    "type": "object",
    "properties": {
        "type": {"enum": ["string", "number", "boolean", "object", "array"]},
        "format": {"enum": _FORMATS},
        "title": TEXT,
        "description": TEXT,
        "icon": TEXT,
        "blueprint": TEXT,
        "dependsOn": TEXTS,
        "visible": computed_or("boolean"),
        "disabled": computed_or("boolean"),
        "enum": computed_or("array"),
        "pattern": computed_or("string"),
        "items": {"type": "object"},
        "dataset": {
            "type": "object",
            "properties": {"combinator": {"enum": ["and", "or"]}, "rules": {"type": "array", "items": OBJECT}},
            "required": ["combinator", "rules"],
        },
        "sort": {
            "type": "object",
            "properties": {"property": TEXT, "order": {"enum": ["ASC", "DESC"]}},
            "required": ["property", "order"],
        },
        "encryption": {
            "type": ["string", "object"],
            "if": {"type": "object"},
            "then": strict("algorithm key", algorithm={"enum": ["client-side"]}, key=TEXT),
            "else": {"enum": ["aes256-gcm"]},
        },
    },
    "required": ["type"],
}
_TITLE: Json = {
    "type": "object",
    "properties": {
        "title": {"type": "string", "minLength": 1, "maxLength": 140},
        "description": {"type": "string", "maxLength": 1000},
        "visible": computed_or("boolean"),
    },
}
# The order of a step may come as null: the Terraform provider writes an empty list so.
_STEP = strict("title", title=TEXT, order={"type": ["array", "null"], "items": TEXT}, visible=computed_or("boolean"))
USER_INPUTS = strict(
    "properties",
    properties=NAMES | {"additionalProperties": INPUT},
    titles=NAMES | {"additionalProperties": _TITLE},
    required=computed_or("array") | {"items": TEXT},
    order=TEXTS,
    steps={"type": "array", "items": _STEP},
)

_WHO = {"users": {"type": ["array", "null"], "items": TEXT}} | {
    name: {"type": ["array", "null"], "items": TEXT} for name in ("roles", "teams")
}
_POLICY = {
    "type": ["object", "null"],
    "properties": {
        "queries": {"type": "object", "minProperties": 1, "additionalProperties": OBJECT},
        "conditions": {"type": "array", "minItems": 1, "items": {"type": "string", "minLength": 1}},
    },
    "required": ["queries", "conditions"],
    "additionalProperties": False,
}
PERMISSIONS = strict(
    "",
    execute=strict("", **_WHO, ownedByTeam={"type": ["boolean", "null"]}, policy=_POLICY),
    approve=strict("", **_WHO, policy=_POLICY),
)
