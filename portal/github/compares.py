"""The commits of deployments that were reported without any, from GitHub's comparison with what was live before."""

import re
from typing import Any

from django.conf import settings

from deployments import reports
from deployments.commands import changes_fill
from deployments.messages import sha_of
from deployments.models import Deployment
from deployments.queries import order
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import Hopeless, RetryLater
from portal.github import client
from portal.kit.by import system
from portal.kit.clock import instant, iso
from portal.kit.errors import Invalid

Json = dict[str, Any]

REPORTED = ("deployment.reported", "deployment.updated")
PAGE = 100  # commits of one answer
REPOSITORY = re.compile(r"/([\w-]+/(?!\.+(?:git)?/?\Z)[\w.-]+?)(?:\.git)?/?", re.ASCII)
# Commits are worth few tries: without them the deployment is as it was.
MOST_TRIES = 5


def wanted(event: Event) -> bool:
    """A success with a commit and no changes. `deployment.updated` comes for one that was begun before."""
    after = event.after or {}
    is_bare = after.get("status") == "success" and not event.payload.get("changes")
    return bool(settings.GITHUB_TOKEN) and is_bare and bool(sha_of(after.get("commit")))


def compare(delivery: Delivery) -> Json:
    """Asked again it finds the deployment filled, and leaves it."""
    made = Deployment.objects.select_related("config__service").get(public_id=delivery.event.noun_id)
    repository = repository_of(made)
    base, head = _base(made), sha_of(made.commit)
    if made.changes or not repository or not base or base == head:
        return {"filled": 0}
    try:
        changes, whole = _between(repository, base, head)
    except (Hopeless, client.NotTaken) as reason:
        return {"filled": 0, "why": str(reason)}
    except RetryLater as reason:
        if delivery.attempts < MOST_TRIES:
            raise
        return {"filled": 0, "why": str(reason)}
    listed = {each["sha"] for each in changes}
    boundary = sorted({sha for each in changes for sha in each["parents"]} - listed) if whole else []
    took = changes_fill(made, changes, previous=base, boundary=boundary, by=system("clock"))
    return {"filled": len(changes) if took else 0}


def repository_of(made: Deployment) -> str:
    """`owner/name` on the GitHub that is configured, by the property of the service; "" for none."""
    address = made.config.service.properties.get("repository") if made.config else None
    web = settings.GITHUB_API_URL.replace("//api.github.com", "//github.com").removesuffix("/api/v3")
    found = (
        REPOSITORY.fullmatch(address.removeprefix(web))
        if isinstance(address, str) and address.startswith(web)
        else None
    )
    return found[1] if found else ""


def _base(made: Deployment) -> str:
    before = None if made.previous_commit else order.previous(made)
    return sha_of(made.previous_commit or (before.commit if before else ""))


def _between(repository: str, base: str, head: str) -> tuple[list[Json], bool]:
    """The commits newest first, and whether these are all of them. GitHub lists the oldest first; of many the newest count."""
    path = f"/repos/{repository}/compare/{base}...{head}?per_page={PAGE}&page="
    first = client.get(f"{path}1")
    total = first.get("total_commits")
    if not isinstance(total, int) or not isinstance(first.get("commits"), list):
        raise RetryLater("GitHub's answer has no commits.")
    last = max(1, -(-total // PAGE))
    begin = max(0, total - reports.MOST_CHANGES) // PAGE + 1
    pages = [first if page == 1 else client.get(f"{path}{page}") for page in range(begin, last + 1)]
    told = [each for page in pages if isinstance(page.get("commits"), list) for each in page["commits"]]
    found = [change for each in told if (change := _change(each))]
    found = found[-reports.MOST_CHANGES :][::-1]
    return found, len(found) == total


def _change(each: Any) -> Json | None:
    """A commit as a report would have it; None for what is none."""
    try:
        told = each["commit"]
        parents = [parent["sha"] for parent in each["parents"]]
        change = {"sha": sha_of(each["sha"]), "message": told["message"][:5000], "author": told["author"]["name"][:254]}
        moment = told["committer"]["date"]
    except (KeyError, TypeError):
        return None
    try:
        change["committed_at"] = iso(instant(moment, "date"))
    except Invalid:
        pass
    return change | {"parents": [sha for sha in map(sha_of, parents) if sha]} if change["sha"] else None
