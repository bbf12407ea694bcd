"""What came of calling the address that a run's action names."""

from typing import Any
from urllib.parse import urlsplit

import orjson
from django.db import transaction

from portal.accounts.policy import require
from portal.actions.commands.runs import ended, held
from portal.actions.models import Run, RunLog
from portal.actions.requests import Request
from portal.kit.by import By
from portal.kit.jsontext import storable, storable_text
from portal.kit.outgoing import Answer

LONGEST = 300


@transaction.atomic
def run_called(run: Run, request: Request, answer: Answer, *, by: By) -> Run:
    """It was answered. A refusal ends the run, and so does any answer that the run waits for."""
    require(by, "run.report")
    run = held(run)
    took = round(answer.seconds * 1000)
    say(run, f"{request.method} {urlsplit(request.url).netloc} was answered {answer.status} after {took} ms.", by)
    if run.is_over:  # whoever was called was quicker to report
        return run
    good = 200 <= answer.status < 300
    if good and not request.waits:
        return run
    status = Run.Status.SUCCESS if good else Run.Status.FAILURE
    summary = "" if good else f"The receiver answered {answer.status}."
    return ended(run, status, summary, response=_read(answer.body) if request.waits else None, by=by)


@transaction.atomic
def run_uncalled(run: Run, reason: str, *, ends: bool, by: By) -> Run:
    """It could not be called. `ends`: nor will it be."""
    require(by, "run.report")
    run, reason = held(run), sentence(reason)
    say(run, reason if ends else f"{reason} It is called again.", by)
    return ended(run, Run.Status.FAILURE, reason, by=by) if ends and not run.is_over else run


def say(run: Run, message: str, by: By) -> None:
    """A line of its log."""
    text = message if len(message) <= LONGEST else f"{message[:LONGEST]}…"
    RunLog.objects.create(run=run, message=storable_text(text), created_by=by.actor.name)


def sentence(text: str) -> str:
    """What others say often has no full stop."""
    return text if text.endswith((".", "!", "?")) else f"{text}."


def _read(body: bytes) -> Any:
    try:
        return storable(orjson.loads(body))
    except orjson.JSONDecodeError:
        return storable_text(body.decode(errors="replace")) or None
