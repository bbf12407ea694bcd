"""What GitHub asks when an environment of a repository has the portal as a deployment protection rule."""

import re
from dataclasses import dataclass
from typing import Any

from catalog.schema.validate import check_shape
from portal.kit.errors import Invalid

Json = dict[str, Any]
_TEXT = {"type": "string", "minLength": 1, "maxLength": 1000}
_ID = {"type": "integer", "minimum": 1, "maximum": 2**63 - 1}
SHAPE = {
    "type": "object",
    "properties": {
        "environment": _TEXT,
        "deployment_callback_url": _TEXT,
        "deployment": {
            "type": ["object", "null"],
            "properties": {"sha": {"type": "string"}, "ref": {"type": "string"}},
        },
        "repository": {
            "type": "object",
            "properties": {
                "full_name": {"type": "string", "maxLength": 300},
                "html_url": _TEXT | {"pattern": "^https?://"},
            },
            "required": ["full_name", "html_url"],
        },
        "installation": {"type": "object", "properties": {"id": _ID}, "required": ["id"]},
        "sender": {"type": ["object", "null"], "properties": {"login": {"type": "string"}}},
    },
    "required": ["environment", "deployment_callback_url", "repository", "installation"],
}
CALLBACK = re.compile(
    r"/repos/([\w-]+/(?!\.\.?/)[\w.-]+)/actions/runs/([1-9]\d{0,17})/deployment_protection_rule", re.ASCII
)


@dataclass(frozen=True)
class Asked:
    """`environment_name` is GitHub's; `repository_url` its address for people, as services name it."""

    delivery: str
    installation: int
    repository: str
    repository_url: str
    run: int
    environment_name: str
    commit: str
    ref: str
    asked_by: str


def parse(body: Json, *, delivery: str, api: str) -> Asked:
    """`api` is the address of GitHub's API: the answer is owed there and nowhere else. Raises Invalid."""
    check_shape(SHAPE, body)
    if not 0 < len(delivery) <= 100:
        raise Invalid.at("X-GitHub-Delivery", "must name this delivery, in 100 characters or less")
    repository = body["repository"]
    callback = body["deployment_callback_url"]
    found = CALLBACK.fullmatch(callback.removeprefix(api)) if callback.startswith(api) else None
    if found is None or found[1].casefold() != repository["full_name"].casefold():
        raise Invalid.at("deployment_callback_url", f"must be that of a run of this repository, at {api}")
    deployment = body.get("deployment") or {}
    return Asked(
        delivery=delivery,
        installation=body["installation"]["id"],
        repository=found[1],
        repository_url=repository["html_url"],
        run=int(found[2]),
        environment_name=body["environment"],
        commit=deployment.get("sha", "")[:100],
        ref=deployment.get("ref", "")[:1000],
        asked_by=(body.get("sender") or {}).get("login", "")[:254],
    )
