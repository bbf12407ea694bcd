"""An address that makes and unmakes environments: signed calls in JSON, answered at once, by a callback, or when asked again."""

import json
from collections.abc import Iterable
from typing import Any

from django.utils import timezone

from deployments.environments.models import Template
from deployments.environments.providers import Answer, Call, CannotList, Found, answers
from portal.kit import outgoing
from portal.kit.errors import Conflict, Invalid
from portal.kit.outgoing import NoAnswer, NotAllowed
from portal.kit.seal import unseal

Json = dict[str, Any]

# Where it only calls back, its word is waited for so long at a time.
QUIET = 60.0
MOST = 60.0  # seconds of one call; what takes longer answers 202


class Webhook:
    def check(self, template: Template) -> None:
        """`spec.url` takes the steps that have no url of their own; `spec.list` says what there is."""
        if not template.secret:
            raise Invalid.at("secret", "a webhook has a secret, by which it knows the portal")
        urls = {"spec.url": template.spec.get("url"), "spec.list": template.spec.get("list")}
        for phase in ("provision", "sleep", "wake", "teardown", "verify"):
            for each in template.steps(phase):
                path = f"spec.{phase}.{each['name']}.url"
                urls[path] = each.get("url")
                if not each.get("url") and not template.spec.get("url"):
                    raise Invalid.at(path, "has no address, and neither has spec.url")
        for path, url in urls.items():
            if url is not None:
                _check(url, path)

    def run(self, call: Call) -> Answer:
        url = str(call.step.get("url") or call.template.spec["url"])
        return self._ask("POST", url, json.dumps(call.body).encode(), call)

    def poll(self, call: Call, ticket: Json) -> Answer:
        url = ticket.get("url")
        if not url:
            return Answer("waiting", after=QUIET)
        answer = self._ask("GET", url, b"", call)
        # One that says no more where to ask is asked there again.
        return answer if answer.state != "waiting" or answer.ticket else _at(answer, url)

    def lists(self, template: Template) -> bool:
        return bool(template.spec.get("list"))

    def list(self, template: Template) -> Iterable[Found]:
        raw = json.dumps({"list": "portal-env"}).encode()
        try:
            answer = outgoing.post(template.spec["list"], raw, _headers(template, raw))
            told = json.loads(answer.body) if answer.status == 200 else None
        except (NotAllowed, NoAnswer, ValueError, RecursionError, Conflict) as error:
            raise CannotList(str(error)) from error
        if told is None:
            raise CannotList(f"It answered {answer.status}.")
        return answers.found(told)

    def _ask(self, method: str, url: str, raw: bytes, call: Call) -> Answer:
        headers = _headers(call.template, raw) | {"X-Portcullis-Key": call.key, "X-Portcullis-Fence": str(call.fence)}
        try:
            answer = outgoing.call(method, url, raw or None, headers, timeout=min(call.timeout, MOST))
        except NotAllowed as error:
            return Answer("failed", error=str(error), hopeless=True)
        except NoAnswer as error:
            return Answer("failed", error=str(error))
        return answers.read(answer.status, answer.body, call)


def _headers(template: Template, raw: bytes) -> dict[str, str]:
    signed = outgoing.signature(unseal(template.secret), raw, timezone.now())
    return {"Content-Type": "application/json", "User-Agent": "Portcullis"} | signed


def _at(answer: Answer, url: str) -> Answer:
    return Answer("waiting", output=answer.output, ticket={"url": url}, after=answer.after)


def _check(url: Any, path: str) -> None:
    if not isinstance(url, str) or len(url) > 2000:
        raise Invalid.at(path, "must be an address")
    try:
        outgoing.check(url)
    except NotAllowed as error:
        raise Invalid.at(path, str(error)) from error
