"""The names that are offered while somebody types in a form: those that he may see."""

from django.db.models import Q

from catalog import permissions
from catalog.models import Entity
from portal.accounts.models import Team
from portal.audit.subscribers import Hopeless, RetryLater
from portal.kit.by import By
from portal.kit.errors import PortalError
from portal.kit.ids import uuid7
from portal.slackbot import people
from portal.slackbot.blocks import Json, is_sound, option
from portal.slackbot.forms.inputs import LONGEST_VALUE, MOST_OPTIONS
from portal.slackbot.forms.sent import PATIENCE
from portal.slackbot.inbound import slack_id_of


def offered(body: Json) -> list[Json]:
    """Options for an external select; none for who may see nothing, or of whom Slack tells nothing in time."""
    typed = str(body.get("value") or "")[:200]
    if not is_sound(typed):
        return []
    try:
        by = people.who(slack_id_of("view", body), wait=PATIENCE).looking(uuid7())
        found = _named(by, str(body.get("action_id") or ""), typed)
    except (PortalError, RetryLater, Hopeless):
        return []
    return [option(each) for each in found if len(each) <= LONGEST_VALUE]


def _named(by: By, kind: str, typed: str) -> list[str]:
    if kind == "team":
        teams = Team.objects.filter(identifier__icontains=typed).order_by("identifier")
        return list(teams.values_list("identifier", flat=True)[:MOST_OPTIONS])
    if kind not in ("service", "environment"):
        return []
    rows = permissions.readable(by, Entity.objects.filter(blueprint__identifier=kind))
    rows = rows.filter(Q(identifier__icontains=typed) | Q(title__icontains=typed)).order_by("identifier")
    return list(rows.values_list("identifier", flat=True)[:MOST_OPTIONS])
