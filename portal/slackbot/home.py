"""The Home page of the app: what waits for somebody, and what he holds."""

import json
from datetime import datetime
from typing import Any

from django.conf import settings
from django.urls import reverse

from deployments.queries import mine
from locks import queries as locks
from portal.actions import permissions
from portal.actions.models import Run
from portal.actions.queries import Wanted, runs
from portal.kit.by import By
from portal.kit.clock import database_now, iso
from portal.kit.errors import PortalError
from portal.slackbot import buttons
from portal.slackbot.blocks import MOST_HOME, actions, context, divider, escape, header, link, moment, section
from portal.slackbot.inbound import Asked, Call
from portal.slackbot.sights import lock_blocks, more, run_blocks, short
from portal.slackbot.staying import mine_blocks

Json = dict[str, Any]
MOST, MOST_READ = 10, 100


def published(asked: Asked) -> Call:
    return Call("views.publish", {"user_id": asked.who.slack_id, "view": home(asked)})


def refreshed(asked: Asked) -> list[Call]:
    """His Home page as it is now, if that is where he is."""
    return [published(asked)] if asked.is_at_home else []


def home(asked: Asked) -> Json:
    now = database_now()
    try:
        blocks = _blocks(asked.who.acting(asked.trace), now)
    except PortalError as error:
        blocks = [section(f":wave: {escape(error.message)}")]
    # What is extended from here is extended from what was shown: two presses are one.
    return {"type": "home", "private_metadata": json.dumps({"at": iso(now)}), "blocks": blocks[:MOST_HOME]}


def _blocks(by: By, now: datetime) -> list[Json]:
    parts = [_locks(by, now), _approvals(by), _changes(by, now), [header("My environments"), *mine_blocks(by)]]
    top = [actions(buttons.lock_new()), context(f"{link(settings.BASE_URL, 'Portcullis')} · as of {moment(now)}")]
    return [*top, *(block for part in parts for block in [divider(), *part])]


def _locks(by: By, now: datetime) -> list[Json]:
    found = locks.severest(locks.locks(by, state="mine", now=now))
    blocks = [header("My locks")]
    for each in found[:MOST]:
        blocks += lock_blocks(each, by, now)
    rest = more(min(len(found), MOST), len(found), reverse("locks:lock_list", query={"state": "mine"}), "locks")
    return [*blocks, *rest] if found else [*blocks, section("You hold none.")]


def waiting_for(by: By) -> list[Run]:
    """Runs that he may approve and has said nothing of yet."""
    found = runs(by, Wanted(statuses=[Run.Status.WAITING])).select_related("action")[:MOST_READ]
    return [
        each
        for each in found
        if each.action
        and permissions.may_approve(by.actor, each.action)
        and by.actor.key not in {said.actor_key for said in each.approvals.all()}
    ]


def _approvals(by: By) -> list[Json]:
    found = waiting_for(by)
    blocks = [header("Runs waiting for my approval")]
    for each in found[:MOST]:
        blocks += run_blocks(each)
    rest = more(min(len(found), MOST), len(found), reverse("actions:run_list"), "runs")
    return [*blocks, *rest] if found else [*blocks, section("None.")]


def _changes(by: By, now: datetime) -> list[Json]:
    found = mine(by, now=now).waiting
    blocks = [header("My changes not yet in production")]
    lines = [
        f"• `{escape(each.commit.sha[:7])}` {short(each.commit.message.splitlines()[0] if each.commit.message else '', 120)}"
        f" · {short(each.commit.service.identifier, 60)}"
        for each in found[:MOST]
    ]
    rest = more(min(len(found), MOST), len(found), reverse("deployments:mine"), "changes")
    return (
        [*blocks, section("\n".join(lines)), *rest] if lines else [*blocks, section("None that the portal knows of.")]
    )
