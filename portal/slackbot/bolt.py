"""Bolt takes what comes, by HTTP or by a socket: it is kept, and answered at once."""

import logging
import re
from functools import lru_cache
from typing import Any

from django.conf import settings
from slack_bolt import Ack, App
from slack_bolt.authorization import AuthorizeResult
from slack_sdk import WebClient

from portal.slackbot import events, press, slash  # noqa: F401 - they say what they handle
from portal.slackbot.forms import glass, lives, lock  # noqa: F401
from portal.slackbot.forms.names import offered
from portal.slackbot.forms.sent import submitted
from portal.slackbot.inbound import inbound_take

Json = dict[str, Any]
ANY = re.compile(".*", re.DOTALL)
EVENTS = ("app_home_opened", "link_shared")


def app() -> App:
    return _app(settings.SLACK_SIGNING_SECRET, settings.SLACK_BOT_TOKEN, settings.SLACK_API_URL)


@lru_cache(maxsize=4)
def _app(secret: str, token: str, api: str) -> App:
    """It asks Slack nothing by itself: nothing may stand between what comes and its row."""
    made = App(
        name="portcullis",
        signing_secret=secret or "of a socket, where nothing is signed",
        authorize=_authorized,
        client=WebClient(base_url=api),
        process_before_response=True,
        logger=logging.getLogger("portal.slackbot.bolt"),
    )
    made.command(ANY)(lambda ack, body: _take("command", ack, body))
    made.block_action(ANY)(lambda ack, body: _take("action", ack, body))
    for name in EVENTS:
        made.event(name)(lambda ack, body: _take("event", ack, body))
    made.view_submission(ANY)(lambda ack, body: ack(**submitted(body)))
    made.view_closed(ANY)(lambda ack: ack())
    made.block_suggestion(ANY)(lambda ack, body: ack(options=offered(body)))
    return made


def _authorized(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=settings.SLACK_BOT_TOKEN)


def _take(kind: str, ack: Ack, body: Json) -> None:
    inbound_take(kind, body)
    ack()
