"""The commits that reports tell of. Any order and repetition of the same reports comes to the same rows."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction

from deployments import messages
from deployments.messages import same_commit, sha_of
from deployments.models import Deployment, Status
from deployments.reports import Report
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit import rows
from portal.kit.by import By
from portal.kit.rows import Row, Statement

Json = dict[str, Any]

MOST_TEXT, MOST_AUTHOR, MOST_URL = 5000, 254, 2000

# What two reports say of one commit is brought together by the greater of both, or by both: never by who came last.
_SAVE = """
    insert into deployments_commit as known (service_id, sha, message, author, committed_at, patch_id, pull_request, url,
        parents, chained, reaches, reverts, picked_from)
    select %(service)s, sha, message, author, committed_at, patch_id, pull_request, url,
        parents, chained, reaches, reverts, picked_from
    from jsonb_to_recordset(%(rows)s::jsonb) as given (sha text, message text, author text, committed_at timestamptz,
        patch_id text, pull_request text, url text, parents text[], chained text[], reaches text[], reverts text[],
        picked_from text)
    order by sha
    on conflict (service_id, sha) do update set
        message = greatest(known.message, excluded.message),
        author = greatest(known.author, excluded.author),
        committed_at = greatest(known.committed_at, excluded.committed_at),
        patch_id = greatest(known.patch_id, excluded.patch_id),
        pull_request = greatest(known.pull_request, excluded.pull_request),
        url = greatest(known.url, excluded.url),
        parents = greatest(known.parents, excluded.parents),
        chained = array(select unnest(known.chained) union select unnest(excluded.chained) order by 1),
        reaches = array(select unnest(known.reaches) union select unnest(excluded.reaches) order by 1),
        reverts = array(select unnest(known.reverts) union select unnest(excluded.reverts) order by 1),
        picked_from = greatest(known.picked_from, excluded.picked_from)
    where not (
        excluded.message <= known.message and excluded.author <= known.author
        and excluded.patch_id <= known.patch_id and excluded.pull_request <= known.pull_request
        and excluded.url <= known.url and excluded.picked_from <= known.picked_from
        and coalesce(excluded.committed_at <= known.committed_at, excluded.committed_at is null)
        and coalesce(excluded.parents <= known.parents, excluded.parents is null)
        and excluded.chained <@ known.chained and excluded.reaches <@ known.reaches
        and excluded.reverts <@ known.reverts
    )
"""
# Tickets of commits that this statement keeps, or that were there when it began; how many of them.
_SAVE_BOTH = f"""
    with kept as ({_SAVE} returning id, sha),
        told as (select sha, key from jsonb_to_recordset(%(tickets)s::jsonb) as told (sha text, key text)),
        owned as (
            select coalesce(kept.id, known.id) as commit_id, told.key from told left join kept using (sha)
            left join deployments_commit known on known.service_id = %(service)s and known.sha = told.sha
        ),
        noted as (
            insert into deployments_committicket (commit_id, key) select commit_id, key from owned
            where commit_id is not null order by key, commit_id on conflict do nothing
        )
    select count(commit_id) from owned
"""
# The others are of commits that somebody else has just kept, the same as here.
_SAVE_TICKETS = """
    insert into deployments_committicket (commit_id, key)
    select kept.id, given.key
    from jsonb_to_recordset(%(tickets)s::jsonb) as given (sha text, key text)
    join deployments_commit kept on kept.service_id = %(service)s and kept.sha = given.sha
    order by given.key, kept.id
    on conflict do nothing
"""


def commits_saving(report: Report, service_id: int) -> list[Statement]:
    """What keeps the commits that a report names, and how they hang together; for the transaction of the report."""
    told = _rows(report)
    if not told:
        return []
    tickets = [{"sha": sha, "key": key} for sha, row in told.items() for key in row.pop("tickets")]
    values = {"service": service_id, "rows": rows.text_of(list(told.values())), "tickets": rows.text_of(tickets)}

    def read(found: list[Row]) -> None:
        if found[0][0] < len(tickets):
            rows.prepared(_SAVE_TICKETS, values)

    return [Statement(_SAVE_BOTH, values, read) if tickets else Statement(_SAVE, values)]


@transaction.atomic
def changes_fill(
    deployment: Deployment, changes: Sequence[Json], *, previous: str, boundary: Sequence[str], by: By
) -> bool:
    """The commits of a deployment that was reported without any, as somebody else knows them. One that has got some
    meanwhile keeps those; whether it took them."""
    held: Deployment = Deployment.objects.select_for_update(of=("self",)).select_related("config").get(pk=deployment.pk)
    if held.changes or held.config is None or not changes:
        return False
    require(by, "deployment.report")
    held.changes = list(changes)
    held.save(update_fields=["changes"])
    rows.send(*commits_saving(_report_of(held, previous, boundary), held.config.service_id))
    after = held.facts() | {"commits": len(held.changes)}
    record("deployment.filled", held.noun(), by=by, before=held.facts(), after=after)
    return True


@transaction.atomic
def commits_backfill(after: int = 0, limit: int = 200) -> int:
    """Keeps the commits of deployments from before commits were kept: of so many, by key. Answers the key of the last
    one, to go on from, or 0 at the end. The same again changes nothing.
    """
    found: Any = Deployment.objects.filter(pk__gt=after).exclude(config=None).exclude(changes=[])
    kept = list(found.select_related("config").order_by("pk")[:limit])
    for each in kept:
        rows.send(*commits_saving(_report_of(each, each.previous_commit, []), each.config.service_id))
    return kept[-1].pk if kept else 0


def _report_of(made: Deployment, previous: str, boundary: Sequence[str]) -> Report:
    """What a deployment holds of the report that it came from, as far as commits are concerned."""
    return Report(
        service=made.service_identifier,
        environment=made.environment_identifier,
        status=Status(made.status),
        commit=made.commit,
        previous_commit=previous,
        message=made.message,
        author=made.author,
        ref=made.ref,
        changes=made.changes,
        boundary=list(boundary),
    )


def _rows(report: Report) -> dict[str, Json]:
    """By sha. Without changes there is nothing to keep, unless the report's own words name a ticket or a pull request."""
    head = sha_of(report.commit)
    changes = _newest_first(report, head)
    rows = {row["sha"]: row for row in map(_of_change, changes)}
    shas = list(rows)
    for older in map(_of_change, (each for each in report.history if sha_of(each["sha"]))):
        rows.setdefault(older["sha"], older)
    own = next((sha for sha in rows if same_commit(sha, head)), head) if head else ""
    keys = messages.tickets_in(report.message, report.ref)
    number = messages.pull_request_of(report.message)
    if own and (rows or keys or number):
        _add_head(rows, own, report, keys, number)
    if shas:
        _hang_together(rows, shas, own, report)
    return rows


def _newest_first(report: Report, head: str) -> list[Json]:
    """A list that ends with what was deployed was sent the other way round."""
    changes = [each for each in report.changes if sha_of(each["sha"])]
    ends = [same_commit(sha_of(each["sha"]), head) for each in (changes[:1] + changes[-1:] if head else [])]
    return changes[::-1] if ends == [False, True] else changes


def _of_change(change: Json) -> Json:
    message, told = change.get("message", ""), change.get("pr", "")
    parents = change.get("parents")
    sha = sha_of(change["sha"])
    return _row(
        sha,
        message=message,
        author=change.get("author", "")[:MOST_AUTHOR],
        committed_at=change.get("committed_at"),
        patch_id=sha_of(change.get("patch_id")),
        pull_request=messages.pull_request_of(message, told),
        url=change.get("url", "")[:MOST_URL],
        parents=None if parents is None else [each for each in map(sha_of, parents) if each and each != sha],
        reverts=messages.reverts_of(message),
        picked_from=messages.picked_from(message),
        tickets=messages.tickets_in(message),
    )


def _row(sha: str, **told: Any) -> Json:
    blank: Json = {
        "message": "",
        "author": "",
        "committed_at": None,
        "patch_id": "",
        "pull_request": "",
        "url": "",
        "parents": None,
        "chained": [],
        "reaches": [],
        "reverts": [],
        "picked_from": "",
        "tickets": [],
    }
    return blank | told | {"sha": sha, "message": told.get("message", "")[:MOST_TEXT]}


def _add_head(rows: dict[str, Json], own: str, report: Report, keys: list[str], number: str) -> None:
    """What was deployed, also where the list of changes leaves it out; the branch's tickets are its own."""
    row = rows.get(own)
    if row is None:
        row = rows[own] = _row(
            own,
            message=report.message,
            author=report.author,
            pull_request=number,
            reverts=messages.reverts_of(report.message),
            picked_from=messages.picked_from(report.message),
        )
    row["tickets"] = list(dict.fromkeys([*row["tickets"], *keys]))


def _hang_together(rows: dict[str, Json], shas: list[str], own: str, report: Report) -> None:
    """Where no parents are told, each change stands on the next older one, and the oldest on what was there before."""
    previous = sha_of(report.previous_commit)
    if own and own not in shas and rows[own]["parents"] is None:
        rows[own]["chained"] = [shas[0]]
    if all(rows[sha]["parents"] is None for sha in shas):
        older = [*shas[1:], previous]
        for sha, below in zip(shas, older, strict=True):
            rows[sha]["chained"] = [below] if below and below != sha else []
    elif previous and report.boundary:
        base = rows.setdefault(previous, _row(previous))
        base["reaches"] = sorted({sha for sha in map(sha_of, report.boundary) if sha and sha != previous})
