"""How a hook stands on its page, with what to enter at the sender."""

from typing import Any

from django.conf import settings
from django.urls import reverse

from deployments.models import Hook
from deployments.payloads import proof
from deployments.tables.ingest import look_of

Row = dict[str, Any]

# What the sender has to be told beside the address.
STEPS = {
    Hook.Kind.GITHUB: "In the repository or the organisation: Settings, Webhooks, Add webhook. Content type application/json, "
    "the hook’s secret, and the events Deployments, Deployment statuses and, if workflows are mapped, Workflow runs.",
    Hook.Kind.GITLAB: "In the project or the group: Settings, Webhooks, Add new webhook. The hook’s secret as secret token, and "
    "the trigger Deployment events.",
    Hook.Kind.CDEVENTS: "Send CloudEvents over HTTP, structured or binary, with the header Authorization: Bearer and the "
    "hook’s secret.",
    Hook.Kind.SIGNED: f"Send what POST /v1/deployments takes. {proof.TIMESTAMP}: seconds since 1970. {proof.SIGNATURE}: sha256= and "
    "the HMAC-SHA256, in hexadecimal, of the timestamp, a dot and the body.",
}


def hook_row(hook: Hook) -> Row:
    last = getattr(hook, "last_outcome", None)
    colour, icon = look_of(last or "")
    return {
        "id": hook.pk,
        "name": hook.name,
        "kind": hook.get_kind_display(),
        "enabled": hook.enabled,
        "creates_services": hook.creates_services,
        "workflows": sorted(hook.workflows.items()),
        "address": settings.BASE_URL + hook.path,
        "steps": STEPS[Hook.Kind(hook.kind)],
        "last_at": getattr(hook, "last_at", None),
        "last_outcome": last,
        "colour": colour,
        "icon": icon,
        "log_url": reverse("deployments:ingest", query={"sender": hook.name}),
        "edit_url": reverse("admin:deployments_hook_change", args=[hook.pk]),
    }
