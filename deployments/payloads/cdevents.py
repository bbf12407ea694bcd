"""CDEvents of services, as CloudEvents in structured or in binary mode, or bare."""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, unquote

from deployments.models import Hook
from deployments.payloads.told import Ignored, Payload, Removed, Told, filled, header
from portal.kit.errors import Invalid

Json = dict[str, Any]

PREFIX = "dev.cdevents.service."
KINDS = {"deployed": "deploy", "upgraded": "deploy", "rolledback": "rollback", "removed": ""}


def read(headers: Mapping[str, str], data: Json, hook: Hook) -> Told:
    event = event_of(data)
    name = event("context.type") or header(headers, "ce-type")
    verb = name.removeprefix(PREFIX).split(".")[0]
    if not name.startswith(PREFIX) or verb not in KINDS:
        raise Ignored(f"The event “{name or 'without a type'}” is none that deploys a service.")
    told = _told(event, KINDS[verb])
    if verb == "removed":
        raise Removed(told)
    return told


def event_of(data: Json) -> Payload:
    """The event itself; in structured mode it is the data of its envelope."""
    inner = data.get("data") if "specversion" in data else data
    if not isinstance(inner, dict):
        raise Invalid.at("data", "must be the event, as a JSON object")
    return Payload(inner)


def identity(headers: Mapping[str, str], data: Json) -> str:
    """What makes a delivery of it the same as another: CloudEvents are one by source and id."""
    outer, context = Payload(data), event_of(data)
    source = outer("source") or header(headers, "ce-source") or context("context.source")
    number = outer("id") or header(headers, "ce-id") or context("context.id")
    return f"{source} {number}" if number else ""


def _told(event: Payload, kind: str) -> Told:
    subject, artifact = event.needed("subject.id"), event("subject.content.artifactId")
    body = filled(
        environment=event("subject.content.environment.id"),
        status="success",
        kind=kind,
        version=version_of(artifact),
        artifact=artifact[:500],
        finished_at=event("context.timestamp"),
        ci=filled(provider="cdevents", run=f"{event('context.source')} {event.needed('context.id')}".strip()),
        extra=filled(chainId=event("context.chainId")),
    )
    return Told(body, names=(subject, subject.rstrip("/").rpartition("/")[2]))


def version_of(artifact: str) -> str:
    """Of a package URL: the tag where it has one, else what stands behind the @."""
    found = re.match(r"pkg:[^@?#]+(?:@(?P<version>[^?#]*))?(?:\?(?P<more>[^#]*))?", artifact)
    if not found:
        return artifact[:300]
    tags = parse_qs(found["more"] or "").get("tag", [])
    return (tags[0] if tags else unquote(found["version"] or ""))[:300]
