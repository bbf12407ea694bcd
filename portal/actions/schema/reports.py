"""What those who do the work of a run may say of it."""

from portal.actions.schema.words import OBJECT, TEXT, TEXTS, strict

ENDS = {"enum": ["SUCCESS", "FAILURE"]}

PATCH = strict(
    "",
    status=ENDS,
    statusLabel=TEXT,
    link={"type": ["string", "array"], "items": TEXT},
    summary=TEXT,
    message=OBJECT,
    externalRunId={"type": "string", "maxLength": 500},
)
LOG = strict("message", message=TEXT, terminationStatus=ENDS, statusLabel=TEXT)
DECISION = strict("status", status={"enum": ["APPROVE", "DECLINE"]}, description=TEXT)
CREATION = strict("properties", properties=OBJECT, entity={"type": ["string", "null"]})
ACKNOWLEDGEMENT = strict("", runId=TEXT, runIds=TEXTS)
CLAIM = {
    "type": "object",
    "properties": {
        "installationId": TEXT,
        "limit": {"type": "integer", "minimum": 1, "maximum": 100},
        "visibilityTimeoutMs": {"type": "integer", "minimum": 1000, "maximum": 3_600_000},
        "invocationMethod": {"enum": ["WEBHOOK", "INTEGRATION_ACTION"]},
    },
}
