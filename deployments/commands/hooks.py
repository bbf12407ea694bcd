"""Hooks: made, changed and taken away."""

from typing import Any

from django.db import transaction

from deployments.models import Hook
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.database import taken
from portal.kit.errors import Conflict, Invalid
from portal.kit.seal import seal, unseal

Json = dict[str, Any]

SHORTEST_SECRET = 16
MOST_WORKFLOWS = 100


@transaction.atomic
def hook_create(wished: Json, *, secret: str, by: By) -> Hook:
    """`wished` holds name, kind, enabled, creates_services and workflows; whoever sends to it signs with `secret`."""
    require(by, "hook.write")
    hook = Hook()
    _fill(hook, wished, secret)
    if not secret:
        raise Invalid.at("secret", "a hook has a secret, by which its sender proves itself")
    _save(hook)
    record("hook.created", hook.noun(), by=by, after=hook.facts())
    return hook


@transaction.atomic
def hook_update(hook: Hook, wished: Json, *, secret: str = "", by: By) -> Hook:
    """Its address stays, and its secret where none is given."""
    require(by, "hook.write")
    hook = Hook.objects.select_for_update().get(pk=hook.pk)
    before, known = hook.facts(), hook.secret
    _fill(hook, wished, secret)
    after = hook.facts()
    changed = bool(secret) and unseal(hook.secret) != _unsealed(known)
    if after != before or changed:
        _save(hook)
        record(
            "hook.updated",
            hook.noun(),
            by=by,
            before=before,
            after=after,
            payload={"secret": "changed"} if changed else {},
        )
    return hook  # fmt: skip


@transaction.atomic
def hook_delete(hook: Hook, *, by: By) -> None:
    """What it brought stays."""
    require(by, "hook.write")
    hook = Hook.objects.select_for_update().get(pk=hook.pk)
    record("hook.deleted", hook.noun(), by=by, before=hook.facts())
    hook.delete()


def _unsealed(sealed: str) -> str:
    try:
        return unseal(sealed)
    except Conflict:
        return ""  # sealed under a key that is no more: any secret is another


def _fill(hook: Hook, wished: Json, secret: str) -> None:
    for name in ("name", "kind", "enabled", "creates_services", "workflows"):
        if name in wished:
            setattr(hook, name, wished[name])
    hook.name = hook.name.strip()
    if not 1 <= len(hook.name) <= 100:
        raise Invalid.at("name", "must be a text of 1 to 100 characters")
    if hook.kind not in Hook.Kind.values:
        raise Invalid.at("kind", f"must be one of {', '.join(Hook.Kind.values)}")
    _check_workflows(hook.workflows)
    if secret:
        if len(secret) < SHORTEST_SECRET:
            raise Invalid.at("secret", f"must be of {SHORTEST_SECRET} characters or more")
        hook.secret = seal(secret)


def _check_workflows(workflows: Any) -> None:
    pairs = list(workflows.items()) if isinstance(workflows, dict) else None
    if (
        pairs is None
        or len(pairs) > MOST_WORKFLOWS
        or not all(isinstance(text, str) and text for text in workflows.values())
    ):
        raise Invalid.at("workflows", f"must lead up to {MOST_WORKFLOWS} names of workflows to an environment each")  # fmt: skip


def _save(hook: Hook) -> None:
    with taken("name", f"There is a hook called “{hook.name}” already."):
        hook.save()
