"""What is shown of environments that end by themselves."""

from typing import Any

from django.urls import reverse

from deployments.environments.models import Environment
from deployments.environments.queries import environments
from portal.accounts.policy import allows
from portal.kit.by import By
from portal.slackbot import buttons
from portal.slackbot.blocks import actions, link, moment, section
from portal.slackbot.sights import more, short, url_of

Json = dict[str, Any]
MOST = 10
EMPTY = "None that ends by itself."


def mine_blocks(by: By) -> list[Json]:
    """Those that he or his teams answer for, the one that ends first first."""
    found = sorted(environments(by, state="mine"), key=lambda each: each.deadline)
    blocks = [block for each in found[:MOST] for block in environment_blocks(each, by)]
    url = reverse("environments:environment_list", query={"show": "mine"})
    rest = more(min(len(found), MOST), len(found), url, "environments")
    return [*blocks, *rest] if found else [section(EMPTY)]


def environment_blocks(one: Environment, by: By) -> list[Json]:
    may = allows(by.actor, "environment.change", holder=one.owner_key, teams=[one.team] if one.team else [])
    held = [buttons.environment_extend(one.public_id), buttons.environment_pin(one.public_id)]
    return [section(environment_text(one)), *([actions(*held)] if may and one.is_timed else [])]


def environment_text(one: Environment) -> str:
    end = "pinned until" if one.pinned_until and one.pinned_until >= one.deadline else "until"
    at = f" · {link(one.address, 'open')}" if one.address.startswith(("https://", "http://")) else ""
    head = f":seedling: *{link(url_of(one), one.name)}* · {short(str(one.template), 60)} · {one.get_state_display()}"
    who = f" · {short(one.owner_name, 60)}" if one.owner_name else ""
    return f"{head}\n{end} {moment(one.deadline)}{who}{at}"


def lives_until(one: Environment) -> str:
    return f":seedling: {link(url_of(one), one.name)} lives until {moment(one.deadline)}."
