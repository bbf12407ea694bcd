"""Pipelines at GitLab, begun with the trigger token of their project, an organisation's secret."""

import json
import re
from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import quote, urlencode

from django.conf import settings

from portal.accounts.organization import secret_is_there, secret_value, secrets_there
from portal.actions.forges import Ask, Declined, Doubtful, Job, Seen, State, began_since, named, texts_of
from portal.audit.posting import AGAIN
from portal.audit.subscribers import RetryLater
from portal.kit import outgoing

Json = dict[str, Any]

# The secret that reads pipelines: without it they are begun, and not followed.
READING = "gitlab_read"
GROUP = re.compile(r"(?!.*\.\.)[\w.-]{1,100}(/[\w.-]{1,100}){0,19}", re.ASCII)
PROJECT = re.compile(r"(?!.*\.\.)[\w.-]{1,100}", re.ASCII)
REF = re.compile(r"[\w./#@+-]{1,200}", re.ASCII)
ENDS: dict[str, State] = {"success": "success", "failed": "failure", "canceled": "failure", "skipped": "failure"}
SAID = 300


class Pipelines:
    name = "GitLab"

    def missing(self, method: Json, secrets: Collection[str]) -> str:
        group, project = str(method["groupName"]), str(method["projectName"])
        return "" if "{{" in group + project or _token_of(group, project) in secrets else _lacking(group, project)

    def follows(self, method: Json, secrets: Collection[str]) -> bool:
        return READING in secrets

    def ready(self, method: Json) -> Ask:
        group, project = named(self.name, method, "groupName", GROUP), named(self.name, method, "projectName", PROJECT)
        ref = named(self.name, {"defaultRef": "main"} | method, "defaultRef", REF)
        token = secret_value(_token_of(group, project))
        if token is None:
            raise Declined(_lacking(group, project))
        place = {"project": f"{group}/{project}", "ref": ref}
        given = {f"variables[{name}]": text for name, text in texts_of(method.get("pipelineVariables")).items()}
        form = urlencode({"token": token, "ref": ref} | given).encode()
        return Ask(place, self.follows(method, secrets_there()), lambda: _begun(place, form))

    def find(self, place: Json, since: datetime, run: str) -> list[Job]:
        asked = {"source": "trigger", "ref": place["ref"], "order_by": "id", "per_page": "20"}
        rows = _read(place, f"pipelines?{urlencode(asked)}")
        return [_job(each) for each in rows if began_since(each, since)] if isinstance(rows, list) else []

    def look(self, place: Json, number: str) -> Seen:
        told = _read(place, f"pipelines/{quote(number, safe='')}")
        word = str(told.get("status")) if isinstance(told, dict) else ""
        if not word:
            raise RetryLater("GitLab's answer says no status.")
        return Seen(ENDS.get(word, "running"), word.replace("_", " "))


def _token_of(group: str, project: str) -> str:
    """The name of the secret. That of another kind of secret can never come out."""
    return "gitlab_" + re.sub(r"[^A-Za-z0-9_-]", "_", f"{group}_{project}")[:93]


def _lacking(group: str, project: str) -> str:
    return (
        f"GitLab cannot be asked: there is no secret {_token_of(group, project)}, "
        f"which holds the trigger token of {group}/{project} (Webhooks, Secrets)."
    )


def _begun(place: Json, form: bytes) -> Job:
    url = f"{_project(place)}/trigger/pipeline"
    try:
        kind = {"Content-Type": "application/x-www-form-urlencoded", "User-Agent": "Portcullis"}
        answer = outgoing.post(url, form, kind)
    except outgoing.NotAllowed as no:
        raise Declined(str(no)) from no
    except (outgoing.NotReached, outgoing.NotAsked) as silence:
        raise RetryLater(str(silence)) from silence
    except outgoing.NoAnswer as silence:
        raise Doubtful(str(silence)) from silence
    if 200 <= answer.status < 300:
        return _job(_parsed(answer))
    told = f"GitLab answered {answer.status}: {_said(answer)}"
    if answer.status in AGAIN or answer.status == 503:
        raise RetryLater(told, answer.retry_after)
    if answer.status >= 500:
        raise Doubtful(told, answer.retry_after, again=secret_is_there(READING))
    why = {401: " Is its trigger token right?", 403: " Is its trigger token right?"}.get(answer.status, "")
    why = f" Is {place['project']} there, and its trigger token right?" if answer.status == 404 else why
    raise Declined(f"{told}.{why}")


def _read(place: Json, path: str) -> Any:
    token = secret_value(READING)
    if not token:
        raise Declined(f"Without the secret {READING}, a token that reads pipelines, GitLab cannot be looked at.")
    headers = {"PRIVATE-TOKEN": token, "User-Agent": "Portcullis"}
    try:
        answer = outgoing.call("GET", f"{_project(place)}/{path}", None, headers)
    except outgoing.NotAllowed as no:
        raise Declined(str(no)) from no
    except outgoing.NoAnswer as silence:
        raise RetryLater(str(silence)) from silence
    told = f"GitLab answered {answer.status}: {_said(answer)}"
    if answer.status >= 500 or answer.status in AGAIN:
        raise RetryLater(told, answer.retry_after)
    if not 200 <= answer.status < 300:
        raise Declined(f"{told}. Does the secret {READING} read {place['project']}?")
    return _parsed(answer)


def _project(place: Json) -> str:
    return f"{settings.GITLAB_URL}/api/v4/projects/{quote(place['project'], safe='')}"


def _parsed(answer: outgoing.Answer) -> Any:
    try:
        return json.loads(answer.body)
    except ValueError:
        return {}


def _job(told: Any) -> Job:
    known = told if isinstance(told, dict) else {}
    number, url = known.get("id"), known.get("web_url")
    return Job(str(number) if isinstance(number, int) else "", url if isinstance(url, str) else "")


def _said(answer: outgoing.Answer) -> str:
    """GitLab says why in `message` or `error`, as a text or as an object of lists."""
    told = _parsed(answer)
    why = (told.get("message") or told.get("error")) if isinstance(told, dict) else None
    return (why if isinstance(why, str) else json.dumps(why) if why else "without a word")[:SAID]
