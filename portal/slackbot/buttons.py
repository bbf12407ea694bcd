"""The buttons under messages and on the Home page: one function for each, which gives a block element.

What is pressed is the button's name (Slack's action_id), what it is about its value: the public id of a lock, a run or
an environment.
"""

from typing import Any
from uuid import UUID

Json = dict[str, Any]
EXTENSION = "1 h"


def lock_release(lock_id: str | UUID) -> Json:
    ask = _confirm("Release this lock?", "Deploys go on, and whoever waits is told.", "Release")
    return _button("lock_release", "Release", lock_id, confirm=ask)


def lock_extend(lock_id: str | UUID) -> Json:
    return _button("lock_extend", f"Extend {EXTENSION}", lock_id)


def lock_next(lock_id: str | UUID) -> Json:
    return _button("lock_next", "I want it next", lock_id)


def glass_break(lock_id: str | UUID) -> Json:
    """Opens a form: nothing is passed before that is sent."""
    return _button("glass_break", "Break glass…", lock_id, style="danger")


def lock_over(lock_id: str | UUID) -> Json:
    """Opens the form of a lock that takes this one over."""
    return _button("lock_over", "Take it over…", lock_id)


def lock_mine(lock_id: str | UUID) -> Json:
    """For who waited for its end: the form of a lock of the same."""
    return _button("lock_mine", "Lock it now…", lock_id, style="primary")


def lock_new() -> Json:
    return _button("lock_new", "Lock something…", "new")


def watch_end(lock_id: str | UUID) -> Json:
    return _button("watch_end", "I do not need it any more", lock_id)


def run_approve(run_id: str | UUID) -> Json:
    return _button("run_approve", "Approve", run_id, style="primary")


def run_decline(run_id: str | UUID) -> Json:
    ask = _confirm("Decline this run?", "It will not be started.", "Decline")
    return _button("run_decline", "Decline", run_id, style="danger", confirm=ask)


def environment_extend(environment_id: str | UUID) -> Json:
    return _button("environment_extend", "Extend", environment_id)


def environment_pin(environment_id: str | UUID) -> Json:
    return _button("environment_pin", "Pin…", environment_id)


def _button(name: str, words: str, value: str | UUID, **more: Any) -> Json:
    text = {"type": "plain_text", "text": words}
    return {"type": "button", "action_id": name, "text": text, "value": str(value), **more}


def _confirm(title: str, text: str, yes: str) -> Json:
    words = {"title": title, "text": text, "confirm": yes, "deny": "Cancel"}
    return {name: {"type": "plain_text", "text": each} for name, each in words.items()}
