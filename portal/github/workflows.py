"""Runs that workflows at GitHub do: dispatched as the App, in the repositories that the operator named, and followed."""

import re
from collections.abc import Collection
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlencode

from django.conf import settings

from portal.actions.forges import Ask, Declined, Doubtful, Job, Seen, began_since, named, texts_of
from portal.audit.subscribers import Hopeless, RetryLater
from portal.github import client
from portal.kit.clock import iso
from portal.kit.errors import Invalid

Json = dict[str, Any]

NAME = re.compile(r"(?!\.\.?$)[\w.-]{1,100}", re.ASCII)
REF = re.compile(r"[\w./#@+-]{1,200}", re.ASCII)
WRITES, READS = {"actions": "write"}, {"actions": "read"}
# Clocks differ, and GitHub counts in whole seconds.
SKEW = timedelta(seconds=10)
GOOD = ("success", "neutral", "skipped")
DETAILS = "return_run_details"


class Workflows:
    name = "GitHub"

    def missing(self, method: Json, secrets: Collection[str]) -> str:
        named = {
            "PORTCULLIS_GITHUB_APP_ID": settings.GITHUB_APP_ID,
            "PORTCULLIS_GITHUB_PRIVATE_KEY": settings.GITHUB_PRIVATE_KEY,
            "PORTCULLIS_GITHUB_WORKFLOWS": settings.GITHUB_WORKFLOWS,
        }
        lacking = [name for name, value in named.items() if not value]
        if lacking:
            verb = "is" if len(lacking) == 1 else "are"
            return f"GitHub cannot be asked: {_listed(lacking)} {verb} not set."
        repository = f"{method['org']}/{method['repo']}"
        if "{{" in repository or _is_named(repository):
            return ""
        return f"GitHub is not asked: PORTCULLIS_GITHUB_WORKFLOWS does not name {repository}."

    def follows(self, method: Json, secrets: Collection[str]) -> bool:
        return method.get("reportWorkflowStatus", True) not in (False, "false")

    def ready(self, method: Json) -> Ask:
        org, repo, workflow = (named(self.name, method, each, NAME) for each in ("org", "repo", "workflow"))
        repository = f"{org}/{repo}"
        if not _is_named(repository):
            raise Declined(f"GitHub is not asked: PORTCULLIS_GITHUB_WORKFLOWS does not name {repository}.")
        inputs = texts_of(method.get("workflowInputs"))
        ref = inputs.pop("ref", "main")
        if not REF.fullmatch(ref):
            raise Invalid.at("invocationMethod.workflowInputs.ref", f"{ref[:60]!r} is no branch or tag")
        place = {"repository": repository, "workflow": workflow, "ref": ref}
        try:
            token = client.token(repository, WRITES)
        except (Hopeless, client.NotTaken, client.Denied) as no:
            raise Declined(str(no)) from no
        except RetryLater as busy:
            raise RetryLater(str(busy), busy.after) from busy
        return Ask(place, self.follows(method, ()), lambda: _begun(place, inputs, token))

    def find(self, place: Json, since: datetime, run: str) -> list[Job]:
        begun = iso(since - SKEW)
        asked = {"event": "workflow_dispatch", "branch": place["ref"], "created": f">={begun}", "per_page": "100"}
        path = f"/actions/workflows/{place['workflow']}/runs?{urlencode(asked)}"
        rows = _read(place, path).get("workflow_runs")
        ours = [each for each in rows if _is_bots(each)] if isinstance(rows, list) else []
        return [_job(each, run) for each in ours if began_since(each, since - SKEW)]

    def look(self, place: Json, number: str) -> Seen:
        told = _read(place, f"/actions/runs/{number}")
        page = told["html_url"] if isinstance(told.get("html_url"), str) else ""
        if told.get("status") != "completed":
            return Seen("running", str(told.get("status") or "").replace("_", " "), page)
        conclusion = str(told.get("conclusion"))
        return Seen("success" if conclusion in GOOD else "failure", conclusion.replace("_", " "), page)


def _listed(names: list[str]) -> str:
    return " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _is_named(repository: str) -> bool:
    """Whoever may write an action may not start every workflow that the App reaches."""
    return any(fnmatchcase(repository.lower(), each.lower()) for each in settings.GITHUB_WORKFLOWS)


def _begun(place: Json, inputs: dict[str, str], token: str) -> Job:
    repository, workflow = place["repository"], place["workflow"]
    path = f"/actions/workflows/{workflow}/dispatches"
    body: Json = {"ref": place["ref"], "inputs": inputs}
    try:
        answer = _dispatched(repository, path, body, token)
    except client.NotThere as no:
        raise Declined(f"GitHub answered 404: {repository} has no workflow {workflow} that the App may start.") from no
    except client.Denied as no:
        raise Declined(f"{no}. The App needs Actions: read and write on {repository}.") from no
    except (Hopeless, client.NotTaken) as no:
        raise Declined(str(no)) from no
    except client.Unsure as silence:
        raise Doubtful(str(silence), silence.after, again=silence.answered) from silence
    number, page = answer.get("workflow_run_id"), answer.get("html_url")
    if not isinstance(number, int):
        return Job()
    return Job(str(number), page if isinstance(page, str) else "")


def _dispatched(repository: str, path: str, body: Json, token: str) -> Json:
    """Servers that do not know the word for it yet say nothing of the run that began, or refuse the word."""
    try:
        return client.ask("POST", repository, path, body | {DETAILS: True}, token)
    except (Hopeless, client.NotTaken) as no:
        if DETAILS not in str(no):
            raise
        return client.ask("POST", repository, path, body, token)


def _read(place: Json, path: str) -> Json:
    try:
        return client.read(place["repository"], path, permissions=READS)
    except (Hopeless, client.NotTaken, client.Denied) as no:
        raise Declined(str(no)) from no


def _is_bots(row: Any) -> bool:
    """What a person has started at GitHub is not ours."""
    who = (row.get("triggering_actor") or row.get("actor") or {}) if isinstance(row, dict) else {}
    return bool(who.get("type") == "Bot" and isinstance(row.get("id"), int))


def _job(row: Json, run: str) -> Job:
    return Job(str(row["id"]), str(row.get("html_url") or ""), run in str(row.get("display_title", "")).split())
