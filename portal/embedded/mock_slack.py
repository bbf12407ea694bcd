"""A stand-in for Slack's Web API, for the demo and the tests: `python -m portal.embedded.mock_slack --port 8810`.

    with MockSlack() as slack:
        WebClient(token="xoxb-any", base_url=slack.url).chat_postMessage(channel="#deploys", text="hello")
        slack.messages[0]["text"]

Standard library only. A page at / shows what Slack would show; GET /_messages gives it as JSON; POST /_faults
{"next": [{"status": 429, "retry_after": 1}, {"status": 500}, {"hang": 3}, {"drop_after_accept": true}]} spoils the
next calls, one each, in order (a fault may name the "method" it waits for).
"""

import argparse
import contextlib
import copy
import html
import json
import re
import sys
import threading
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

MAX_BODY_BYTES = 1024 * 1024
MAX_TEXT = 40_000
MAX_BLOCKS = 50
BLOCK_TYPES = {"actions", "context", "divider", "header", "image", "input", "rich_text", "section", "video", "markdown"}
JSON_FIELDS = ("blocks", "attachments", "metadata")
BOT = {"user_id": "U0PORTCULL", "bot_id": "B0PORTCULL", "team_id": "T0PORTCULL"}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta http-equiv="refresh" content="3">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>Mock Slack</title>
<style>body{{font:15px/1.5 system-ui,sans-serif;
margin:2rem auto;max-width:46rem;padding:0 1rem;color:#1d1c1d;background:#fff}}
article{{border-top:1px solid #ddd;padding:.7rem 0}}article.reply{{margin-left:2rem}}small{{color:#616061}}
pre,code{{background:#f4f4f4}}h1{{font-size:1.2rem}}
@media(prefers-color-scheme:dark){{body{{color:#ddd;background:#1a1d21}}small{{color:#9a9b9d}}article{{border-color:#444}}
pre,code{{background:#333}}a{{color:#6db3f2}}}}</style>
<h1>Mock Slack: what Slack would show, newest first</h1>
<p><small>{count}. This page reloads itself every 3 seconds. Nothing here leaves this machine.</small></p>
{articles}</html>"""


class Refusal(Exception):
    """An answer of Slack's with ok: false and this error code."""


class Workspace:
    """The channels and messages. Every call is one dict in and one dict out, as Slack's methods are; safe to share."""

    def __init__(self, file: Path | None = None) -> None:
        self.file = file
        self.guard = threading.Lock()
        self.channels: dict[str, str] = {}
        self.messages: list[dict[str, Any]] = []
        self.last_ts = 0
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

    # What they share

    def person(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Whoever is asked for is there."""
        email = str(fields.get("email", "")).lower()
        if "@" not in email:
            raise Refusal("users_not_found")
        number = sum(ord(letter) * place for place, letter in enumerate(email, 1))
        return {"user": {"id": f"U{number:08}", "profile": {"email": email}}}

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
        made = asked if re.fullmatch(r"[CGD][A-Z0-9]{8,}", asked) else f"C{len(self.channels) + 1:08d}"
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
    "auth.test": Workspace.auth_test,
    "chat.postMessage": Workspace.post_message,
    "chat.update": Workspace.update,
    "conversations.history": Workspace.history,
    "conversations.replies": Workspace.replies,
    "conversations.list": Workspace.list_channels,
    "conversations.info": Workspace.channel_info,
    "users.lookupByEmail": Workspace.person,
}


def stamps(message: dict[str, Any]) -> list[str]:
    return [message["ts"], message.get("edited", {}).get("ts", message["ts"])]


def public(message: dict[str, Any], with_metadata: bool = True) -> dict[str, Any]:
    hidden = {"channel", "channel_name"} | (set() if with_metadata else {"metadata"})
    return {name: value for name, value in message.items() if name not in hidden}


def truth(value: Any) -> bool:
    return str(value).lower() in ("1", "true")


def cursor_start(cursor: Any) -> int:
    match = re.fullmatch(r"start:(\d{1,9})", str(cursor or "start:0"))
    if not match:
        raise Refusal("invalid_cursor")
    return int(match[1])


def check_list(value: Any, code: str) -> list[dict[str, Any]]:
    if value in (None, ""):
        return []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise Refusal(code)
    return value


def check_blocks(value: Any) -> list[dict[str, Any]]:
    blocks = check_list(value, "invalid_blocks_format")
    if len(blocks) > MAX_BLOCKS or not all(is_block(one) for one in blocks):
        raise Refusal("invalid_blocks")
    return blocks


def is_block(block: dict[str, Any]) -> bool:
    kind = block.get("type")
    if kind == "section":
        fields = block.get("fields")
        has_fields = isinstance(fields, list) and 1 <= len(fields) <= 10 and all(is_text(one, 2000) for one in fields)
        return is_text(block["text"], 3000) if "text" in block else has_fields
    if kind == "header":
        return is_text(block.get("text"), 150) and block["text"]["type"] == "plain_text"
    if kind in ("context", "actions"):
        elements = block.get("elements")
        most = 10 if kind == "context" else 25
        return (
            isinstance(elements, list) and 1 <= len(elements) <= most and all(isinstance(one, dict) for one in elements)
        )
    return kind in BLOCK_TYPES


def is_text(value: Any, most: int) -> bool:
    return (
        isinstance(value, dict)
        and value.get("type") in ("mrkdwn", "plain_text")
        and isinstance(value.get("text"), str)
        and 1 <= len(value["text"]) <= most
    )


def check_metadata(value: Any) -> dict[str, Any] | None:
    if value in (None, ""):
        return None
    if (
        not isinstance(value, dict)
        or not isinstance(value.get("event_type"), str)
        or not isinstance(value.get("event_payload"), dict)
    ):
        raise Refusal("invalid_metadata_format")
    return value


def read_fields(content_type: str, raw: bytes, query: str) -> dict[str, Any]:
    """The arguments of one call, from its query and its form or JSON body; a form carries its JSON parts as strings."""
    fields: dict[str, Any] = dict(parse_qsl(query))
    if content_type == "application/json":
        try:
            body = json.loads(raw or b"{}")
        except ValueError:
            raise Refusal("invalid_json") from None
        if not isinstance(body, dict):
            raise Refusal("json_not_object")
        fields.update(body)
    elif content_type == "application/x-www-form-urlencoded":
        fields.update(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    elif raw:
        raise Refusal("invalid_post_type")
    for name in JSON_FIELDS:
        if isinstance(fields.get(name), str) and fields[name]:
            fields[name] = parse_part(name, fields[name])
    return fields


def parse_part(name: str, text: str) -> Any:
    codes = {
        "blocks": "invalid_blocks_format",
        "attachments": "invalid_attachments",
        "metadata": "invalid_metadata_format",
    }
    try:
        return json.loads(text)
    except ValueError:
        raise Refusal(codes[name]) from None


# The page


def mrkdwn(text: str) -> str:
    """Slack's mark-up as safe HTML: *bold*, _italic_, `code`, <https://link|words>, <@U1>; all else is escaped."""
    kept: list[str] = []

    def keep(made: str) -> str:
        kept.append(made)
        return f"\0{len(kept) - 1}\0"

    def link(match: re.Match[str]) -> str:
        target, _, words = match[1].partition("|")
        # Slack has &, < and > escaped in messages; undo that once, so that they are not shown escaped twice.
        target, words = html.unescape(target), html.unescape(words)
        if re.match(r"(https?://|mailto:)", target):
            return keep(f'<a href="{html.escape(target)}" rel="noreferrer">{html.escape(words or target)}</a>')
        return keep(f"<b>{html.escape(words or target)}</b>")

    text = text.replace("\0", "")
    text = re.sub(r"`([^`\n]+)`", lambda match: keep(f"<code>{html.escape(html.unescape(match[1]))}</code>"), text)
    text = html.escape(html.unescape(re.sub(r"<([^<>\n]+)>", link, text)))
    text = re.sub(r"(?<!\w)\*([^*\n]+)\*(?!\w)", r"<b>\1</b>", text)
    text = re.sub(r"(?<!\w)_([^_\n]+)_(?!\w)", r"<i>\1</i>", text)
    while "\0" in text:
        text = re.sub("\0(\\d+)\0", lambda match: kept[int(match[1])], text)
    return text.replace("\n", "<br>")


def words_of(block: dict[str, Any]) -> list[str]:
    """What a block would show, as mrkdwn lines: its texts, its fields, its buttons in brackets."""
    parts = [block.get("text"), *(block.get("fields") or []), *(block.get("elements") or []), block.get("accessory")]
    lines = []
    for part in parts:
        if isinstance(part, dict) and isinstance(part.get("text"), dict):
            lines.append(f"[{part['text'].get('text', '')}]")
        elif isinstance(part, dict) and isinstance(part.get("text"), str):
            lines.append(part["text"])
    return lines


def article(message: dict[str, Any]) -> str:
    at = datetime.fromtimestamp(float(message["ts"]), UTC)
    lines = [line for block in message.get("blocks", []) for line in words_of(block)] or [message["text"]]
    notes = ["edited"] * ("edited" in message) + ["in a thread"] * ("thread_ts" in message)
    head = " · ".join(html.escape(part) for part in (f"#{message['channel_name']}", f"{at:%d %b %H:%M:%S} UTC", *notes))
    reply = ' class="reply"' if "thread_ts" in message else ""
    return f"<article{reply}><small>{head}</small><br>{'<br>'.join(map(mrkdwn, lines))}</article>"


def render(messages: list[dict[str, Any]]) -> str:
    count = f"{len(messages)} message{'s' * (len(messages) != 1)}"
    return PAGE.format(count=count, articles="\n".join(map(article, messages[::-1])) or "<p>No message yet.</p>")


# The server


class Handler(BaseHTTPRequestHandler):
    server: "Server"
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/":
            self.answer(200, render(self.server.workspace.snapshot()).encode(), "text/html; charset=utf-8")
        elif path == "/_messages":
            self.answer_json(200, {"ok": True, "messages": self.server.workspace.snapshot()})
        else:
            self.serve(path, b"")

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit() or int(length) > MAX_BODY_BYTES:
            self.close_connection = True
            self.answer_json(413, {"ok": False, "error": "request_too_large"})
            return
        raw, path = self.rfile.read(int(length)), urlsplit(self.path).path
        if path == "/_faults":
            self.set_faults(raw)
        else:
            self.serve(path, raw)

    def set_faults(self, raw: bytes) -> None:
        try:
            faults = [dict(fault) for fault in json.loads(raw)["next"]]
        except (ValueError, KeyError, TypeError):
            self.answer_json(400, {"ok": False, "error": 'send {"next": [{"status": 500}]}'})
            return
        self.server.faults[:] = faults
        self.answer_json(200, {"ok": True, "next": faults})

    def serve(self, path: str, raw: bytes) -> None:
        """One call of Slack's API; every refusal is a 200 with ok: false, as Slack has it."""
        method = unquote(path).removeprefix("/api").strip("/")
        fault = self.take_fault(method)
        time.sleep(fault.get("hang", 0))
        if "status" in fault:
            wait = {"Retry-After": str(fault["retry_after"])} if "retry_after" in fault else {}
            error = "ratelimited" if fault["status"] == 429 else "internal_error"
            self.answer_json(fault["status"], {"ok": False, "error": error}, wait)
            return
        if "error" in fault:
            self.answer_json(200, {"ok": False, "error": fault["error"]})
            return
        try:
            self.check_token(raw)
            kind = self.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            body = self.server.workspace.call(method, read_fields(kind, raw, urlsplit(self.path).query))
        except Refusal as refusal:
            body = {"ok": False, "error": str(refusal)}
        if fault.get("drop_after_accept"):
            self.close_connection = True
            return
        self.answer_json(200, body)

    def take_fault(self, method: str) -> dict[str, Any]:
        """The first fault that is for this method, taken off the list; {} when there is none."""
        with self.server.guard:
            for number, fault in enumerate(self.server.faults):
                if fault.get("method", method) == method:
                    return self.server.faults.pop(number)
        return {}

    def check_token(self, raw: bytes) -> None:
        scheme, _, token = self.headers.get("Authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal("not_authed")
        if not re.fullmatch(r"xox[abp]-[\w-]+", token.strip()):
            raise Refusal("invalid_auth")

    def answer_json(self, status: int, body: dict[str, Any], headers: dict[str, str] | None = None) -> None:
        self.answer(status, json.dumps(body).encode(), "application/json; charset=utf-8", headers)

    def answer(self, status: int, raw: bytes, kind: str, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": kind, "Content-Length": str(len(raw)), **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_: Any) -> None:
        """The page shows what came; a line for each of its reloads would bury the rest of the log."""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, workspace: Workspace) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.workspace = workspace
        self.faults: list[dict[str, Any]] = []
        self.guard = threading.Lock()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hangs up early is no news; anything else is."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class MockSlack:
    """The server in a thread: `url` is slack_sdk's base_url, `messages` what came in, `faults` what to spoil next."""

    def __init__(self, port: int = 0, file: Path | None = None) -> None:
        self.server = Server(port, Workspace(file))
        self.faults = self.server.faults
        self.page = f"http://127.0.0.1:{self.server.server_address[1]}/"
        self.url = f"{self.page}api/"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return self.server.workspace.snapshot()

    def __enter__(self) -> "MockSlack":
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.server.shutdown()
        self.server.server_close()


def main() -> None:
    parser = argparse.ArgumentParser(prog="mock_slack", description="A stand-in for Slack's Web API.")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument(
        "--file", type=Path, help="messages are added here, a line each, and read again at the next start"
    )
    options = parser.parse_args()
    server = Server(options.port, Workspace(options.file))
    print(f"Mock Slack shows its messages at http://127.0.0.1:{server.server_address[1]}/", flush=True)
    with contextlib.suppress(KeyboardInterrupt):
        server.serve_forever()


if __name__ == "__main__":
    main()
