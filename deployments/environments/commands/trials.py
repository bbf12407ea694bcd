"""What a template would do, without anybody being asked."""

import json
from typing import Any

from django.db import transaction

from deployments.environments.commands.templates import template_create, template_update
from deployments.environments.commands.work import told
from deployments.environments.models import PHASES, Environment, Template
from portal.kit.by import By
from portal.kit.clock import database_now

Json = dict[str, Any]


@transaction.atomic
def template_try(template: Template | None, wished: Json, *, secret: str = "", by: By) -> list[Json]:
    """Judges it as saving would, and takes that back. Answers each step in order: `{"phase", "name", "timeout", "told"}`,
    `told`, as JSON, what its provider would be sent, as far as that can be known.
    """
    saved = template_update(template, wished, secret=secret, by=by) if template else template_create(wished, secret=secret, by=by)  # fmt: skip
    found = [_step(saved, phase, step) for phase in PHASES for step in saved.steps(phase)]
    transaction.set_rollback(True)
    return found


def _step(template: Template, phase: str, step: Json) -> Json:
    now = database_now()
    example = Environment(name=f"{template.identifier}-example", template=template, expires_at=now, hard_until=now)
    declared = template.inputs.get("properties") or {}
    beside = {name: value for name, value in step.items() if name not in ("name", "timeout")}
    return {
        "phase": phase,
        "name": step["name"],
        "timeout": step.get("timeout"),
        "told": json.dumps(
            {
                "environment": told(example) | {"id": "…"},
                "step": step["name"],
                "inputs": {name: each.get("default", "…") for name, each in declared.items()},
                "with": beside,
            },
            indent=2,
            ensure_ascii=False,
        ),
    }
