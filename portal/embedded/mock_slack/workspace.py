"""The channels, messages, people and forms of one workspace."""

import copy
import json
import re
import secrets
import threading
import time
from pathlib import Path
from typing import Any

from portal.embedded.mock_slack.reading import cursor_start, public, stamps, truth
from portal.embedded.mock_slack.shapes import Refusal, check_blocks, check_list, check_metadata, check_view

MAX_TEXT = 40_000
TRIGGER_SECONDS = 3.0
BOT = {"user_id": "U0PORTCULL", "bot_id": "B0PORTCULL", "team_id": "T0PORTCULL"}


class Workspace:
    """The channels and messages. Every call is one dict in and one dict out, as Slack's methods are; safe to share."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.guard = threading.Lock()
        self.channels: dict[str, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.last_ts = 0
        self.people: dict[str, dict[str, Any]] = {}
        self.forms: dict[str, dict[str, Any]] = {}  # that are open, by id
        self.homes: dict[str, dict[str, Any]] = {}  # by person
        self.whispers: list[dict[str, Any]] = []  # messages that one person alone sees
        self.unfurls: list[dict[str, Any]] = []
        self.triggers: dict[str, tuple[str, float]] = {}  # who, and until when
        self.answers: dict[str, dict[str, Any]] = {}  # by the secret part of an address to answer at
        self.socket = ""  # where Socket Mode connects to
        if file and file.exists():
            for line in file.read_text().splitlines():
                self.restore(json.loads(line))

    def call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        handler = METHODS.get(method)
        if not handler:
            raise Refusal("unknown_method")
        with self.guard:
            return {"ok": True, **handler(self, fields)}

    def snapshot(self) -> list[dict[str, Any]]:
        with self.guard:
            return copy.deepcopy(self.messages)

    def whispered(self) -> list[dict[str, Any]]:
        with self.guard:
            return copy.deepcopy(self.whispers)

    def shown(self, ts: str) -> dict[str, Any] | None:
        with self.guard:
            return next((copy.deepcopy(one) for one in [*self.messages, *self.whispers] if one["ts"] == ts), None)

    def newest_form(self, person: str) -> dict[str, Any] | None:
        with self.guard:
            own = [one for one in self.forms.values() if one["user"] == person]
        return own[-1] if own else None

    # Slack's methods

    def auth_test(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"url": "https://mock.slack.com/", "team": "Mock", "user": "portcullis", **BOT}

    def post_message(self, fields: dict[str, Any]) -> dict[str, Any]:
        content = self.content(fields)
        channel = self.channel(fields)
        thread = fields.get("thread_ts")
        if thread and not self.find(channel, str(thread)):
            raise Refusal("thread_not_found")
        message = {
            "type": "message",
            "channel": channel,
            "channel_name": self.channels[channel],
            "ts": self.next_ts(),
            "user": BOT["user_id"],
            "bot_id": BOT["bot_id"],
            **content,
        }
        if thread:
            message["thread_ts"] = str(thread)
        self.messages.append(message)
        self.keep(message)
        return {"channel": channel, "ts": message["ts"], "message": public(message)}

    def update(self, fields: dict[str, Any]) -> dict[str, Any]:
        channel = self.channel(fields, make=False)
        message = self.find(channel, str(fields.get("ts", "")))
        if not message:
            raise Refusal("message_not_found")
        content = self.content(fields)
        # A part that is not sent stays; one that is sent empty goes.
        for part in ("blocks", "attachments"):
            if fields.get(part) == []:
                message.pop(part, None)
        message.update(content, edited={"user": BOT["user_id"], "ts": self.next_ts()})
        self.keep(message)
        return {"channel": channel, "ts": message["ts"], "text": message["text"], "message": public(message)}

    def history(self, fields: dict[str, Any]) -> dict[str, Any]:
        channel = self.channel(fields, make=False)
        rows = [
            one for one in self.messages if one["channel"] == channel and one.get("thread_ts", one["ts"]) == one["ts"]
        ]
        return self.page(rows[::-1], fields)

    def replies(self, fields: dict[str, Any]) -> dict[str, Any]:
        channel, ts = self.channel(fields, make=False), str(fields.get("ts", ""))
        rows = [one for one in self.messages if one["channel"] == channel and ts in (one["ts"], one.get("thread_ts"))]
        if not rows:
            raise Refusal("thread_not_found")
        return self.page(rows, fields)

    def list_channels(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"channels": [self.describe(one) for one in self.channels], "response_metadata": {"next_cursor": ""}}

    def channel_info(self, fields: dict[str, Any]) -> dict[str, Any]:
        return {"channel": self.describe(self.channel(fields, make=False))}

    def whisper(self, fields: dict[str, Any]) -> dict[str, Any]:
        content = self.content(fields)
        channel = self.channel(fields, make=False)
        person = str(fields.get("user") or "")
        if person not in self.people:
            raise Refusal("user_not_in_channel")
        return {"message_ts": self.say_to(person, channel, content)}

    def say_to(self, person: str, channel: str, content: dict[str, Any]) -> str:
        ts = self.next_ts()
        name = self.channels.get(channel, channel)
        self.whispers.append({"user": person, "channel": channel, "channel_name": name, "ts": ts, **content})
        return ts

    def unfurl(self, fields: dict[str, Any]) -> dict[str, Any]:
        """By the message, or by the id that came with the event."""
        unfurls = fields.get("unfurls")
        if not isinstance(unfurls, dict) or not unfurls:
            raise Refusal("missing_unfurls")
        for each in unfurls.values():
            check_blocks(each.get("blocks"), code="cannot_parse_attachment")
        if not ((fields.get("channel") and fields.get("ts")) or (fields.get("unfurl_id") and fields.get("source"))):
            raise Refusal("cannot_find_message")
        self.unfurls.append(fields)
        return {}

    def user_info(self, fields: dict[str, Any]) -> dict[str, Any]:
        found = self.people.get(str(fields.get("user") or ""))
        if found is None:
            raise Refusal("user_not_found")
        return {"user": copy.deepcopy(found)}

    def user_by_email(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Whoever is asked for is there."""
        email = str(fields.get("email", "")).lower()
        if "@" not in email:
            raise Refusal("users_not_found")
        return {"user": copy.deepcopy(self.add_person(email))}

    def add_person(self, email: str, name: str = "", **more: Any) -> dict[str, Any]:
        """The same id for the same address each time; `more` are Slack's own fields: is_bot, is_restricted."""
        known = [one for one in self.people.values() if one["profile"]["email"] == email.lower()]
        if known and not name and not more:
            return known[0]
        number = sum(ord(letter) * place for place, letter in enumerate(email.lower(), 1))
        shown = name or email.partition("@")[0].title()
        made: dict[str, Any] = {"id": f"U{number:08}", "team_id": BOT["team_id"], "name": shown, "real_name": shown}
        made |= {"is_bot": False, "is_restricted": False, "deleted": False, "is_email_confirmed": True}
        made |= {"profile": {"email": email.lower(), "real_name": shown}, **more}
        self.people[made["id"]] = made
        return made

    def open_form(self, fields: dict[str, Any]) -> dict[str, Any]:
        view = check_view(fields.get("view"))
        person = self.spend(str(fields.get("trigger_id") or ""))
        if view["type"] != "modal":
            raise Refusal("invalid_arguments")
        made = self.lay(view, f"V{self.next_ts().replace('.', '')}", person)
        self.forms[made["id"]] = made
        return {"view": copy.deepcopy(made)}

    def update_form(self, fields: dict[str, Any]) -> dict[str, Any]:
        old = self.forms.get(str(fields.get("view_id") or ""))
        if old is None:
            raise Refusal("not_found")
        self.forms[old["id"]] = self.lay(check_view(fields.get("view")), old["id"], old["user"])
        return {"view": copy.deepcopy(self.forms[old["id"]])}

    def publish_home(self, fields: dict[str, Any]) -> dict[str, Any]:
        view, person = check_view(fields.get("view")), str(fields.get("user_id") or "")
        if view["type"] != "home" or not person:
            raise Refusal("invalid_arguments")
        self.homes[person] = self.lay(view, f"H{person}", person)
        return {"view": copy.deepcopy(self.homes[person])}

    def lay(self, view: dict[str, Any], name: str, person: str) -> dict[str, Any]:
        return copy.deepcopy(view) | {"id": name, "hash": f"{self.next_ts()}.{name}", "user": person}

    def trigger(self, person: str) -> str:
        """Good for one form within three seconds."""
        made = f"{self.next_ts()}.{secrets.token_hex(8)}"
        self.triggers[made] = (person, time.monotonic() + TRIGGER_SECONDS)
        return made

    def spend(self, trigger: str) -> str:
        if trigger not in self.triggers:
            raise Refusal("invalid_trigger_id")
        person, until = self.triggers[trigger]
        if time.monotonic() > until:
            raise Refusal("expired_trigger_id")
        if not person:
            raise Refusal("exchanged_trigger_id")
        self.triggers[trigger] = ("", until)
        return person

    def answer_at(self, person: str, channel: str) -> str:
        """The secret part of an address at which five answers are taken, for half an hour."""
        secret = secrets.token_hex(12)
        self.answers[secret] = {"user": person, "channel": channel, "left": 5, "until": time.monotonic() + 1800}
        return secret

    def answer(self, secret: str, fields: dict[str, Any]) -> None:
        with self.guard:
            known = self.answers.get(secret)
            if not known or time.monotonic() > known["until"] or not known["left"]:
                raise Refusal("used_url" if known else "no_service")
            content = self.content(fields)
            known["left"] -= 1
            self.say_to(known["user"], known["channel"], content)

    def open_channel(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The direct messages of one person."""
        person = str(fields.get("users") or "")
        if person not in self.people:
            raise Refusal("user_not_found")
        return {"channel": {"id": self.channel({"channel": person})}}

    def connect(self, fields: dict[str, Any]) -> dict[str, Any]:
        if not self.socket:
            raise Refusal("socket_mode_not_enabled")
        return {"url": self.socket}

    # What they share

    def channel(self, fields: dict[str, Any], make: bool = True) -> str:
        """The id for an id or a name. A name not seen yet is made at the first post: a demo has no channels beforehand."""
        asked = str(fields.get("channel") or "").removeprefix("#")
        if asked in self.channels:
            return asked
        known = {name: one for one, name in self.channels.items()}
        if asked in known:
            return known[asked]
        if not make or not re.fullmatch(r"[\w.-]{1,80}", asked):
            raise Refusal("channel_not_found")
        # Slack's own ids keep their form, so that a setting with an id can be tried out here.
        made = asked if re.fullmatch(r"[CGDU][A-Z0-9]{8,}", asked) else f"C{len(self.channels) + 1:08d}"
        self.channels[made] = asked
        return made

    def describe(self, channel: str) -> dict[str, Any]:
        return {
            "id": channel,
            "name": self.channels[channel],
            "is_channel": True,
            "is_member": True,
            "is_archived": False,
        }

    def content(self, fields: dict[str, Any]) -> dict[str, Any]:
        """The text, blocks, attachments and metadata of a message, checked as Slack checks them."""
        text = fields.get("text") or ""
        blocks = check_blocks(fields.get("blocks"))
        attachments = check_list(fields.get("attachments"), "invalid_attachments")
        if not isinstance(text, str):
            raise Refusal("invalid_arguments")
        if not text.strip() and not blocks and not attachments:
            raise Refusal("no_text")
        if len(text) > MAX_TEXT:
            raise Refusal("msg_too_long")
        given = {"blocks": blocks, "attachments": attachments, "metadata": check_metadata(fields.get("metadata"))}
        return {"text": text, **{name: value for name, value in given.items() if value}}

    def page(self, rows: list[dict[str, Any]], fields: dict[str, Any]) -> dict[str, Any]:
        try:
            limit = int(fields.get("limit") or 100)
            oldest, latest = float(fields.get("oldest") or 0), float(fields.get("latest") or "inf")
        except (TypeError, ValueError):
            raise Refusal("invalid_arguments") from None
        inclusive = truth(fields.get("inclusive"))
        inside = [
            one
            for one in rows
            if oldest < float(one["ts"]) < latest or (inclusive and float(one["ts"]) in (oldest, latest))
        ]
        start = cursor_start(fields.get("cursor"))
        limit = min(max(limit, 1), 999)
        more = len(inside) > start + limit
        with_metadata = truth(fields.get("include_all_metadata"))
        return {
            "messages": [public(one, with_metadata) for one in inside[start : start + limit]],
            "has_more": more,
            "response_metadata": {"next_cursor": f"start:{start + limit}" if more else ""},
        }

    def find(self, channel: str, ts: str) -> dict[str, Any] | None:
        return next((one for one in self.messages if one["channel"] == channel and one["ts"] == ts), None)

    def next_ts(self) -> str:
        """The clock in microseconds, and always more than the last one."""
        self.last_ts = max(time.time_ns() // 1000, self.last_ts + 1)
        return f"{self.last_ts // 1_000_000}.{self.last_ts % 1_000_000:06d}"

    def keep(self, message: dict[str, Any]) -> None:
        if self.file:
            with self.file.open("a") as out:
                out.write(json.dumps(message) + "\n")

    def restore(self, message: dict[str, Any]) -> None:
        """A line of the file: a new message, or the later form of one that was edited."""
        self.channels[message["channel"]] = message["channel_name"]
        self.last_ts = max(self.last_ts, *(int(ts.replace(".", "")) for ts in stamps(message)))
        old = self.find(message["channel"], message["ts"])
        if old:
            old.clear()
            old.update(message)
        else:
            self.messages.append(message)


METHODS = {
    "apps.connections.open": Workspace.connect,
    "auth.test": Workspace.auth_test,
    "chat.postEphemeral": Workspace.whisper,
    "chat.postMessage": Workspace.post_message,
    "chat.unfurl": Workspace.unfurl,
    "chat.update": Workspace.update,
    "conversations.history": Workspace.history,
    "conversations.info": Workspace.channel_info,
    "conversations.list": Workspace.list_channels,
    "conversations.open": Workspace.open_channel,
    "conversations.replies": Workspace.replies,
    "users.info": Workspace.user_info,
    "users.lookupByEmail": Workspace.user_by_email,
    "views.open": Workspace.open_form,
    "views.publish": Workspace.publish_home,
    "views.update": Workspace.update_form,
}
