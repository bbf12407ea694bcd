"""The events deployment, deployment_status and workflow_run of GitHub's webhooks."""

import re
from collections.abc import Mapping
from typing import Any

from deployments.models import Hook, Status
from deployments.payloads.told import Ignored, Payload, Told, filled, header, web

Json = dict[str, Any]

EVENT = "x-github-event"
STATES = {
    "queued": Status.PENDING,
    "pending": Status.PENDING,
    "waiting": Status.PENDING,
    "in_progress": Status.IN_PROGRESS,
    "success": Status.SUCCESS,
    "failure": Status.FAILURE,
    "error": Status.FAILURE,
}
CONCLUSIONS = {
    "success": Status.SUCCESS,
    "failure": Status.FAILURE,
    "timed_out": Status.FAILURE,
    "startup_failure": Status.FAILURE,
    "cancelled": Status.CANCELLED,
}
ENDED = {Status.SUCCESS, Status.FAILURE, Status.CANCELLED}
_VERSION = re.compile(r"v?\d+(\.\d+)*([-+.][\w.+-]+)?", re.ASCII)


def read(headers: Mapping[str, str], data: Json, hook: Hook) -> Told:
    event, payload = header(headers, EVENT), Payload(data)
    if event == "deployment":
        return _deployment(payload, Status.PENDING)
    if event == "deployment_status":
        return _deployment_status(payload)
    if event == "workflow_run":
        return _workflow_run(payload, hook.workflows)
    raise Ignored(f"Of GitHub's events “{event or 'without a name'}” tells of no deployment.")


def _deployment_status(payload: Payload) -> Told:
    state = payload.needed("deployment_status.state")
    if state == "inactive":
        raise Ignored(
            "GitHub marks a deployment inactive when a newer one came; what is live is read from the deployments."
        )
    if state not in STATES:
        raise Ignored(f"The state “{state}” of a deployment is none that the portal knows.")
    return _deployment(payload, STATES[state])


def _deployment(payload: Payload, status: Status) -> Told:
    ended = payload("deployment_status.created_at") if status in ENDED else ""
    ref = payload("deployment.ref")
    body = filled(
        environment=payload("deployment_status.environment") or payload.needed("deployment.environment"),
        status=status.value,
        kind="rollback" if payload("deployment.task").startswith("rollback") else "deploy",
        commit=payload.needed("deployment.sha"),
        version=payload("deployment.payload.version") or (ref if _VERSION.fullmatch(ref) else ""),
        ref=ref,
        message=payload("deployment.description"),
        actor=payload("deployment.creator.login"),
        started_at=payload("deployment.created_at"),
        finished_at=ended,
        ci=_run(payload),
    )
    return _of_repository(payload, body, payload("deployment.payload.service"))


def _run(payload: Payload) -> Json:
    """The run of Actions, as its job reports it itself; else the deployment is one of its own."""
    page = web(
        payload("deployment_status.log_url"), payload("deployment_status.target_url"), payload("workflow_run.html_url")
    )
    number = payload("workflow_run.id")
    if number:
        attempt = payload("workflow_run.run_attempt") or "1"
        return filled(provider="github", run=number, attempt=attempt, url=page)
    return filled(provider="github", run=f"deployment-{payload.needed('deployment.id')}", url=page)


def _workflow_run(payload: Payload, workflows: Mapping[str, str]) -> Told:
    name = payload("workflow_run.name") or payload("workflow.name")
    if name not in workflows:
        raise Ignored(f"The workflow “{name}” is not said to deploy anywhere.")
    conclusion, over = payload("workflow_run.conclusion"), payload("action") == "completed"
    if over and conclusion not in CONCLUSIONS:
        raise Ignored(f"The workflow run ended as “{conclusion}”: nothing was deployed.")
    running = Status.IN_PROGRESS if payload("action") == "in_progress" else Status.PENDING
    status = CONCLUSIONS[conclusion] if over else running
    commit = payload.needed("workflow_run.head_sha")
    body = filled(
        environment=workflows[name],
        status=status.value,
        commit=commit,
        ref=payload("workflow_run.head_branch"),
        message=payload("workflow_run.head_commit.message"),
        author=payload("workflow_run.head_commit.author.name"),
        actor=payload("workflow_run.triggering_actor.login") or payload("workflow_run.actor.login") or payload("sender.login"),
        started_at=payload("workflow_run.run_started_at") or payload("workflow_run.created_at"),
        finished_at=payload("workflow_run.updated_at") if over else "",
        ci=filled(
            provider="github",
            run=payload.needed("workflow_run.id"),
            attempt=payload("workflow_run.run_attempt") or "1",
            url=web(payload("workflow_run.html_url")),
        ),
    )  # fmt: skip
    return _of_repository(payload, body)


def _of_repository(payload: Payload, body: Json, service: str = "") -> Told:
    address, full = web(payload("repository.html_url")), payload.needed("repository.full_name")
    named = (service,) if service else (payload("repository.name"), full)
    return Told(body | filled(repository=address), () if service else (address, full), named)
