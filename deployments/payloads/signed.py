"""A report as /v1/deployments takes it; what is said of it is judged where it is taken in."""

from collections.abc import Mapping
from typing import Any

from deployments.models import Hook
from deployments.payloads.told import Ignored, Told

Json = dict[str, Any]


def read(headers: Mapping[str, str], data: Json, hook: Hook) -> Told:
    if not data.keys() & {"service", "environment"}:
        raise Ignored("It names neither a service nor an environment.")
    return Told(data)
