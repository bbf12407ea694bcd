"""The deployment events of GitLab's webhooks."""

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from deployments.models import Hook, Status
from deployments.payloads.told import Ignored, Payload, Told, filled, web
from portal.kit.errors import Invalid

Json = dict[str, Any]

STATES = {
    "created": Status.PENDING,
    "blocked": Status.PENDING,
    "running": Status.IN_PROGRESS,
    "success": Status.SUCCESS,
    "failed": Status.FAILURE,
    "canceled": Status.CANCELLED,
}
ENDED = {Status.SUCCESS, Status.FAILURE, Status.CANCELLED}


def read(headers: Mapping[str, str], data: Json, hook: Hook) -> Told:
    payload = Payload(data)
    if payload("object_kind") != "deployment":
        raise Ignored(f"Of GitLab's events “{payload('object_kind') or 'without a name'}” tells of no deployment.")
    state = payload.needed("status")
    if state not in STATES:
        raise Ignored(f"“{state}” changes nothing about the deployment itself.")
    status, changed = STATES[state], _instant(payload("status_changed_at"))
    body = filled(
        environment=payload.needed("environment"),
        status=status.value,
        commit=_commit(payload),
        ref=payload("ref"),
        message=payload("commit_title"),
        actor=payload("user.username") or payload("user.name"),
        started_at=changed if status == Status.IN_PROGRESS else "",
        finished_at=changed if status in ENDED else "",
        ci=filled(provider="gitlab", run=_run(payload), url=web(payload("deployable_url"))),
        repository=web(payload("project.web_url")),
    )
    full = payload.needed("project.path_with_namespace")
    repositories = (web(payload("project.web_url")), web(payload("project.git_http_url")), full)
    return Told(body, repositories, (full.rpartition("/")[2], full))


def _run(payload: Payload) -> str:
    """The job, as it reports itself; a deployment without one is a run of its own."""
    return payload("deployable_id") or f"deployment-{payload.needed('deployment_id')}"


def _commit(payload: Payload) -> str:
    """The whole sha stands in the address alone."""
    found = re.search(r"/commit/([0-9a-f]{7,64})$", payload("commit_url"))
    return found[1] if found else payload.needed("short_sha")


def _instant(text: str) -> str:
    """`2021-04-28 21:50:00 +0200` and `2021-04-28 19:50:00 UTC`, as GitLab writes them, beside what is in order already."""
    if not text:
        return ""
    try:
        return datetime.fromisoformat(
            re.sub(r" ?UTC$", "+00:00", text).replace(" +", "+").replace(" -", "-")
        ).isoformat()
    except ValueError as error:
        raise Invalid.at("status_changed_at", f"{text!r} is no instant") from error
