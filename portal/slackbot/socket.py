"""Socket Mode: Slack sends over a connection that the portal opens. A lost one is opened anew, again and again."""

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.db import connections
from slack_bolt.adapter.socket_mode.builtin import SocketModeHandler
from slack_sdk.errors import SlackClientError

from portal.slackbot.bolt import app

logger = logging.getLogger(__name__)
PING = 5.0  # seconds; after a few without an answer the connection counts as lost
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0


class Handler(SocketModeHandler):
    def handle(self, client: Any, req: Any) -> None:
        """Its threads are no requests of Django's, which would look after their connections."""
        try:
            super().handle(client, req)
        finally:
            connections.close_all()


@contextmanager
def listen(ping: float = PING, wait: float = FIRST_WAIT) -> Iterator[SocketModeHandler]:
    """Slack's client opens it anew once there was one; before the first, it is tried here."""
    handler = Handler(app(), settings.SLACK_APP_TOKEN, ping_interval=ping)
    over = threading.Event()
    opening = threading.Thread(target=_open, args=(handler, over, wait), daemon=True)
    opening.start()
    try:
        yield handler
    finally:
        over.set()
        opening.join(ping)
        handler.close()  # type: ignore[no-untyped-call]


def _open(handler: SocketModeHandler, over: threading.Event, wait: float) -> None:
    while not over.is_set():
        try:
            handler.connect()  # type: ignore[no-untyped-call]
            return
        except (SlackClientError, OSError) as error:
            logger.warning("Slack opens no connection (%s); trying again in %d s.", error, wait)
            over.wait(wait)
            wait = min(wait * 2, LONGEST_WAIT)
