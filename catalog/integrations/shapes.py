"""What an integration may say of itself, of its resyncs and of its kinds."""

import json
from typing import Any

Json = dict[str, Any]

LONGEST = 250
MOST_EXAMPLES = 20
MOST_AT_ONCE = 1000
LEVELS = ["DEBUG", "INFO", "WARNING", "ERROR", "FATAL"]
STATES = ["running", "completed", "failed", "aborted", "pending"]

_TEXT = {"type": ["string", "null"], "maxLength": LONGEST}
_WORD = {"type": "string", "minLength": 1, "maxLength": LONGEST}
_INSTANT = {"type": ["string", "null"], "format": "date-time"}

_MAPPING = {"type": "object", "required": ["identifier", "blueprint"]}
_RESOURCE = {
    "type": "object",
    "properties": {
        "kind": {"type": "string", "minLength": 1},
        "selector": {"type": "object"},
        "port": {
            "type": "object",
            "properties": {
                "entity": {
                    "type": "object",
                    "properties": {"mappings": {"anyOf": [_MAPPING, {"type": "array", "items": _MAPPING}]}},
                    "required": ["mappings"],
                }
            },
            "required": ["entity"],
        },
    },
    "required": ["kind", "selector", "port"],
}
CONFIG = {
    "type": ["object", "null"],
    "properties": {
        "deleteDependentEntities": {"type": "boolean"},
        "createMissingRelatedEntities": {"type": "boolean"},
        "enableMergeEntity": {"type": "boolean"},
        "entityDeletionThreshold": {"type": "number", "minimum": 0, "maximum": 1},
        "resources": {"type": "array", "items": _RESOURCE},
    },
}
_DESTINATION = {
    "type": ["object", "null"],
    "properties": {"type": {"enum": ["WEBHOOK", "KAFKA"]}, "url": {"type": "string"}, "agent": {"type": "boolean"}},
    "if": {"properties": {"type": {"const": "WEBHOOK"}}, "required": ["type"]},
    "then": {"required": ["url"]},
}
INTEGRATION = {
    "type": "object",
    "properties": {
        "installationId": _WORD,
        "installationAppType": _TEXT,
        "title": _TEXT,
        "version": {"type": ["string", "null"], "maxLength": 100},
        "config": CONFIG,
        "changelogDestination": _DESTINATION,
        "spec": {"type": ["object", "null"]},
        "actionsProcessingEnabled": {"type": "boolean"},
        "incrementalSyncEnabled": {"type": "boolean"},
        "arePortResourcesInitialized": {"type": "boolean"},
        "createPortResourcesOrigin": {"type": ["string", "null"], "maxLength": LONGEST},
        "processingMode": {"type": ["string", "null"], "maxLength": LONGEST},
        "installationType": {"type": ["string", "null"], "maxLength": LONGEST},
    },
}
# Kept beside the columns, as it was sent.
EXTRA = INTEGRATION["properties"].keys() - {  # type: ignore[attr-defined]
    "installationId",
    "installationAppType",
    "title",
    "version",
    "config",
}
RESYNC = {
    "type": "object",
    "properties": {
        "status": {"enum": STATES},
        "lastResyncStart": _INSTANT,
        "lastResyncEnd": _INSTANT,
        "nextResync": _INSTANT,
        # The name is misspelt by the clients that send it.
        "intervalInMinuets": {"type": ["number", "null"]},
    },
    "minProperties": 1,
}
CURSOR = {"type": "object", "properties": {"primary": _INSTANT}, "required": ["primary"]}
EXAMPLES = {
    "type": "object",
    "properties": {"examples": {"type": "array", "maxItems": MOST_EXAMPLES}},
    "required": ["examples"],
}
METRICS = {
    "type": "object",
    "properties": {
        "eventId": _WORD,
        "kindIdentifier": _WORD,
        "kind": _TEXT,
        "syncState": {"type": ["string", "null"], "maxLength": 50},
        "blueprint": _TEXT,
        "metrics": {"type": ["object", "null"]},
    },
    "required": ["eventId", "kindIdentifier"],
}
MANY_METRICS = {
    "type": "object",
    "properties": {"syncKindsMetrics": {"type": "array", "items": METRICS, "maxItems": MOST_AT_ONCE}},
    "required": ["syncKindsMetrics"],
}
ONE_METRICS = {
    "type": "object",
    "properties": {"syncKindMetrics": METRICS},
    "required": ["syncKindMetrics"],
}
LOGS = {
    "type": "object",
    "properties": {
        "logs": {
            "type": "array",
            "maxItems": MOST_AT_ONCE,
            "items": {
                "type": "object",
                "properties": {"message": {"type": "string"}, "level": {"type": "string"}},
                "required": ["message"],
            },
        }
    },
    "required": ["logs"],
}

# jsonb forgets the order of keys; people look for these where they are used to find them.
_ORDER = (
    "kind selector query port itemsToParse entity mappings identifier title icon blueprint team properties relations "
    "createMissingRelatedEntities deleteDependentEntities enableMergeEntity entityDeletionThreshold resources"
).split()
_RANKS = {name: rank for rank, name in enumerate(_ORDER)}


def pretty(value: Any) -> str:
    """As people read and edit it."""
    return json.dumps(_ordered(value), indent=2, ensure_ascii=False)


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: (_RANKS.get(name, len(_RANKS)), name))
        return {name: _ordered(value[name]) for name in names}
    return [_ordered(each) for each in value] if isinstance(value, list) else value
