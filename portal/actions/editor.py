"""The form that makes or changes an action: its definition as the API takes it, with examples to begin from."""

import json
from typing import Any

from django import forms

from portal.actions.commands import action_create, action_replace
from portal.actions.models import Action
from portal.kit import jsontext
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.forms import refuse

Json = dict[str, Any]

_SERVICE: Json = {"type": "self-service", "operation": "DAY-2", "blueprintIdentifier": "service"}
_REASON: Json = {"type": "string", "title": "Reason", "minLength": 3}
# Name in the address: what it is called, and what one begins from.
EXAMPLES: dict[str, tuple[str, Json]] = {
    "webhook": (
        "A webhook",
        {
            "identifier": "restart",
            "title": "Restart",
            "description": "Starts one service again, in one environment.",
            "trigger": _SERVICE
            | {
                "userInputs": {
                    "properties": {
                        "environment": {
                            "type": "string",
                            "title": "Environment",
                            "format": "entity",
                            "blueprint": "environment",
                        },
                        "reason": _REASON,
                    },
                    "required": ["environment", "reason"],
                }
            },
            "invocationMethod": {
                "type": "WEBHOOK",
                "url": "https://ci.example.org/restart",
                "body": {
                    "service": "{{ .entity.identifier }}",
                    "environment": "{{ .inputs.environment }}",
                    "run": "{{ .run.id }}",
                },
            },
        },
    ),
    "github": (
        "A GitHub workflow",
        {
            "identifier": "new-service",
            "title": "New service",
            "description": "A repository from the template, a pipeline, and an entry in the catalog.",
            "trigger": {
                "type": "self-service",
                "operation": "CREATE",
                "blueprintIdentifier": "service",
                "userInputs": {
                    "properties": {"name": {"type": "string", "title": "Name", "pattern": "^[a-z][a-z0-9-]{2,30}$"}},
                    "required": ["name"],
                },
            },
            "invocationMethod": {
                "type": "GITHUB",
                "org": "your-organisation",
                "repo": "platform",
                "workflow": "scaffold.yml",
                "workflowInputs": {"name": "{{ .inputs.name }}", "run": "{{ .run.id }}"},
            },
            "requiredApproval": True,
        },
    ),
    "entity": (
        "An entry in the catalog",
        {
            "identifier": "register-service",
            "title": "Register a service",
            "description": "The portal writes it itself, with the rights of who asks.",
            "trigger": {
                "type": "self-service",
                "operation": "CREATE",
                "blueprintIdentifier": "service",
                "userInputs": {
                    "properties": {
                        "name": {"type": "string", "title": "Name"},
                        "repository": {"type": "string", "title": "Repository", "format": "url"},
                    },
                    "required": ["name"],
                },
            },
            "invocationMethod": {
                "type": "UPSERT_ENTITY",
                "blueprintIdentifier": "service",
                "mapping": {
                    "identifier": "{{ .inputs.name }}",
                    "title": "{{ .inputs.name }}",
                    "properties": {"repository": "{{ .inputs.repository }}"},
                },
            },
        },
    ),
    "automation": (
        "An automation",
        {
            "identifier": "tell-of-new-services",
            "title": "Tell of new services",
            "trigger": {
                "type": "automation",
                "event": {"type": "ENTITY_CREATED", "blueprintIdentifier": "service"},
            },
            "invocationMethod": {
                "type": "WEBHOOK",
                "url": "https://chat.example.org/hook",
                "body": {"text": "{{ .event.diff.after.title }} is new in the catalog."},
            },
            "publish": True,
        },
    ),
}


class ActionForm(forms.Form):
    """`save` answers the action, or None with what is wrong on the form."""

    template = "actions/action_form.html"
    body = forms.CharField(
        label="The action as JSON",
        strip=False,
        widget=forms.Textarea(attrs={"rows": 28, "spellcheck": "false", "class": "mono"}),
    )

    def __init__(self, data: Any, action: Action | None, *, by: By, example: str = "webhook") -> None:
        body = action.as_sent if action else EXAMPLES[example][1]
        super().__init__(data, initial={"body": json.dumps(body, indent=2, ensure_ascii=False)})
        self.action, self.by = action, by

    def save(self) -> Action | None:
        try:
            body = jsontext.read_object(self.cleaned_data["body"])
            return action_replace(self.action, body, by=self.by) if self.action else action_create(body, by=self.by)
        except PortalError as error:
            refuse(self, error)
            return None
