"""Each kind of message, as people read it. `pytest tests/notifications/test_goldens.py --rewrite-goldens` writes them anew."""

import json
import re
from collections import Counter
from pathlib import Path

import pytest
from django.test import override_settings

from portal.audit.models import Delivery
from portal.notifications import mail
from portal.notifications.notice import kinds, notice_of
from portal.notifications.plain import as_json
from portal.notifications.tables import preview, slack_words
from portal.slackbot.rendering import message
from tests.notifications.samples import ID, SAMPLES

GOLDENS = Path(__file__).parent / "goldens"
SEEN = Counter()


def name_of(event, seen):
    seen[event.name] += 1
    return event.name + (f"-{seen[event.name]}" if seen[event.name] > 1 else "")


NAMED = {name_of(event, SEEN): event for event in SAMPLES}


def slack(said):
    lines, pressed = slack_words(said)
    return [said["text"], *lines, *(f"[{each}]" for each in pressed)]


def golden(event):
    """In Slack, as the head of its thread where that says something else, as an e-mail, and the tone for programs."""
    notice = notice_of(event)
    first, *blocks = slack(message(notice))
    parts = ["Slack, where there is room for a line only", first, "", "Slack", *blocks]
    head = slack(message(notice, standing=True))[1:]
    if notice.standing and head != blocks:
        parts += ["", "Slack, at the head of the thread", *head]
    letter = mail.message(notice, Delivery(event=event, public_id=ID, target="dana@example.org"))
    parts += ["", f"E-mail: {letter.subject}", letter.body]
    return "\n".join(parts)


@pytest.mark.parametrize("name", NAMED)
def test_a_message_is_as_it_was(db, name, request):
    with override_settings(BASE_URL="http://127.0.0.1:8800", SLACK_SIGNING_SECRET="x"):
        told = golden(NAMED[name])
    file = GOLDENS / f"{name}.txt"
    if request.config.getoption("--rewrite-goldens"):
        file.write_text(told)
    assert told == file.read_text()


def test_a_preview_shows_no_name_of_an_emoji_and_no_notation_of_a_program(db):
    for event in SAMPLES:
        shown = " ".join(preview(event)["slack"])
        assert not re.search(r":[a-z]+(_[a-z]+)*:|\{'", shown), shown


def test_every_kind_of_message_has_its_golden_and_there_is_no_other():
    assert {event.name for event in SAMPLES} == {kind.name for kind in kinds()}
    assert {file.stem for file in GOLDENS.glob("*.txt")} == set(NAMED)


def test_programs_read_the_same_facts(db):
    for event in SAMPLES:
        notice, said = notice_of(event), as_json(notice_of(event), event)
        assert json.loads(json.dumps(said))["summary"] == notice.summary
        assert [fact["label"] for fact in said["facts"]] == [fact.label for fact in notice.facts]


@pytest.mark.parametrize("said", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "2026-02-30T00:00:00Z"])
def test_an_instant_at_the_ends_of_time_is_said_as_it_was_written(db, said):
    """The catalog takes any: a timer of the year 1 must not keep its message from everybody."""
    timer = next(each for each in SAMPLES if each.name == "timer.expired")
    kept, timer.payload = timer.payload, timer.payload | {"value": said}
    try:
        assert said in mail.body(notice_of(timer)) and said in str(preview(timer)["slack"])
    finally:
        timer.payload = kept
