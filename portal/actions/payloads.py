"""What a program outside gets of a run: where it is to call, and what it is to say there.

Templates are not filled in yet; a run whose invocation holds one is not handed out (`runs.fetched`).
"""

from typing import Any

from portal.actions.models import Run
from portal.kit.clock import iso

Json = dict[str, Any]


def of(run: Run) -> Json | None:
    """None when nobody fetches such a run."""
    method = run.definition["invocationMethod"]
    if "{{" in str(method):
        return None
    if method["type"] == "INTEGRATION_ACTION":
        return dict(method)
    if method["type"] == "WEBHOOK" and method.get("agent") is True:
        return {"synchronized": False, "method": "POST", "headers": {}, "body": trigger_of(run), **method}
    return None


def trigger_of(run: Run) -> Json:
    """What started it, as bodies and templates name it."""
    return {
        "inputs": run.inputs,
        "trigger": {
            "by": {"userId": run.creator_key, "user": {"email": run.creator_email, "firstName": run.created_by}},
            "origin": run.source,
            "at": iso(run.created_at),
            "operation": run.definition["trigger"].get("operation"),
        },
        "entity": None if run.cause else run.about.get("entity"),
        "action": {"identifier": run.about["action"]["identifier"], "blueprint": run.blueprint or None},
        "run": {"id": run.public_id},
        "event": run.event,
    }
