"""What Slack would show, as pages without any script: messages, what one person alone sees, forms, the Home page."""

import html
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from portal.embedded.mock_slack.markup import mrkdwn

Json = dict[str, Any]
STYLE = """body{font:15px/1.5 system-ui,sans-serif;margin:1rem auto;max-width:52rem;padding:0 1rem;color:#1d1c1d;background:#fff}
article,.block{border-top:1px solid #ddd;padding:.6rem 0}article.reply{margin-left:2rem}article.own{background:#f8f6ec;padding:.6rem}
small,.hint{color:#616061}pre,code{background:#f4f4f4}h1{font-size:1.2rem;margin:.3rem 0}h2{font-size:1.05rem;margin:.6rem 0 0}
nav{display:flex;flex-wrap:wrap;gap:.4rem .8rem;align-items:center;margin:.5rem 0}nav b{text-decoration:underline}
form{display:inline-flex;flex-wrap:wrap;gap:.4rem;margin:.15rem .3rem .15rem 0}form.wide{display:flex}form.tall{display:grid;gap:.7rem}
input,select,textarea,button{font:inherit;padding:.3rem .5rem;border:1px solid #888;border-radius:6px;background:#fff;color:inherit;max-width:100%;box-sizing:border-box}
form.wide input{flex:1;min-width:12rem}form.tall label{display:grid;gap:.15rem;max-width:34rem}form.tall label.tick{display:block}button{cursor:pointer}
button.primary{background:#007a5a;color:#fff;border-color:#007a5a}button.danger{background:#b3183a;color:#fff;border-color:#b3183a}
.fault{color:#b3183a}.note{background:#e8f5fa;padding:.5rem}iframe{border:0;width:100%;height:75vh}
@media(prefers-color-scheme:dark){body{color:#ddd;background:#1a1d21}small,.hint{color:#9a9b9d}article,.block{border-color:#444}
pre,code{background:#333}a{color:#6db3f2}article.own{background:#2a2820}input,select,textarea,button{background:#222529;border-color:#777}
.fault{color:#ff8fa3}.note{background:#20343c}}"""


def page(title: str, body: str, *, seconds: int = 0) -> str:
    again = f'<meta http-equiv="refresh" content="{seconds}">' if seconds else ""
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">{again}<meta name="viewport" '
        f'content="width=device-width, initial-scale=1"><title>{title}</title><style>{STYLE}</style>{body}</html>'
    )


def shell(people: list[Json], who: str, tab: str, note: str, can_send: bool) -> str:
    """The frame: who one is, what one types, and the messages below, which refresh by themselves."""
    names = [
        f"<b>{_text(one['real_name'])}</b>"
        if one["id"] == who
        else f'<a href="{_at("/", one["id"], tab)}">{_text(one["real_name"])}</a>'
        for one in people
    ]
    tabs = [
        f"<b>{words}</b>" if tab == name else f'<a href="{_at("/", who, name)}">{words}</a>'
        for name, words in (("messages", "Messages"), ("home", "Home of the app"))
    ]
    typed = (
        f'<form class="wide" method="post" action="/_type">{_hidden(who=who, tab=tab)}<input name="text" aria-label="What to type" '
        'value="/portal " autocomplete="off"><button class="primary">Send</button></form>'
    )
    me = f"<nav>You are {' '.join(names)}</nav>" if names else ""
    said = f'<p class="note" role="status">{_text(note)}</p>' if note else ""
    body = f"<h1>Mock Slack</h1><small>Nothing here leaves this machine.</small>{me}<nav>{' · '.join(tabs)}</nav>"
    frame = f'<iframe title="What Slack shows" src="{_at("/_feed", who, tab)}"></iframe>'
    return page("Mock Slack", f"{body}{typed if can_send else ''}{said}{frame}")


def feed(messages: list[Json], whispers: list[Json], form: Json | None, who: str, can_send: bool) -> str:
    """Newest first; what he alone sees among the rest."""
    mine = [one for one in whispers if one["user"] == who]
    seen = [one for one in messages if not one["channel"].startswith("U") or one["channel"] == who or not who]
    everything = sorted([*seen, *mine], key=lambda one: float(one["ts"]), reverse=True)
    count = f"{len(seen)} message{'s' * (len(seen) != 1)}"
    shown = "".join(article(one, who if can_send else "") for one in everything) or "<p>No message yet.</p>"
    return page("Messages", f"{_form_link(form, who)}<p><small>{count}, newest first</small></p>{shown}", seconds=2)


def home(view: Json | None, form: Json | None, who: str) -> str:
    shown = "".join(block_html(one, who, {"home": "1"}) for one in (view or {}).get("blocks", []))
    empty = "<p>The app has not published it yet. It does so when it is opened: a moment.</p>"
    return page("Home", _form_link(form, who) + (shown or empty), seconds=3)


def _form_link(form: Json | None, who: str) -> str:
    if not form:
        return ""
    title = _text(form["title"]["text"])
    return f'<p class="note">A form is open: <a target="_top" href="/_form?{urlencode({"id": form["id"], "who": who})}">{title}</a></p>'


def article(message: Json, who: str = "") -> str:
    at = datetime.fromtimestamp(float(message["ts"]), UTC)
    alone = "bot_id" not in message
    notes = (
        ["edited"] * ("edited" in message) + ["in a thread"] * ("thread_ts" in message) + ["only you see this"] * alone
    )
    channel = message.get("channel_name") or message["channel"]
    where = "To you alone" if channel.startswith("U0") else f"#{channel}"
    head = " · ".join(_text(part) for part in (where, f"{at:%d %b %H:%M:%S} UTC", *notes))
    kind = ' class="own"' if alone else ' class="reply"' if "thread_ts" in message else ""
    blocks = message.get("blocks") or []
    shown = "".join(block_html(one, who, {"ts": message["ts"]}) for one in blocks) or mrkdwn(message["text"])
    return f"<article{kind}><small>{head}</small><br>{shown}</article>"


def block_html(block: Json, who: str, where: dict[str, str]) -> str:
    if block["type"] == "divider":
        return "<hr>"
    if block["type"] == "header":
        return f"<h2>{_text(block['text']['text'])}</h2>"
    words = [mrkdwn(one["text"]) for one in (block.get("text"), *(block.get("fields") or [])) if one]
    parts = [*(block.get("elements") or []), block.get("accessory")]
    for one in parts:
        if isinstance(one, dict) and one.get("type") == "button":
            words.append(button(one, who, where))
        elif isinstance(one, dict) and isinstance(one.get("text"), str):
            words.append(f"<small>{mrkdwn(one['text'])}</small>")
    if block["type"] == "actions":
        return f"<div>{''.join(words)}</div>"
    return f"<div>{'<br>'.join(words)}</div>"


def button(one: Json, who: str, where: dict[str, str]) -> str:
    """One that asks for a confirmation leads to it."""
    words, style = _text(one["text"]["text"]), one.get("style", "")
    if not who:
        return f"[{words}]"
    if one.get("url"):
        return f'<a target="_top" href="{html.escape(one["url"])}">{words}</a>'
    ask = one.get("confirm") or {}
    asks = {f"ask_{name}": ask[name]["text"] for name in ("title", "text", "confirm") if name in ask}
    sent = {"who": who, "action": one["action_id"], "value": one.get("value", "")} | where | asks
    return f'<form method="post" action="/_press" target="_top">{_hidden(**sent)}<button class="{style}">{words}</button></form>'


def confirmation(fields: dict[str, str]) -> str:
    kept = {name: value for name, value in fields.items() if not name.startswith("ask_")}
    text, yes = (_text(fields.get(f"ask_{name}", "")) for name in ("text", "confirm"))
    body = f"<h1>{_text(fields['ask_title'])}</h1><p>{text}</p>"
    form = f'<form method="post" action="/_press">{_hidden(**kept)}<button class="danger">{yes}</button></form>'
    back = _at("/", fields.get("who", ""), "home" if fields.get("home") else "messages")
    return page("Sure?", f'{body}{form}<a href="{back}">Cancel</a>')


def form_page(view: Json, faults: dict[str, str], options: dict[str, list[str]], values: dict[str, list[str]]) -> str:
    parts = []
    for block in view["blocks"]:
        if block["type"] == "input":
            parts.append(_field(block, faults.get(block["block_id"], ""), options, values))
        else:
            parts.append(block_html(block, "", {}))
    title, send = _text(view["title"]["text"]), _text(view["submit"]["text"])
    sent = f'<button class="primary">{send}</button>'
    body = f'<form class="tall" method="post" action="/_submit">{_hidden(id=view["id"])}{"".join(parts)}{sent}</form>'
    cancel = f'<form method="post" action="/_close">{_hidden(id=view["id"])}<button>Cancel</button></form>'
    return page(title, f"<h1>{title}</h1>{body}<p>{cancel}</p>")


def _field(block: Json, fault: str, options: dict[str, list[str]], values: dict[str, list[str]]) -> str:
    name, element = block["block_id"], block["element"]
    optional = " <small>(optional)</small>" if block.get("optional") else ""
    label = f"<span>{_text(block['label']['text'])}{optional}</span>"
    hint = f'<span class="hint">{_text(block["hint"]["text"])}</span>' if "hint" in block else ""
    said = f'<span class="fault" role="alert">{_text(fault)}</span>' if fault else ""
    if element["type"] == "checkboxes":
        first = values.get(name, [one["value"] for one in element.get("initial_options", [])])
        ticks = [
            f'<label class="tick"><input type="checkbox" name="{_text(name)}" value="{_text(one["value"])}"'
            f"{' checked' if one['value'] in first else ''}> {_text(one['text']['text'])}</label>"
            for one in element["options"]
        ]
        return f"<div>{label}{''.join(ticks)}{hint}{said}</div>"
    return f"<label>{label}{_input(name, element, options, values)}{hint}{said}</label>"


def _input(name: str, element: Json, options: dict[str, list[str]], values: dict[str, list[str]]) -> str:
    kind, named = element["type"], f'name="{_text(name)}"'
    first = (element.get("initial_option") or {}).get("value", element.get("initial_value", ""))
    value = values[name][0] if values.get(name) else first
    if kind == "static_select":
        known = [("", "")] + [(one["value"], one["text"]["text"]) for one in element["options"]]
        made = [
            f'<option value="{_text(each)}"{" selected" if each == value else ""}>{_text(words)}</option>'
            for each, words in known
        ]
        return f"<select {named}>{''.join(made)}</select>"
    if kind == "external_select":
        known_names = "".join(f'<option value="{_text(each)}">' for each in options.get(name, []))
        listed = f'<datalist id="of-{_text(name)}">{known_names}</datalist>'
        return f'<input {named} value="{_text(value)}" list="of-{_text(name)}" autocomplete="off">{listed}'
    if kind == "datetimepicker":
        return f'<input type="datetime-local" {named} value="{_text(value)}">'
    if element.get("multiline"):
        return f"<textarea {named}>{_text(value)}</textarea>"
    return f'<input {named} value="{_text(value)}" autocomplete="off">'


def _hidden(**values: str) -> str:
    return "".join(
        f'<input type="hidden" name="{_text(name)}" value="{_text(value)}">' for name, value in values.items()
    )


def _at(path: str, who: str, tab: str) -> str:
    return html.escape(f"{path}?{urlencode({'who': who, 'tab': tab})}")


def _text(value: Any) -> str:
    return html.escape(str(value))
