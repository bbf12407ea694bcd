"""Tells Slack what happened, once for each event."""

import logging
from typing import Any

from django.conf import settings
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError, SlackClientError

from catalog.models import Entity
from deployments.queries import blocked_by
from locks.models import Lock
from locks.queries import REMINDERS, reminder_is_stale
from portal.accounts.queries import user_of
from portal.audit.models import Delivery, Event
from portal.audit.subscribers import Hopeless, RetryLater, subscribe
from portal.kit.clock import database_now
from portal.slackbot.messages import lock_message

Json = dict[str, Any]
logger = logging.getLogger(__name__)

EVENT_TYPE = "portcullis_delivery"
TIMEOUT = 6  # seconds; all calls of one delivery together stay within its lease
ENDINGS = ("lock.released", "lock.expired")
MOST_PAGES = 5  # of channels
LOOK_BACK = 200  # messages
# Asking again will not help: somebody has to change a setting first.
HOPELESS = {
    "invalid_auth", "not_authed", "account_inactive", "token_revoked", "channel_not_found", "is_archived",
    "not_in_channel", "msg_too_long", "no_text", "invalid_blocks", "missing_scope",
}  # fmt: skip


def register() -> None:
    subscribe("slack", "lock.*", handle=tell, wants=lambda event: bool(settings.SLACK_BOT_TOKEN))


def client() -> WebClient:
    # Without the client's own retries: a message whose answer was lost would be sent a second time.
    return WebClient(
        token=settings.SLACK_BOT_TOKEN, base_url=settings.SLACK_API_URL, timeout=TIMEOUT, retry_handlers=[]
    )


def tell(delivery: Delivery) -> Json:
    """Sends the message. Slack keeps no idempotency keys, so after a crash we look for it before sending again.

    A reminder that came to be untrue while it waited is not sent.
    """
    event = delivery.event
    if event.name in REMINDERS and reminder_is_stale(event, now=database_now()):
        return {"skipped": "It is no longer true."}
    channel = channel_of(event)
    if not channel:
        raise Hopeless("No channel: set slackChannel on the service or the environment, or PORTCULLIS_SLACK_CHANNEL.")
    try:
        web = client()
        sent = _find(web, channel, delivery) if delivery.attempts > 1 else None
        if sent:
            return sent
        answer = web.chat_postMessage(
            channel=channel,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"delivery": str(delivery.public_id)}},
            unfurl_links=False,
            **_message(web, event),
        )
    except SlackApiError as error:
        raise _reason(error, channel) from error
    except (SlackClientError, OSError) as error:
        raise RetryLater(f"Slack did not answer: {error}") from error
    return {"channel": answer["channel"], "ts": answer["ts"]}


def _message(web: WebClient, event: Event) -> Json:
    if event.name in REMINDERS:
        return lock_message(event, holder=_holder(web, event))
    if event.name in ENDINGS:
        lock = Lock.objects.get(public_id=event.noun_id)
        return lock_message(event, blocked=blocked_by(lock, now=database_now()))
    return lock_message(event)


def _holder(web: WebClient, event: Event) -> str:
    """Slack's id of the lock's holder, so that the message calls him; "" where Slack does not tell or know him."""
    lock = Lock.objects.get(public_id=event.noun_id)
    user = user_of(lock.holder_key)
    try:
        return str(web.users_lookupByEmail(email=user.email)["user"]["id"]) if user else ""
    except SlackApiError as error:
        logger.info("Slack does not name the holder of a lock: %s", error.response.get("error"))
        return ""


def channel_of(event: Event) -> str:
    """The service's own channel, else the environment's, else the one for everything."""
    for blueprint, identifier in (("service", event.service), ("environment", event.environment)):
        if identifier:
            found = Entity.objects.filter(blueprint__identifier=blueprint, identifier=identifier).first()
            if found and found.properties.get("slackChannel"):
                return str(found.properties["slackChannel"]).lstrip("#")
    return str(settings.SLACK_CHANNEL).lstrip("#")


def _find(web: WebClient, channel: str, delivery: Delivery) -> Json | None:
    """The message of an earlier attempt, if it did arrive. None too when Slack does not let us look:
    told twice is better than not at all."""
    try:
        channel_id = _channel_id(web, channel)
        messages = _recent(web, channel_id, delivery) if channel_id else []
    except SlackApiError as error:
        if error.response.status_code != 200:
            raise
        logger.warning("Slack does not show #%s to us: %s", channel, error.response.get("error"))
        return None
    for message in messages:
        payload = (message.get("metadata") or {}).get("event_payload") or {}
        if payload.get("delivery") == str(delivery.public_id):
            return {"channel": channel_id, "ts": message["ts"], "found": True}
    return None


def _recent(web: WebClient, channel_id: str, delivery: Delivery) -> list[Json]:
    history = web.conversations_history(
        channel=channel_id,
        oldest=str(delivery.event.at.timestamp() - 60),
        limit=LOOK_BACK,
        include_all_metadata=True,
    )
    return history.get("messages") or []


def _channel_id(web: WebClient, channel: str) -> str | None:
    """History wants the channel's id, so its name is looked up."""
    cursor = ""
    for _ in range(MOST_PAGES):
        page = web.conversations_list(
            cursor=cursor, limit=1000, exclude_archived=True, types="public_channel,private_channel"
        )
        channels: list[Json] = page.get("channels") or []
        for each in channels:
            if channel in (each["id"], each["name"]):
                return str(each["id"])
        cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
        if not cursor:
            break
    return None


def _reason(error: SlackApiError, channel: str) -> Exception:
    response = error.response
    code = response.get("error", "") if isinstance(response.data, dict) else ""
    if response.status_code == 429 or code == "ratelimited":
        return RetryLater("Slack asks to wait", after=float(response.headers.get("Retry-After", 30)))
    if code in HOPELESS:
        return Hopeless(f"Slack refused the message to #{channel}: {code}")
    return RetryLater(f"Slack answered {response.status_code} {code}")
