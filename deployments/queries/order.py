"""The successes of a pair in their order, and what follows from it: which was live before, and whether one is the first,
a redeploy or a rollback. Read from the rows each time, so that the order in which reports come cannot matter.

The order is that of `DeploymentQuerySet.by_finish`: by the end, then the fence (none before any), the run, and the key.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

from deployments.models import Deployment


@dataclass(frozen=True)
class Step:
    """One success of a pair, and its place in the pair's order. Deployments and configs by their keys.

    `redeploy`: what was live already. `rollback`: what was live before the last one, and not what was live then.
    The first of a pair is neither, and has no change set.
    """

    deployment: int
    config: int
    finished_at: datetime
    previous: int | None
    redeploy: bool
    rollback: bool

    @property
    def first(self) -> bool:
        return self.previous is None

    @property
    def mark(self) -> str:
        """In a word, for who shows it."""
        return "first" if self.first else "rollback" if self.rollback else "redeploy" if self.redeploy else ""


# Greater is later. A fence is never under 0: none stands before any.
KEY = "({0}.finished_at, coalesce({0}.fence, -1), {0}.provider, {0}.run, {0}.attempt, {0}.id)"
LATEST_FIRST = (
    "{0}.finished_at desc, coalesce({0}.fence, -1) desc, {0}.provider desc, {0}.run desc, {0}.attempt desc, {0}.id desc"
)
EARLIEST_FIRST = LATEST_FIRST.replace(" desc", "")
SUCCESS = "{0}.status = 'success' and {0}.kind in ('deploy', 'rollback') and {0}.finished_at is not null"

# A short sha is the same as the long one that begins with it; one that was not told contradicts none.
ALIKE = """({0} = {1} or {0} = '' or {1} = ''
    or (least(length({0}), length({1})) >= 7 and (starts_with({0}, {1}) or starts_with({1}, {0}))
        and {0} || {1} ~ '^[0-9a-fA-F]+$'))"""
# The same, so that an index finds it: tools cut a sha to one of these lengths.
_CUT = ", ".join(f"left(new.commit, {length})" for length in (7, 8, 9, 10, 11, 12))
_OF_COMMIT = f"""({{0}}.commit <> '' and {ALIKE.format("{0}.commit", "new.commit")}
    and ({{0}}.commit = any(array[new.commit, {_CUT}])
        or (length(new.commit) between 7 and 39 and {{0}}.commit > new.commit and {{0}}.commit < new.commit || 'g')))"""

# What does not contradict each other in version and commit, and shares one of them, is the same.
_SAME = f"""
    (old.version = new.version or old.version = '' or new.version = '')
    and {ALIKE.format("old.commit", "new.commit")}
    and ((old.version = new.version and new.version <> '') or (old.commit <> '' and new.commit <> ''))
"""
# Ran before: this commit, else this version; both together where the commit is the one that is live.
_RAN_BEFORE = f"""
    (new.commit <> '' and (old.commit = '' or not {ALIKE.format("old.commit", "new.commit")}) and exists (
        select from deployments_deployment d where d.config_id = new.config_id and {_OF_COMMIT.format("d")}
        and {SUCCESS.format("d")} and {KEY.format("d")} < {KEY.format("new")}
        union all select from deployments_ran r
        where r.config_id = new.config_id and {_OF_COMMIT.format("r")} and r.first_at <= new.finished_at))
    or (new.version <> '' and new.version <> old.version and exists (
        select from deployments_deployment d where d.config_id = new.config_id and d.version = new.version
        and {ALIKE.format("d.commit", "new.commit")}
        and {SUCCESS.format("d")} and {KEY.format("d")} < {KEY.format("new")}
        union all select from deployments_ran r
        where r.config_id = new.config_id and r.version = new.version and r.first_at <= new.finished_at
        and {ALIKE.format("r.commit", "new.commit")}))
"""
# `which` says of which successes, called `new`.
STEPS = f"""
    select new.id, new.config_id, new.finished_at, old.id as previous,
        coalesce({_SAME}, false) as redeploy,
        old.id is not null and not ({_SAME}) and ({_RAN_BEFORE}) as rollback
    from deployments_deployment new
    left join lateral (
        select d.id, d.version, d.commit from deployments_deployment d
        where d.config_id = new.config_id and {SUCCESS.format("d")}
            and d.finished_at <= new.finished_at and {KEY.format("d")} < {KEY.format("new")}
        order by {LATEST_FIRST.format("d")} limit 1
    ) old on true
    where new.config_id is not null and {SUCCESS.format("new")} and {{which}}
    order by new.config_id, {EARLIEST_FIRST.format("new")}
"""


def steps(configs: Iterable[int], *, since: datetime | None = None, until: datetime | None = None) -> list[Step]:
    """Every success of these configs that ended in the span, half-open, by config and then in its order.

    What came before the span is known: the first step in it has its previous.
    """
    which = "new.config_id = any(%(configs)s)"
    values: dict[str, Any] = {"configs": list(configs), "since": since, "until": until}
    which += " and new.finished_at >= %(since)s" if since else ""
    which += " and new.finished_at < %(until)s" if until else ""
    return _read(which, values)


def steps_of(deployments: Sequence[Deployment]) -> dict[int, Step]:
    """The steps of these, by their key; those that are no success that went live have none."""
    keys = [each.pk for each in deployments]
    return {step.deployment: step for step in _read("new.id = any(%(keys)s)", {"keys": keys})} if keys else {}


def previous(deployment: Deployment) -> Deployment | None:
    """What was live on its pair before it; of one that did not succeed, what was live when it ended or was begun."""
    return _beside(deployment, "<", LATEST_FIRST.format("d"))


def following(deployment: Deployment) -> Deployment | None:
    """What went live on its pair after it."""
    return _beside(deployment, ">", EARLIEST_FIRST.format("d"))


def _beside(deployment: Deployment, sign: str, order: str) -> Deployment | None:
    query = f"""
        select d.* from deployments_deployment d
        where d.config_id = %s and {SUCCESS.format("d")}
            and d.finished_at {sign}= %s and {KEY.format("d")} {sign} (%s, %s, %s, %s, %s, %s)
        order by {order} limit 1
    """
    at = deployment.happened_at
    fence = -1 if deployment.fence is None else deployment.fence
    key = (at, fence, deployment.provider, deployment.run, deployment.attempt, deployment.pk)
    rows: Iterable[Deployment] = Deployment.objects.raw(query, [deployment.config_id, at, *key])
    return next(iter(rows), None)


def _read(which: str, values: dict[str, Any]) -> list[Step]:
    with connection.cursor() as cursor:
        cursor.execute(STEPS.format(which=which), values)
        return [Step(*row) for row in cursor.fetchall()]
