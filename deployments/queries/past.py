"""Pairs as they were at an instant: valid time over everything that is known now, in one statement for all of them."""

from collections.abc import Iterable
from datetime import datetime

from django.db import connection

from deployments.models import Deployment, DeploymentConfig, Status
from deployments.queries.order import LATEST_FIRST, SUCCESS

_BEGUN = "coalesce(d.started_at, d.finished_at, d.reported_at)"
_STOOD = f"""
    select config.id,
        (select d.id from deployments_deployment d
        where d.config_id = config.id and {SUCCESS.format("d")} and d.finished_at <= %(at)s
        order by {LATEST_FIRST.format("d")} limit 1),
        (select d.id from deployments_deployment d
        where d.config_id = config.id and d.kind in ('deploy', 'rollback') and {_BEGUN} <= %(at)s
        order by {_BEGUN} desc, d.provider desc, d.run desc, d.attempt desc, d.id desc limit 1)
    from unnest(%(configs)s::bigint[]) config (id)
"""


def put_back(configs: Iterable[DeploymentConfig], at: datetime) -> None:
    """Sets what was live in them at the instant, and the latest attempt. Not to be saved."""
    known = {config.pk: config for config in configs}
    for key, (current, latest) in stood(known, at).items():
        known[key].current_id, known[key].latest_id = current, latest


def stood(configs: Iterable[int], at: datetime) -> dict[int, tuple[int | None, int | None]]:
    """What was live in each of these at the instant, and the latest attempt, by their keys."""
    with connection.cursor() as cursor:
        cursor.execute(_STOOD, {"configs": list(configs), "at": at})
        return {config: (current, latest) for config, current, latest in cursor.fetchall()}


def as_it_was(deployment: Deployment, at: datetime) -> Deployment:
    """What had not ended then was still on its way. Not to be saved."""
    if deployment.finished_at and deployment.finished_at > at:
        deployment.status = Status.IN_PROGRESS
    return deployment
