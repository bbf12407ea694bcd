"""The instances (regions, hosts, shards) that one deployment reaches one after the other, and how far it has come."""

from dataclasses import dataclass
from typing import Any

from deployments.models import LEVEL, Deployment, Status
from portal.kit.errors import Conflict

Json = dict[str, Any]
Key = tuple[str, str]

MOST = 500
LONGEST_NAME = 200


@dataclass(frozen=True)
class Rollout:
    """`done` of `total` instances run `version`."""

    done: int
    total: int
    version: str

    def __str__(self) -> str:
        return f"{self.done} of {self.total} on {self.version}"


def of(deployment: Deployment) -> list[Json]:
    """Each with its name, region, status, and the version and commit that it was given: its own, else the deployment's."""
    return [
        {
            "name": each["name"],
            "region": each.get("region"),
            "status": each["status"],
            "version": each.get("version") or deployment.version or None,
            "commit": each.get("commit") or deployment.commit or None,
        }
        for each in _known(deployment.instances)
    ]


def rollout(deployment: Deployment | None) -> Rollout | None:
    """How far it has come; None for one that has named no instances."""
    found = of(deployment) if deployment else []
    if deployment is None or not found:
        return None
    # One that says nothing of its own runs what the deployment brought.
    ours = deployment.version or None, deployment.commit or None
    done = [each for each in found if each["status"] == Status.SUCCESS and (each["version"], each["commit"]) == ours]
    return Rollout(len(done), len(found), deployment.version or deployment.commit[:7])


def merged(old: Any, new: list[Json] | None) -> list[Json] | None:
    """What two reports of one run tell together, whichever came first: of each instance what has come further.

    Raises Conflict where two say different things of an instance that has come equally far.
    """
    if new is None:
        return _known(old) or None
    found = {_key(each): each for each in _known(old)}
    for each in new:
        key = _key(each)
        found[key] = _further(found[key], each) if key in found else each
    return ordered(found.values())


def ordered(instances: Any) -> list[Json]:
    return sorted(instances, key=_key)


def _further(one: Json, other: Json) -> Json:
    levels = LEVEL[Status(one["status"])], LEVEL[Status(other["status"])]
    if levels[0] != levels[1]:
        return one if levels[0] > levels[1] else other
    differing = [
        name
        for name in ("status", "version", "commit")
        if one.get(name, other.get(name)) != other.get(name, one.get(name))
    ]
    if differing:
        where = f"{one.get('region', '')} {one['name']}".strip()
        raise Conflict(
            f"This run has already reported another {' and '.join(differing)} of the instance “{where}”.",
            code="deployment_conflict",
            differs_in=[f"instances.{where}.{name}" for name in differing],
        )
    return one | other


def _key(instance: Json) -> Key:
    return instance["name"], instance.get("region", "")


def _known(instances: Any) -> list[Json]:
    """Before instances were read, anything could be kept under their name."""
    if not isinstance(instances, list):
        return []
    return [
        each for each in instances if isinstance(each, dict) and "name" in each and each.get("status") in Status.values
    ]
