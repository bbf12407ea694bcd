"""The kinds deploymentConfig and deployment, as they come installed."""

from deployments.health.states import State
from deployments.models import Gate, Status
from deployments.running import Verified

STATUS_COLOURS = {
    Status.PENDING: "lightGray",
    Status.IN_PROGRESS: "blue",
    Status.SUCCESS: "green",
    Status.FAILURE: "red",
    Status.CANCELLED: "darkGray",
    Status.ROLLED_BACK: "orange",
}
_STATUS = {
    "type": "string",
    "title": "Status",
    "enum": Status.values,
    "enumColors": {str(status.value): colour for status, colour in STATUS_COLOURS.items()},
}
# In the order in which they are sorted, the worst last.
HEALTH_COLOURS = {
    State.UNKNOWN: "lightGray",
    State.PAUSED: "darkGray",
    State.PROBER_DOWN: "purple",
    State.MAINTENANCE: "blue",
    State.HEALTHY: "green",
    State.DEGRADED: "yellow",
    State.FAILING: "red",
    State.DOWN: "red",
}
_LIVE = {
    "version": {"type": "string", "title": "Version"},
    "commit": {"type": "string", "title": "Commit"},
    "ref": {"type": "string", "title": "Ref"},
    "message": {"type": "string", "title": "Commit message"},
    "author": {"type": "string", "title": "Author"},
    "deployedBy": {"type": "string", "title": "Deployed by"},
}
# What a deployment config copies from what is live.
TOLD = frozenset({*_LIVE, "deployedAt", "status"})

HEALTH = {
    "health": {
        "type": "string",
        "title": "Health",
        "icon": "Health",
        "description": "What the probes of it say.",
        "enum": [state.value for state in HEALTH_COLOURS],
        "enumColors": {state.value: colour for state, colour in HEALTH_COLOURS.items()},
    },
    "healthSince": {"type": "string", "format": "date-time", "title": "Health since"},
    "healthVerified": {
        "type": "string",
        "title": "Running version",
        "description": "Whether what was reported is what runs, as a probe reads it.",
        "enum": [each.value for each in Verified],
        "enumColors": {"verified": "green", "not_yet": "blue", "mismatch": "orange", "unknown": "lightGray"},
    },
}

CONFIG = {
    "identifier": "deploymentConfig",
    "title": "Deployment Config",
    "icon": "DeploymentConfig",
    "description": "One service in one environment: what is live there now.",
    "schema": {
        "properties": {
            **_LIVE,
            "deployedAt": {"type": "string", "format": "date-time", "title": "Deployed at"},
            "status": _STATUS,
            "locked": {"type": "boolean", "title": "Locked", "icon": "Lock"},
            "lockedReason": {"type": "string", "title": "Locked because"},
            "lockedBy": {"type": "string", "title": "Locked by"},
            "lockedUntil": {"type": "string", "format": "date-time", "title": "Locked until"},
            **HEALTH,
            "logsUrl": {"type": "string", "format": "url", "title": "Logs"},
            "errorsUrl": {"type": "string", "format": "url", "title": "Errors"},
            "sessionsUrl": {"type": "string", "format": "url", "title": "Sessions"},
            "tracesUrl": {"type": "string", "format": "url", "title": "Traces"},
            "serviceMapUrl": {"type": "string", "format": "url", "title": "Service map"},
        },
        "required": [],
    },
    "relations": {
        "service": {"title": "Service", "target": "service", "required": False, "many": False},
        "environment": {"title": "Environment", "target": "environment", "required": False, "many": False},
    },
    "ownership": {"type": "Inherited", "path": "service"},
}

DEPLOYMENT = {
    "identifier": "deployment",
    "title": "Deployment",
    "icon": "Deployment",
    "description": "What one CI run did to one service in one environment.",
    "schema": {
        "properties": {
            **_LIVE,
            "status": _STATUS,
            "kind": {"type": "string", "title": "Kind"},
            "gate": {
                "type": "string",
                "title": "Gate",
                "description": "How it passed the gate: by a claim, or by the receipt of a check.",
                "enum": Gate.values,
                "enumColors": {"claim": "green", "receipt": "green", "ungated": "orange"},
            },
            "startedAt": {"type": "string", "format": "date-time", "title": "Started at"},
            "finishedAt": {"type": "string", "format": "date-time", "title": "Finished at"},
            "jobUrl": {"type": "string", "format": "url", "title": "CI run"},
        },
        "required": [],
    },
    "relations": {
        "deploymentConfig": {
            "title": "Deployment Config",
            "target": "deploymentConfig",
            "required": False,
            "many": False,
        }
    },
    "ownership": {"type": "Inherited", "path": "deploymentConfig.service"},
}

# Properties of a config that are addresses by themselves: their name, their icon and their kind of log source.
LINKS = {
    "logsUrl": ("Logs", "file-text", "application"),
    "platformLogsUrl": ("Platform logs", "server", "platform"),
    "errorsUrl": ("Errors", "bug", "errors"),
    "sessionsUrl": ("Sessions", "eye", "sessions"),
    "tracesUrl": ("Traces", "route", "traces"),
    "serviceMapUrl": ("Service map", "map", "traces"),
    "metricsUrl": ("Metrics", "activity", "metrics"),
}
