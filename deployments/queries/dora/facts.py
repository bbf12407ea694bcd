"""What each deployment is to the four keys, as one statement over the ordered rows; nothing of it is stored.

A *pair* is one service in one environment. Its deployments of the kinds deploy and rollback that have ended stand in
order: by `finished_at`, then fence (none first), provider, run, attempt, id. So it makes no difference in which order
they were reported. Which success is the first of its pair, a redeploy, or a rollback to what ran there before, says
`queries.order` (docs/decisions/0028); one whose kind is rollback is a rollback as well.

A *change* is a deployment that ended as success, failure or rolled_back and is no rollback. A change has *failed* when
it ended as failure or rolled_back, or when it was a success and the next success of its pair is a rollback, whether in
the span or after it. An *outage* of a pair begins with the first failed change after a success (or after nothing), and
ends with the next success; that of a success which was undone begins with its own end. All that ended with the same next
success are one outage.
"""

from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import QuerySet

from deployments.models import Deployment
from deployments.queries.dora.scope import Span
from deployments.queries.order import STEPS

KEYS = ("frequency", "lead_time", "change_failure", "restore")

_COLUMNS = (
    "id", "config_id", "kind", "status", "commit", "finished_at", "begun", "fence", "provider", "run", "attempt", "rolled_up",
)  # fmt: skip
_ORDER = "finished_at, fence nulls first, provider, run, attempt, id"
_ENDED = "kind in ('deploy', 'rollback') and finished_at is not null and status not in ('pending', 'in_progress')"
_NO_SUCCESS = "case status when 'failure' then 'failed' when 'rolled_back' then 'rolled_back' end"
_NEEDED = "new.id in (select id from ended where status = 'success')"

# `own` are the rows of the scope, of whatever time. `since` is for each pair the end of its last success before the span:
# what is older changes nothing in it. A success stands at its number `successes`; what failed after it has the same.
_JUDGED = f"""
with own as ({{own}}), since as (
    select config_id, max(finished_at) as at from own where status = 'success' and {_ENDED} and finished_at < %s group by 1
), ended as (
    select own.*, count(*) filter (where status = 'success') over line as successes
    from own left join since using (config_id)
    where {_ENDED} and (since.at is null or finished_at >= since.at)
    window line as (partition by config_id order by {_ORDER} rows unbounded preceding)
), steps as ({STEPS.format(which=_NEEDED)}), live as (
    select ended.id, ended.config_id, ended.successes, ended.finished_at, steps.previous is null as is_first,
        steps.redeploy as is_redeploy, ended.kind = 'rollback' or steps.rollback as is_rollback
    from steps join ended using (id)
), known as (
    select ended.*, live.is_first, live.is_redeploy, coalesce(live.is_rollback, ended.kind = 'rollback') as is_rollback,
        ended.status <> 'success' or coalesce(coming.is_rollback, false) as went_wrong, coming.finished_at as mended_at
    from ended
    left join live on live.id = ended.id
    left join live as coming on coming.config_id = ended.config_id and coming.successes = ended.successes + 1
), outages as (
    select id, row_number() over (partition by config_id, successes order by {_ORDER}) as place
    from known where went_wrong and not is_rollback and status <> 'cancelled'
), judged as (
    select own.*, known.is_first, known.is_redeploy, known.successes, known.mended_at, outages.place,
        case
            when own.kind not in ('deploy', 'rollback') then 'kind'
            when own.finished_at is null or own.status in ('pending', 'in_progress') then 'unfinished'
            when own.finished_at < %s or own.finished_at >= %s then 'outside'
            when own.status = 'cancelled' then 'cancelled'
            when known.is_rollback then 'rollback'
        end as out
    from own left join known on known.id = own.id left join outages on outages.id = own.id
    where not own.rolled_up
        and ((own.finished_at >= %s and own.finished_at < %s) or (own.begun >= %s and own.begun < %s))
)
select id, config_id, coalesce(finished_at, begun) as at, commit,
    coalesce(out, {_NO_SUCCESS}, ''),
    coalesce(out, {_NO_SUCCESS}, case when is_first then 'first' when is_redeploy then 'redeploy' end, ''),
    coalesce(out, ''),
    case when out is null and place > 1 then 'part' when out is null and place = 1 and mended_at is null then 'open'
        when out is null and place = 1 then '' end,
    out is null and place is not null,
    case when place is not null then extract(epoch from mended_at - finished_at)::float8 end,
    case when status = 'success' and coalesce(out, 'rollback') = 'rollback' then successes end
from judged order by at desc, id desc
"""


@dataclass(frozen=True)
class Judged:
    """A deployment that was begun or ended in the span. By key, the reason for which it is left out, empty where it counts.

    `restore` is None for what did not fail. `mended_after`: seconds from the end of what failed to the next success. `place` puts the successes of a pair in order.
    """

    deployment: int
    config: int
    at: datetime
    commit: str
    frequency: str
    lead_time: str
    change_failure: str
    restore: str | None
    failed: bool
    mended_after: float | None
    place: int | None

    def reason(self, key: str) -> str | None:
        """None where it is no matter of this key."""
        found: str | None = getattr(self, key)
        return found


def judged(rows: QuerySet[Deployment], span: Span) -> list[Judged]:
    """In one statement; the newest first."""
    try:
        own, parameters = rows.values(*_COLUMNS).query.sql_with_params()
    except EmptyResultSet:  # there is no such place
        return []
    since, until = span.since, span.until
    with connection.cursor() as cursor:
        cursor.execute(_JUDGED.format(own=own), (*parameters, since, since, until, since, until, since, until))
        return [Judged(*row) for row in cursor.fetchall()]
