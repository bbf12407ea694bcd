"""What Slack sends to the portal when somebody does something: signed, as Slack signs it."""

import hashlib
import hmac
import json
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode

from portal.embedded.mock_slack.workspace import BOT, Workspace

Json = dict[str, Any]


@dataclass
class Answer:
    status: int
    body: Json = field(default_factory=dict)


@dataclass
class Sender:
    """`url` is the portal's /slack/events; `slack` the address of this Slack, for answers."""

    url: str
    secret: str
    slack: str
    workspace: Workspace

    def command(self, person: str, text: str, channel: str = "C00000001", command: str = "/portal") -> Answer:
        return self.form(self.command_fields(person, text, channel, command))

    def command_fields(self, person: str, text: str, channel: str, command: str) -> Json:
        fields = {"command": command, "text": text, "channel_id": channel, "team_id": BOT["team_id"]}
        return fields | {"user_id": person, "user_name": person.lower()} | self._addresses(person, channel)

    def press(self, person: str, action: Json, *, message: Json | None = None, home: bool = False) -> Answer:
        """A button of a message, of one that he alone sees, or of his Home page."""
        payload: Json = {"type": "block_actions", "user": {"id": person, "team_id": BOT["team_id"]}}
        payload |= {"team": {"id": BOT["team_id"]}, "actions": [action | {"type": "button", "block_id": "b"}]}
        if home:
            view = self.workspace.homes[person]
            payload |= {"view": view, "container": {"type": "view", "view_id": view["id"]}}
            payload |= {"trigger_id": self.workspace.trigger(person)}
        else:
            shown = message or {}
            channel = shown.get("channel", "C00000001")
            container = {"type": "message", "message_ts": shown.get("ts", ""), "channel_id": channel}
            payload |= {"container": container, "channel": {"id": channel}} | self._addresses(person, channel)
            payload |= {"message": shown} if "user" in shown and "bot_id" in shown else {}
        return self.payload(payload)

    def submit(self, form: Json, values: Json) -> Answer:
        """`values` is Slack's state: by block and action."""
        view = form | {"state": {"values": values}}
        team = {"id": BOT["team_id"]}
        payload = {"type": "view_submission", "team": team, "user": {"id": form["user"]}, "view": view}
        return self.payload(payload | {"trigger_id": self.workspace.trigger(form["user"])})

    def suggest(self, person: str, action: str, typed: str = "") -> Answer:
        payload = {"type": "block_suggestion", "user": {"id": person}, "team": {"id": BOT["team_id"]}}
        return self.payload(payload | {"action_id": action, "block_id": action, "value": typed})

    def event(self, event: Json, name: str = "", **headers: str) -> Answer:
        body = {"type": "event_callback", "team_id": BOT["team_id"], "event": event, "event_time": int(time.time())}
        body |= {"event_id": name or f"Ev{self.workspace.next_ts().replace('.', '')}", "api_app_id": "A0PORTCULL"}
        return self.raw(json.dumps(body).encode(), "application/json", **headers)

    def _addresses(self, person: str, channel: str) -> Json:
        secret = self.workspace.answer_at(person, channel)
        return {"trigger_id": self.workspace.trigger(person), "response_url": f"{self.slack}respond/{secret}"}

    def payload(self, payload: Json) -> Answer:
        return self.form({"payload": json.dumps(payload)})

    def form(self, fields: Json) -> Answer:
        return self.raw(urlencode(fields).encode(), "application/x-www-form-urlencoded")

    def raw(self, body: bytes, kind: str, **headers: str) -> Answer:
        """Sends it; Slack itself gives up after three seconds."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        signed = {"Content-Type": kind} | signature(self.secret, body) | named
        request = urllib.request.Request(self.url, data=body, headers=signed)
        try:
            with urllib.request.urlopen(request, timeout=3) as response:
                return Answer(response.status, _read(response.read()))
        except urllib.error.HTTPError as error:
            return Answer(error.code, _read(error.read()))
        except OSError as error:
            return Answer(0, {"error": str(error)})


def signature(secret: str, body: bytes, at: int | None = None) -> dict[str, str]:
    stamp = str(int(time.time()) if at is None else at)
    digest = hmac.new(secret.encode(), f"v0:{stamp}:".encode() + body, hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _read(raw: bytes) -> Json:
    try:
        body = json.loads(raw or b"{}")
    except ValueError:
        return {"text": raw.decode("utf-8", "replace")[:500]}
    return body if isinstance(body, dict) else {}
