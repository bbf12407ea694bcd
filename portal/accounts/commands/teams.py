"""Teams and who is on them."""

from typing import Any

from django.db import transaction

from portal.accounts import hooks
from portal.accounts.models import Team, User
from portal.accounts.policy import require
from portal.audit.record import record
from portal.kit.by import By
from portal.kit.database import taken


@transaction.atomic
def team_create(identifier: str, title: str, *, description: str = "", members: list[User], by: By) -> Team:
    require(by, "account.write")
    with taken("identifier", f"There is a team called {identifier} already."):
        team = Team.objects.create(identifier=identifier, title=title, description=description)
    team.members.set(members)
    record("team.created", team.noun(), by=by, after=_facts(team, members))
    hooks.team_saved(team, members, by)
    return team


@transaction.atomic
def team_update(team: Team, *, title: str, description: str | None = None, members: list[User] | None, by: By) -> Team:
    """The identifier stays: entities name their team by it. What is None stays too."""
    require(by, "account.write")
    team = Team.objects.select_for_update().get(pk=team.pk)
    now = list(team.members.all())
    before = _facts(team, now)
    team.title = title
    team.description = team.description if description is None else description
    after = _facts(team, now if members is None else members)
    if after == before:
        return team
    team.save(update_fields=["title", "description"])
    if members is not None:
        team.members.set(members)
    record("team.updated", team.noun(), by=by, before=before, after=after)
    moved = [] if members is None else set(now) ^ set(members)
    hooks.team_saved(team, moved, by)
    return team


@transaction.atomic
def team_delete(team: Team, *, mirrored: bool = True, by: By) -> None:
    """What it owned keeps its name, so that a team made anew under it owns the same.

    `mirrored=False`: its entity goes by itself.
    """
    require(by, "account.write")
    team = Team.objects.select_for_update().get(pk=team.pk)
    members = list(team.members.all())
    record("team.deleted", team.noun(), by=by, before=_facts(team, members))
    team.delete()
    hooks.team_gone(team, members, mirrored, by)


def _facts(team: Team, members: list[User]) -> dict[str, Any]:
    return team.facts() | {"members": sorted(user.email for user in members)}
