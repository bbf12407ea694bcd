"""One message to Slack, in its thread, once.

Slack keeps no idempotency keys: the delivery's id travels in the message's metadata, and an attempt that is not the
first looks for it before it sends.
"""

import logging
from datetime import timedelta
from typing import Any

from django.db.models import F
from slack_sdk.errors import SlackApiError

from portal.accounts.models import User
from portal.accounts.queries import user_of
from portal.audit.leases import must_hold
from portal.audit.models import Delivery
from portal.audit.subscribers import RetryLater
from portal.notifications import bursts
from portal.notifications.models import SlackThread
from portal.notifications.notice import Notice, Person
from portal.slackbot.client import web
from portal.slackbot.rendering import message

Json = dict[str, Any]
logger = logging.getLogger(__name__)

EVENT_TYPE = "portcullis_delivery"
MOST_PAGES = 3  # of channels
LOOK_BACK = 200  # messages
# What comes so soon after an end goes on with the thread: it was none.
REOPENS = timedelta(minutes=10)
GONE = {"thread_not_found", "message_not_found"}
# The first message may not be edited any more; what is below it says it all.
NOT_EDITED = {"edit_window_closed", "cant_update_message", "message_not_found", "not_in_channel", "missing_scope"}


class Post:
    """`may_be_out`: whether this attempt may have brought the message to Slack."""

    def __init__(self, delivery: Delivery, notice: Notice, channel: str) -> None:
        self.delivery, self.notice, self.channel = delivery, notice, channel
        self.web, self.may_be_out = web(), False
        self.thread = self._thread() if notice.thread else None

    def send_to(self, person: User) -> Json:
        """By a direct message."""
        self.channel = str(self.web.users_lookupByEmail(email=person.email)["user"]["id"])
        return self.send()

    def send(self) -> Json:
        if self.thread is None:
            return self._begin()
        if self.thread.delivery == self.delivery.public_id:
            return {"channel": self.thread.channel, "ts": self.thread.ts, "found": True}
        answer = {"folded": "It changes often: only the first message was edited."}
        if not (self.notice.folds and not self.notice.closes and bursts.folded(self.delivery)):
            answer = self._reply(self.thread)
        else:
            self._count_folded(self.thread)
        self._edit_head(self.thread)
        return answer

    def _thread(self) -> SlackThread | None:
        found = SlackThread.objects.filter(key=self.notice.thread, target=self.delivery.target).order_by("-id").first()
        if found and found.closed_at and self.delivery.event.at - found.closed_at > REOPENS:
            return None
        return found

    def _begin(self) -> Json:
        sent = self._earlier() or self._post(self.channel)
        if self.notice.thread:
            SlackThread.objects.get_or_create(
                delivery=self.delivery.public_id,
                defaults={
                    "key": self.notice.thread,
                    "target": self.delivery.target,
                    "channel": sent["channel"],
                    "ts": sent["ts"],
                    "closed_at": self.delivery.event.at if self.notice.closes else None,
                },
            )
        return sent

    def _reply(self, thread: SlackThread) -> Json:
        try:
            return self._earlier(thread) or self._post(thread.channel, thread_ts=thread.ts)
        except SlackApiError as error:
            if error.response.get("error") not in GONE:
                raise
            # Somebody deleted the first message: this one takes its place.
            thread.delete()
            raise RetryLater("The thread is gone; another is begun.", after=1) from error

    def _post(self, channel: str, **more: Any) -> Json:
        said = message(self.notice, self._people())
        must_hold(self.delivery)
        self.may_be_out = True
        try:
            answer = self.web.chat_postMessage(
                channel=channel, metadata=_metadata(self.delivery.public_id), unfurl_links=False, **said, **more
            )
        except SlackApiError as error:
            # It answered, and it was a no. After a 5xx nobody knows.
            self.may_be_out = error.response.status_code >= 500
            raise
        return {"channel": answer["channel"], "ts": answer["ts"]}

    def _edit_head(self, thread: SlackThread) -> None:
        """How things stand now. Doing it twice does no harm."""
        if self.notice.standing:
            note = f"and {thread.folded} more changes that are not listed" if thread.folded else ""
            said = message(self.notice, standing=True, note=note)
            try:
                self.web.chat_update(channel=thread.channel, ts=thread.ts, metadata=_metadata(thread.delivery), **said)
            except SlackApiError as error:
                if error.response.get("error") not in NOT_EDITED:
                    raise
                logger.info("Slack does not let the head of a thread be edited: %s", error.response.get("error"))
            thread.closed_at = self.delivery.event.at if self.notice.closes else None
            thread.save(update_fields=["closed_at"])

    def _count_folded(self, thread: SlackThread) -> None:
        SlackThread.objects.filter(pk=thread.pk).update(folded=F("folded") + 1)
        thread.refresh_from_db(fields=["folded"])

    def _people(self) -> dict[str, str]:
        """Slack's ids for those whom the notice calls; without those whom Slack does not tell or know."""
        keys = {fact.value.key for fact in self.notice.facts if isinstance(fact.value, Person)}
        return {key: known for key in keys if (known := self._slack_id(key))}

    def _slack_id(self, key: str) -> str:
        user = user_of(key)
        try:
            return str(self.web.users_lookupByEmail(email=user.email)["user"]["id"]) if user else ""
        except SlackApiError as error:
            if error.response.status_code != 200:
                raise
            logger.info("Slack does not name somebody: %s", error.response.get("error"))
            return ""

    def _earlier(self, thread: SlackThread | None = None) -> Json | None:
        """The message of an earlier attempt, if it did arrive. None too when Slack does not let us look:
        told twice is better than not at all."""
        if self.delivery.attempts <= 1:
            return None
        try:
            channel, messages = self._replies(thread) if thread else self._recent()
        except SlackApiError as error:
            if error.response.status_code != 200 or error.response.get("error") in GONE:
                raise
            logger.warning("Slack does not show #%s to us: %s", self.channel, error.response.get("error"))
            return None
        for each in messages:
            payload = (each.get("metadata") or {}).get("event_payload") or {}
            if payload.get("delivery") == str(self.delivery.public_id):
                return {"channel": channel, "ts": each["ts"], "found": True}
        return None

    def _recent(self) -> tuple[str, list[Json]]:
        channel = self._channel_id()
        if not channel:
            return "", []
        found = self.web.conversations_history(channel=channel, **self._span())
        return channel, found.get("messages") or []

    def _replies(self, thread: SlackThread) -> tuple[str, list[Json]]:
        found = self.web.conversations_replies(channel=thread.channel, ts=thread.ts, **self._span())
        return thread.channel, found.get("messages") or []

    def _span(self) -> Json:
        oldest = str(self.delivery.event.at.timestamp() - 60)
        return {"oldest": oldest, "limit": LOOK_BACK, "include_all_metadata": True}

    def _channel_id(self) -> str:
        """History wants the channel's id, so its name is looked up."""
        if self.channel.startswith("U"):
            return str(self.web.conversations_open(users=self.channel)["channel"]["id"])
        known = (
            SlackThread.objects.filter(target=self.channel).order_by("-id").values_list("channel", flat=True).first()
        )
        return known or self._listed_id()

    def _listed_id(self) -> str:
        cursor = ""
        for _ in range(MOST_PAGES):
            page = self.web.conversations_list(
                cursor=cursor, limit=1000, exclude_archived=True, types="public_channel,private_channel"
            )
            channels: list[Json] = page.get("channels") or []
            for each in channels:
                if self.channel in (each["id"], each["name"]):
                    return str(each["id"])
            cursor = (page.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                break
        return ""


def _metadata(delivery: Any) -> Json:
    return {"event_type": EVENT_TYPE, "event_payload": {"delivery": str(delivery)}}
