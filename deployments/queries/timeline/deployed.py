"""Deployments as happenings: at their end, or at their beginning while they run."""

from collections.abc import Sequence
from typing import Any

from django.db.models import Q, QuerySet

from deployments.models import Deployment, DeploymentConfig, Status, happened
from deployments.queries.order import steps, steps_of
from deployments.queries.places import deployments, visible
from deployments.queries.timeline.registry import Asked, Happening, Look, Source, newest
from portal.kit.by import By

KINDS = {
    "deploy": Look("Deployed", "green", "rocket"),
    "rollback": Look("Rolled back", "orange", "undo"),
    "failure": Look("Failed", "red", "circle-x"),
    "config": Look("Setting changed", "turquoise", "settings"),
    "flag": Look("Flag changed", "purple", "tag"),
}
# Word and colour of those that have not come to what their kind says.
OTHERS = {
    Status.PENDING: ("Announced", "lightGray"),
    Status.IN_PROGRESS: ("Deploying", "blue"),
    Status.CANCELLED: ("Cancelled", "lightGray"),
}


def load(by: By, asked: Asked, limit: int) -> Sequence[Happening]:
    found = newest(_rows(by, asked).filter(_kinds(by, asked)).annotate(at=happened()), asked, "deployments", limit)
    rows = list(found.select_related("config__service").defer("changes", "extra", "instances"))
    marks = steps_of(rows)
    return [_happening(each, bool((step := marks.get(each.pk)) and step.rollback)) for each in rows]


def _rows(by: By, asked: Asked) -> QuerySet[Any]:
    rows: QuerySet[Any] = deployments(by)
    if asked.service:
        rows = rows.filter(config__service=asked.service)
    return rows.filter(config__environment=asked.environment) if asked.environment else rows


def _kinds(by: By, asked: Asked) -> Q:
    if all(map(asked.wants, KINDS)):
        return Q()
    failed = Q(kind__in=Deployment.DEPLOYS, status=Status.FAILURE)
    back = Q(kind=Deployment.Kind.ROLLBACK) | Q(kind=Deployment.Kind.DEPLOY, status=Status.ROLLED_BACK)
    if asked.wants("rollback") != asked.wants("deploy"):
        back |= Q(pk__in=_rollbacks(by, asked))
    wanted = {
        "deploy": Q(kind=Deployment.Kind.DEPLOY) & ~failed & ~back,
        "rollback": back & ~failed,
        "failure": failed,
        "config": Q(kind=Deployment.Kind.CONFIG),
        "flag": Q(kind=Deployment.Kind.FLAG),
    }
    found = Q(pk__in=[])
    for kind, which in wanted.items():
        found |= which if asked.wants(kind) else Q(pk__in=[])
    return found


def _rollbacks(by: By, asked: Asked) -> list[int]:
    """Those that say they are deploys, and put back what ran there before."""
    configs = visible(by, DeploymentConfig.objects.all())
    if asked.service:
        configs = configs.filter(service=asked.service)
    if asked.environment:
        configs = configs.filter(environment=asked.environment)
    found = steps(configs.values_list("pk", flat=True), since=asked.since, until=asked.until)
    return [each.deployment for each in found if each.rollback]


def kind_of(deployment: Deployment, is_rollback: bool) -> str:
    if deployment.kind not in Deployment.DEPLOYS:
        return deployment.kind
    if deployment.status == Status.FAILURE:
        return "failure"
    back = is_rollback or deployment.kind == Deployment.Kind.ROLLBACK or deployment.status == Status.ROLLED_BACK
    return "rollback" if back else "deploy"


def word_of(deployment: Deployment, is_rollback: bool) -> str:
    word, _ = OTHERS.get(Status(deployment.status), ("", ""))
    return word or KINDS[kind_of(deployment, is_rollback)].word


def _happening(deployment: Deployment, is_rollback: bool) -> Happening:
    kind = kind_of(deployment, is_rollback)
    word, colour = OTHERS.get(Status(deployment.status), ("", ""))
    return Happening(
        at=deployment.happened_at,
        source="deployments",
        key=deployment.pk,
        kind=kind,
        title=f"{deployment.service_identifier} {deployment.version or deployment.commit[:7]}",
        place=f"in {deployment.environment_identifier}",
        service=deployment.service_identifier,
        environment=deployment.environment_identifier,
        who=deployment.actor,
        detail=deployment.message,
        url=deployment.get_absolute_url(),
        word=word,
        colour=colour,
    )


SOURCE = Source("deployments", KINDS, load)
