"""Environments made by GitHub workflows: started by `workflow_dispatch`, found again by the name of their run, and waited for.

GitHub does not say which run a dispatch has started, so the key of the step is in the run's name:
`run-name: env ${{ inputs.key }}`.
"""

import json
import re
from collections.abc import Iterable
from typing import Any

from deployments.environments.models import Template
from deployments.environments.providers import Answer, Call, Found
from portal.audit.subscribers import Hopeless, RetryLater
from portal.github import client
from portal.kit.errors import Invalid

Json = dict[str, Any]

REPOSITORY = re.compile(r"[\w.-]{1,100}/[\w.-]{1,100}", re.ASCII)
WORKFLOW = re.compile(r"[\w.-]{1,200}", re.ASCII)
REF = re.compile(r"[\w./-]{1,200}", re.ASCII)
RIGHTS = {"actions": "write"}
AGAIN = 10.0  # seconds
# How many of the newest runs are looked through for ours.
LATEST = 100


class Workflow:
    def check(self, template: Template) -> None:
        """Each step has `repository`, `workflow`, and `ref` where it is not main."""
        for phase in ("provision", "sleep", "wake", "teardown", "verify"):
            for each in template.steps(phase):
                path = f"spec.{phase}.{each['name']}"
                for name, pattern in (("repository", REPOSITORY), ("workflow", WORKFLOW)):
                    if not isinstance(each.get(name), str) or not pattern.fullmatch(each[name]):
                        example = "acme/envs" if name == "repository" else "env.yml"
                        raise Invalid.at(f"{path}.{name}", f"must be such as {example}")
                if not isinstance(each.get("ref", "main"), str) or not REF.fullmatch(each.get("ref", "main")):
                    raise Invalid.at(f"{path}.ref", "must be a branch or a tag")

    def run(self, call: Call) -> Answer:
        """A run that was started under this key already is not started again, unless it has failed."""
        try:
            found = _run_of(call)
            if found and not _has_failed(found):
                return _read(found, call, 0)
            _dispatch(call)
            return Answer("waiting", ticket={"after": _number(found)}, after=AGAIN)
        except (RetryLater, Hopeless, client.NotTaken) as error:
            hopeless = isinstance(error, Hopeless | client.NotTaken)
            return Answer("failed", error=str(error), hopeless=hopeless)

    def poll(self, call: Call, ticket: Json) -> Answer:
        try:
            after = int(ticket.get("after") or 0)
            return _read(_run_of(call, after), call, after)
        except RetryLater as busy:
            return Answer("waiting", error=str(busy), ticket=ticket, after=busy.after or AGAIN)
        except (Hopeless, client.NotTaken) as error:
            return Answer("failed", error=str(error))

    def lists(self, template: Template) -> bool:
        return False

    def list(self, template: Template) -> Iterable[Found]:
        return []


def _dispatch(call: Call) -> None:
    inputs = {
        "key": call.key,
        "phase": call.phase,
        "step": call.name,
        "label": call.label,
        "fence": str(call.fence),
        "inputs": json.dumps(call.inputs),
    }
    body = {"ref": call.step.get("ref", "main"), "inputs": inputs}
    path = f"/actions/workflows/{call.step['workflow']}/dispatches"
    client.post(call.step["repository"], path, body, permissions=RIGHTS)


def _run_of(call: Call, after: int = 0) -> Json | None:
    """The newest run whose name holds the key, and that is newer than the one with the number `after`."""
    path = f"/actions/workflows/{call.step['workflow']}/runs?event=workflow_dispatch&per_page={LATEST}"
    answer = client.read(call.step["repository"], path, permissions=RIGHTS)
    runs = answer.get("workflow_runs")
    if not isinstance(runs, list):
        raise RetryLater("GitHub's answer has no list of runs.")
    ours = [each for each in runs if isinstance(each, dict) and call.key in str(each.get("display_title", "")).split()]
    return max((each for each in ours if _number(each) > after), key=_number, default=None)


def _number(run: Json | None) -> int:
    number = (run or {}).get("id")
    return number if isinstance(number, int) else 0


def _has_failed(run: Json) -> bool:
    return run.get("status") == "completed" and run.get("conclusion") != "success"


def _read(run: Json | None, call: Call, after: int) -> Answer:
    if run is None or run.get("status") != "completed":
        page = str((run or {}).get("html_url", ""))
        return Answer("waiting", output=page, ticket={"after": after}, after=AGAIN)
    conclusion, page = run.get("conclusion"), str(run.get("html_url", ""))
    if conclusion == "success":
        # A verification that succeeds has found nothing.
        return Answer("gone" if call.phase == "verify" else "done", output=page)
    return Answer("failed", output=page, error=f"The run ended with {conclusion}: {page}")
