"""What the buttons do. Each asks for the same command as the page; pressed twice, it says the same and does it once."""

from collections.abc import Callable
from datetime import datetime, timedelta

from locks import queries as locks
from locks.commands import lock_extend, lock_release
from locks.models import Lock
from portal.accounts.policy import allows
from portal.actions import queries as runs
from portal.actions.commands import run_decide
from portal.actions.models import Approval, Run
from portal.kit.clock import database_now, instant
from portal.kit.errors import Conflict
from portal.slackbot import buttons, lives
from portal.slackbot.blocks import actions, link, moment, section
from portal.slackbot.forms.glass import glass_of, release_form
from portal.slackbot.forms.lock import lock_form, over_form
from portal.slackbot.home import refreshed
from portal.slackbot.inbound import Asked, Call, handles
from portal.slackbot.pressed import shown_at
from portal.slackbot.sights import lock_buttons, released, url_of
from portal.slackbot.waiting import watch_end, watch_start

Press = Callable[[Asked, str], list[Call]]
LONGER = timedelta(hours=1)


@handles("action")
def pressed(asked: Asked) -> list[Call]:
    action = (asked.payload.get("actions") or [{}])[0]
    press = BUTTONS.get(str(action.get("action_id")))
    if press is None:
        return []  # a link, or a button of another release
    return [*press(asked, str(action.get("value") or "")), *refreshed(asked)]


def release(asked: Asked, value: str) -> list[Call]:
    """Who neither holds nor owns it is asked why first."""
    by = asked.who.acting(asked.trace)
    lock = locks.lock(by, value)
    mine = allows(by.actor, "lock.release", holder=lock.holder_key, teams=lock.owner_teams())
    if lock.is_active(database_now()) and not mine:
        return [asked.open(release_form(lock, asked.meta()))]
    return [asked.tell(released(lock_release(lock, by=by)))]


def extend(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    lock = locks.lock(by, value)
    shown = _end_shown(lock, shown_at(asked))
    if lock.expires_at is None or shown is None:
        raise Conflict("This lock lasts until it is released: there is no end to move.")
    if not lock.is_active(database_now()) or shown + LONGER > lock.expires_at:
        lock = lock_extend(lock, shown + LONGER, by=by)
    text = f":lock: The lock of {link(url_of(lock), lock.covers)} lasts until {moment(lock.expires_at)}."
    held = lock_buttons(lock, by, database_now())
    return [asked.tell(text, [section(text), *([actions(*held)] if held else [])])]


def _end_shown(lock: Lock, at: datetime) -> datetime | None:
    events = locks.history_of(lock).filter(name__in=("lock.taken", "lock.extended"))
    event = events.filter(at__lte=at).last() or events.first()
    end = (event.after or {}).get("expires_at") if event else None
    return instant(end, "expires_at") if end else None


def next_(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    lock = locks.lock(by, value)
    _, line = watch_start(lock, slack_id=asked.who.slack_id, by=by)
    what = link(url_of(lock), lock.covers)
    place = f" You are number {line.position} in line." if line and line.position else ""
    text = f":hourglass: You get a message as soon as the lock of {what} ends.{place}"
    return [asked.tell(text, [section(text), actions(buttons.watch_end(lock.public_id))])]


def not_next(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    lock = locks.lock(by, value)
    watch_end(lock, by=by)
    return [asked.tell(f"You wait for the lock of {link(url_of(lock), lock.covers)} no more.")]


def mine(asked: Asked, value: str) -> list[Call]:
    """His turn, and his place in line is given up for the lock."""
    by = asked.who.acting(asked.trace)
    return [asked.open(over_form(by, locks.lock(by, value), asked.meta(), taken=False))]


def over(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    lock = locks.lock(by, value)
    return [asked.open(over_form(by, lock, asked.meta(), taken=lock.is_active(database_now())))]


def new(asked: Asked, value: str) -> list[Call]:
    return [asked.open(lock_form(asked.who.acting(asked.trace), meta=asked.meta()))]


def break_glass(asked: Asked, value: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    return [asked.open(glass_of(by, locks.lock(by, value), asked.meta()))]


def approve(asked: Asked, value: str) -> list[Call]:
    return _decide(asked, value, "APPROVE", Approval.State.APPROVED)


def decline(asked: Asked, value: str) -> list[Call]:
    return _decide(asked, value, "DECLINE", Approval.State.DECLINED)


def _decide(asked: Asked, value: str, status: str, state: str) -> list[Call]:
    by = asked.who.acting(asked.trace)
    run = runs.run(by, value)
    if not run.approvals.filter(actor_key=by.actor.key, state=state).exists():
        run = run_decide(run, {"status": status}, by=by)
    return [asked.tell(_decided(run, state))]


def _decided(run: Run, state: str) -> str:
    what = f"“{link(url_of(run), run.title)}”"
    if state == Approval.State.DECLINED:
        return f":x: You have declined {what}. It will not be started."
    return f":white_check_mark: You have approved {what}."


BUTTONS: dict[str, Press] = {
    "lock_release": release,
    "lock_extend": extend,
    "lock_next": next_,
    "watch_end": not_next,
    "lock_mine": mine,
    "lock_over": over,
    "lock_new": new,
    "glass_break": break_glass,
    "run_approve": approve,
    "run_decline": decline,
    "environment_extend": lives.extend,
    "environment_pin": lives.pin,
}
