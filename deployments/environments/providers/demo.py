"""The provider of the demo: a process of its own beside the portal, with real files and ports."""

import http.client
import json
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

from deployments.environments.models import Template
from deployments.environments.providers import Answer, Call, CannotList, Found, answers

Json = dict[str, Any]

MOST_BYTES = 256 * 1024
OFF = "There is no provider of the demo here (PORTCULLIS_DEMO_PROVIDER)."


class Demo:
    def check(self, template: Template) -> None:
        """It knows the steps folder, data and server; any other is only written down."""

    def run(self, call: Call) -> Answer:
        try:
            status, body = _ask("POST", "/steps", call.body, call.timeout)
        except (OSError, http.client.HTTPException, ValueError) as error:
            return Answer("failed", error=f"The provider did not answer: {error}" if settings.DEMO_PROVIDER else OFF)
        return answers.read(status, body, call)

    def poll(self, call: Call, ticket: Json) -> Answer:
        return self.run(call)

    def lists(self, template: Template) -> bool:
        return bool(settings.DEMO_PROVIDER)

    def list(self, template: Template) -> Iterable[Found]:
        try:
            status, body = _ask("GET", "/resources", None, 10)
            told = json.loads(body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise CannotList(str(error)) from error
        if status != 200:
            raise CannotList(f"It answered {status}.")
        return answers.found(told)


def _ask(method: str, path: str, body: Json | None, timeout: float) -> tuple[int, bytes]:
    """At the address that the operator set, which may be one of the house."""
    parts = urlsplit(settings.DEMO_PROVIDER)
    wire = http.client.HTTPConnection(parts.hostname or "", parts.port or 80, timeout=timeout)
    try:
        headers = {"Content-Type": "application/json"}
        wire.request(method, path, json.dumps(body).encode() if body is not None else None, headers)
        answer = wire.getresponse()
        return answer.status, answer.read(MOST_BYTES)
    finally:
        wire.close()
