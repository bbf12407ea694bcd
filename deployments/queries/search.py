"""Which commits somebody means: by sha, pull request, ticket, version or person."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q
from django.db.models.functions import Lower

from deployments.messages import sha_of, tickets_in
from deployments.models import Commit, Deployment
from deployments.queries.places import deployments, services
from portal.accounts.policy import require
from portal.kit.by import By

MOST = 20  # commits that one question shows
LISTED = ("ticket", "pull_request", "person")  # whose commits can be gone through, the newest first
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9]+-[0-9]+", re.ASCII)
_REQUEST = re.compile(r"(?:#|!|pr\s*#?|mr\s*!?)\s*([0-9]{1,18})", re.ASCII | re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    """`kind`: sha, pull_request, ticket, version or person; "" for nothing found. `more` than are shown; `older` is the
    `before` that finds them, 0 where nothing but a narrower question does."""

    text: str
    kind: str
    commits: list[Commit]
    more: bool = False

    @property
    def older(self) -> int:
        return self.commits[-1].pk if self.more and self.kind in LISTED else 0


def ticket_of(text: str) -> str:
    """The key of a ticket that the whole text is, in capitals; "" for none."""
    keys = tickets_in(text.strip().upper()) if _KEY.fullmatch(text.strip()) else []
    return keys[0] if keys else ""


def is_ticket(key: str) -> bool:
    return ticket_of(key) == key


def is_of_commits(text: str) -> bool:
    """It is written as a sha, a pull request or a ticket is; versions and people are not told from other words."""
    return bool(sha_of(text) or ticket_of(text) or _REQUEST.fullmatch(text.strip()))


def commits(by: By) -> Any:
    """Those of the services that the viewer may see, what was heard of last first."""
    require(by, "catalog.read")
    return Commit.objects.filter(service__in=services(by).order_by().values("pk")).select_related("service")


def find(by: By, text: str, *, before: int = 0) -> Found:
    """The first reading of the text that finds any. With `before` one that is a list goes on with what was heard of before
    that commit."""
    text = text.strip()[:300]
    if not text or "\0" in text:
        return Found(text, "", [])
    for kind, rows in _readings(by, text, before):
        found = rows[: MOST + 1]
        if found:
            return Found(text, kind, found[:MOST], len(found) > MOST)
    return Found(text, "", [])


def _readings(by: By, text: str, before: int) -> Any:
    if key := ticket_of(text):
        yield "ticket", _listed(commits(by).filter(tickets__key=key), before)
    if request := _REQUEST.fullmatch(text):
        yield "pull_request", _listed(commits(by).filter(pull_request=request[1]), before)
    if sha := sha_of(text):
        yield "sha", _with_sha(by, sha)
    yield "version", _of_version(by, text)
    if text.isascii() and text.isdecimal():
        yield "pull_request", _listed(commits(by).filter(pull_request=text), before)
    yield "person", _listed(commits(by).annotate(who=Lower("author")).filter(who=text.lower()), before)
    if len(text) > 2:
        yield "person", _listed(commits(by).filter(author__icontains=text), before)


def _listed(rows: Any, before: int = 0) -> list[Commit]:
    rows = rows.filter(pk__lt=before) if before else rows
    return list(rows.prefetch_related("tickets").order_by("-id")[: MOST + 1])


def _with_sha(by: By, sha: str) -> list[Commit]:
    """Also what was deployed and never told of; a long one finds the short one that stands for it."""
    shorts = [sha[:size] for size in range(7, len(sha))]
    rows = _listed(commits(by).filter(Q(sha__startswith=sha) | Q(sha__in=shorts)))
    known = {each.service_id for each in rows}
    # The ends of the range are for databases whose order of letters knows no beginnings.
    longs = Q(commit__startswith=sha, commit__gte=sha, commit__lt=f"{sha}g")
    bare = deployments(by).filter(longs | Q(commit__in=shorts))
    return rows + [each for each in _heads(bare) if each.service_id not in known]


def _of_version(by: By, text: str) -> list[Commit]:
    versions = {text, text.removeprefix("v"), f"v{text}"}
    made = deployments(by).filter(version__in=versions).exclude(version="").exclude(commit="")
    heads = _heads(made)
    wanted = [Q(service=each.service_id, sha__startswith=each.sha) for each in heads]
    rows = _listed(commits(by).filter(_any(wanted))) if wanted else []
    known = {(each.service_id, each.sha) for each in rows}
    return rows + [
        each for each in heads if not any(s == each.service_id and sha.startswith(each.sha) for s, sha in known)
    ]


def _any(wanted: Sequence[Q]) -> Q:
    found = Q()
    for each in wanted:
        found |= each
    return found


def _heads(made: Any) -> list[Commit]:
    """What was deployed, one of each commit of a service, as commits of which no more is known."""
    rows = made.exclude(config=None).select_related("config__service").defer("changes", "extra").order_by("-id")[:200]
    found: dict[tuple[int, str], Commit] = {}
    for each in rows:
        sha = sha_of(each.commit)
        if sha and (each.config.service_id, sha) not in found:
            found[each.config.service_id, sha] = _bare(each, sha)
    return list(found.values())[: MOST + 1]


def _bare(deployment: Deployment, sha: str) -> Commit:
    """Without a row; its key is no commit's."""
    made = Commit(pk=-deployment.pk, sha=sha, message=deployment.message, author=deployment.author)
    assert deployment.config
    made.service = deployment.config.service
    return made
