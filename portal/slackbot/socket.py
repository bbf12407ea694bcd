"""Socket Mode: Slack sends over a connection that the portal opens. A lost one is opened anew, again and again."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackClientError

from portal.slackbot.bolt import app

logger = logging.getLogger(__name__)
PING = 5.0  # seconds; after a few without an answer the connection counts as lost
LONGEST_WAIT = 60.0


@contextmanager
def listen(ping: float = PING) -> Iterator[SocketModeHandler]:
    """Slack's client opens it anew once there was one; before the first, it is tried here."""
    handler = SocketModeHandler(app(), settings.SLACK_APP_TOKEN, ping_interval=ping)
    over = threading.Event()
    opening = threading.Thread(target=_open, args=(handler, over), daemon=True)
    opening.start()
    try:
        yield handler
    finally:
        over.set()
        opening.join(ping)
        handler.close()  # type: ignore[no-untyped-call]


def _open(handler: SocketModeHandler, over: threading.Event) -> None:
    wait = 1.0
    while not over.is_set():
        try:
            handler.connect()  # type: ignore[no-untyped-call]
            return
        except (SlackClientError, OSError) as error:
            logger.warning("Slack opens no connection (%s); trying again in %d s.", error, wait)
            over.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
