"""What is shown of locks, places, deployments and runs, as blocks: to a viewer, who has been looked up already."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.conf import settings

from deployments.models import Deployment
from deployments.queries import Cell
from locks.decisions import Decision
from locks.models import Lock, ScopeKind
from portal.accounts.policy import allows
from portal.actions.models import Run
from portal.kit.by import By
from portal.slackbot import buttons
from portal.slackbot.blocks import actions, escape, link, moment, section

Json = dict[str, Any]
LONGEST = 300  # characters of a reason in a list
MARKS = {
    "success": ":white_check_mark:",
    "failure": ":x:",
    "in_progress": ":hourglass_flowing_sand:",
    "pending": ":hourglass:",
    "cancelled": ":heavy_minus_sign:",
    "rolled_back": ":leftwards_arrow_with_hook:",
}


def url_of(thing: Any) -> str:
    return str(settings.BASE_URL + thing.get_absolute_url())


def short(text: str, most: int = LONGEST) -> str:
    return escape(text if len(text) <= most else text[: most - 1] + "…")


def lock_text(lock: Lock) -> str:
    effect = {"block_automation": " (CI only)", "warn": " (it only warns)"}.get(lock.effect, "")
    head = f":lock: *{link(url_of(lock), lock.covers)}*{effect}"
    return f"{head}\n{short(lock.holder_name)}, until {moment(lock.expires_at)}: {short(lock.reason)}"


def lock_blocks(lock: Lock, by: By, now: datetime) -> list[Json]:
    """The lock, and what the viewer may do about it."""
    held = lock_buttons(lock, by, now)
    return [section(lock_text(lock)), *([actions(*held)] if held else [])]


def lock_buttons(lock: Lock, by: By, now: datetime) -> list[Json]:
    if by.actor.is_bound or not lock.is_active(now):
        return []
    key, teams = lock.public_id, lock.owner_teams()
    mine = allows(by.actor, "lock.release", holder=lock.holder_key, teams=teams)
    found = [buttons.lock_release(key)] if mine else []
    if lock.expires_at and allows(by.actor, "lock.extend", holder=lock.holder_key, teams=teams):
        found.append(buttons.lock_extend(key))
    if lock.holder_key != by.actor.key:
        found.append(buttons.lock_next(key))
        if lock.scope_kind == ScopeKind.PAIR and allows(by.actor, "override.ask", teams=teams):
            found.append(buttons.glass_break(key))
    return found


def locked_blocks(lock: Lock, by: By, now: datetime) -> list[Json]:
    """What is said when it was taken."""
    held = lock_buttons(lock, by, now)
    head = f":lock: Locked {link(url_of(lock), lock.covers)} until {moment(lock.expires_at)}."
    return [section(head), *([actions(*held)] if held else [])]


def released(lock: Lock) -> str:
    return f":unlock: The lock of {link(url_of(lock), lock.covers)} is released."


def decision_text(decision: Decision) -> str:
    mark = {"allow": ":large_green_circle:", "warn": ":large_yellow_circle:"}.get(decision.outcome, ":red_circle:")
    return f"{mark} {escape(decision.message)}"


def cell_text(cell: Cell) -> str:
    """One line of where a service runs."""
    live, mark = cell.current, ":lock:" if cell.decision.denies else ":large_green_circle:"
    where = f"{mark} *{short(str(cell.environment), 60)}*"
    if live is None:
        what = "nothing deployed" if not cell.latest else "nothing live"
    else:
        what = f"{_version(live)} · {moment(live.finished_at)}" + (f" by {short(live.actor, 60)}" if live.actor else "")
    failed = " · :x: the newest deployment failed" if cell.attempt_failed else ""
    held = f"\n      {short(cell.decision.message)}" if cell.decision.locks or cell.decision.freezes else ""
    return f"{where}  {what}{failed}{held}"


def deployment_text(one: Deployment) -> str:
    mark = MARKS.get(one.status, ":grey_question:")
    who = f" by {short(one.actor, 60)}" if one.actor else ""
    where = short(one.environment_identifier, 60)
    return f"{mark} {_version(one)} to *{where}* · {one.status.replace('_', ' ')} {moment(one.happened_at)}{who}"


def _version(one: Deployment) -> str:
    named = one.version[:60] or one.commit[:7] or "a deployment"
    sha = f" ({escape(one.commit[:7])})" if one.version and one.commit else ""
    return f"{link(url_of(one), named)}{sha}"


def run_text(run: Run) -> str:
    about = f" for {short(run.entity, 100)}" if run.entity else ""
    head = f"*{link(url_of(run), run.title[:100])}*{about}"
    return f":play_or_pause_button: {head}\n{short(run.created_by, 100)} asked {moment(run.created_at)}"


def run_blocks(run: Run) -> list[Json]:
    return [section(run_text(run)), actions(buttons.run_approve(run.public_id), buttons.run_decline(run.public_id))]


def more(shown: int, whole: int, url: str, words: str) -> Sequence[Json]:
    return [section(link(settings.BASE_URL + url, f"{whole - shown} more {words}"))] if whole > shown else []
