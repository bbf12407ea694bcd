"""What became of somebody's own commits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models.functions import Lower

from deployments.models import Commit, Deployment
from deployments.queries.presence import Presence, State, presences
from deployments.queries.search import commits
from portal.kit.by import By

MOST = 200  # of one's newest commits that are looked at
DAYS = 30


@dataclass(frozen=True)
class Own:
    commit: Commit
    places: list[Presence]

    @property
    def is_waiting(self) -> bool:
        """It is out of a place of production, or its service has none. What nobody can tell is not claimed, and what was
        taken back wherever it was waits for nothing."""
        if any(each.state == State.REVERTED for each in self.places) and not any(
            each.state.is_there for each in self.places
        ):
            return False
        production = [each for each in self.places if each.tier == "production"]
        return any(each.state == State.OUT for each in production) or (bool(self.places) and not production)


@dataclass(frozen=True)
class Mine:
    """`known` are the person's newest commits, at most so many as are looked at. `waiting`: commits not yet in production. `by_others`: who else deployed the person's commits of late, and which."""

    names: list[str]
    known: int
    waiting: list[Own]
    by_others: list[tuple[Deployment, list[Commit]]]


def mine(by: By, *, now: datetime) -> Mine:
    """By the names and the e-mail address of the account, as commits have them."""
    names = [each for each in dict.fromkeys([by.actor.name, by.actor.email]) if each]
    folded = {each.lower() for each in names}
    rows = (
        commits(by)
        .annotate(who=Lower("author"))
        .filter(who__in=folded)
        .prefetch_related("tickets")
        .order_by("-id")[:MOST]
    )
    own = [each for each in rows if not each.is_merge]
    found = presences(by, own)
    kept = [Own(each, found[each.pk]) for each in own]
    return Mine(
        names,
        len(own),
        [each for each in kept if each.is_waiting],
        _by_others(kept, folded, now - timedelta(days=DAYS)),
    )


def _by_others(kept: list[Own], names: set[str], since: datetime) -> list[tuple[Deployment, list[Commit]]]:
    brought: dict[int, tuple[Deployment, list[Commit]]] = {}
    own = {each.commit.pk for each in kept}
    for each in kept:
        for one in each.places:
            made = one.since
            if not (one.state.is_there and made and made.finished_at and made.finished_at > since):
                continue
            if one.through and one.through.pk in own:
                continue  # the copy stands for it
            if made.actor and made.actor.lower() not in names:
                brought.setdefault(made.pk, (made, []))[1].append(each.commit)
    return sorted(brought.values(), key=lambda each: (each[0].finished_at, each[0].pk), reverse=True)
