"""What forges and tools tell of deployments, in the words of a report."""

from collections.abc import Callable, Mapping
from typing import Any

from deployments.models import Hook
from deployments.payloads import cdevents, github, gitlab, signed
from deployments.payloads.told import Ignored, Removed, Told

Json = dict[str, Any]

READERS: dict[str, Callable[[Mapping[str, str], Json, Hook], Told]] = {
    Hook.Kind.GITHUB: github.read,
    Hook.Kind.GITLAB: gitlab.read,
    Hook.Kind.CDEVENTS: cdevents.read,
    Hook.Kind.SIGNED: signed.read,
}

__all__ = ["READERS", "Ignored", "Removed", "Told"]
