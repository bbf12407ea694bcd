"""The page of `portal.embedded.target`: a line for each place, a button for each way to break it."""

import html
from typing import Any
from urllib.parse import quote

# What a place can be set to, with the button's words and what it does.
MODES = {
    "fine": ("Fine", "answers 200 at once"),
    "error": ("500", "answers 500"),
    "database": ("No database", "answers 200 and says that its database is lost"),
    "slow": ("Slow", "answers after a second and a half"),
    "hang": ("Hang", "takes the connection and says nothing for half a minute"),
    "drop": ("Drop", "breaks the connection off"),
    "version": ("Wrong version", "runs another version than was reported"),
}
OF_A_JOB = ("fine", "error")
WORDS_OF_A_JOB = {"fine": ("Runs", "sends its heartbeat"), "error": ("Stopped", "sends no heartbeat")}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Services to break</title><style>
:root{{color-scheme:light dark;--page:#fff;--text:#191919;--muted:#666;--line:#e3e3e3;--on:#111;--on-text:#fff;--bad:#a3281d;--bad-text:#fff}}
@media(prefers-color-scheme:dark){{:root{{--page:#101113;--text:#ececec;--muted:#a0a0a0;--line:#33363b;--on:#f2f2f2;--on-text:#111;--bad:#f2836f;--bad-text:#2a0c06}}}}
*{{box-sizing:border-box}}
body{{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;color:var(--text);background:var(--page)}}
h1{{font-size:1.3rem;margin:0 0 .3rem}}p{{margin:.2rem 0 1rem;color:var(--muted);max-width:70ch}}
section{{display:grid;grid-template-columns:minmax(12rem,1fr) auto auto;gap:.5rem 1rem;align-items:center;padding:.6rem 0;border-top:1px solid var(--line)}}
section:target{{background:color-mix(in srgb,var(--line) 35%,transparent)}}
h2{{font-size:1rem;margin:0;overflow-wrap:anywhere}}h2 small{{display:block;font-weight:400;color:var(--muted)}}
form{{display:flex;flex-wrap:wrap;gap:.3rem;margin:0}}
button,input{{font:inherit;font-size:.85rem;min-height:2rem;padding:.2rem .6rem;color:var(--text);background:var(--page);border:1px solid var(--line);border-radius:6px}}
button{{cursor:pointer}}input{{width:7rem;font-family:ui-monospace,monospace}}
button:hover{{border-color:var(--muted)}}button:focus-visible,input:focus-visible{{outline:2px solid #0969da;outline-offset:1px}}
button[aria-pressed=true]{{color:var(--on-text);background:var(--on);border-color:var(--on)}}
section[data-broken] button[aria-pressed=true]{{color:var(--bad-text);background:var(--bad);border-color:var(--bad)}}
@media(max-width:60rem){{section{{grid-template-columns:minmax(0,1fr)}}}}
</style><h1>Services to break</h1>
<p>The demo's services stand here. Break one and watch the portal's health page and matrix follow within seconds. {count}
Nothing here leaves this machine.</p>{mend}
{places}</html>"""
MEND = '<form method="post" action="/mend"><button>Mend all</button></form><p></p>'


def render(places: dict[str, dict[str, Any]]) -> str:
    broken = sum(place["mode"] != "fine" for place in places.values())
    count = f"{broken} of {len(places)} {'is' if broken == 1 else 'are'} broken." if places else "There is none yet."
    return PAGE.format(count=count, mend=MEND if broken else "", places="\n".join(map(_section, places.items())))


def _section(item: tuple[str, dict[str, Any]]) -> str:
    name, place = item
    is_job = bool(place.get("heartbeat"))
    words = WORDS_OF_A_JOB if is_job else MODES
    mode = place["mode"] if place["mode"] in words else "error"
    action = f"/{quote(name)}/mode"
    says = html.escape(words[mode][1])
    title = html.escape(name.replace("/", " in ", 1))
    buttons = "".join(
        f'<button name="mode" value="{key}" aria-pressed="{str(key == mode).lower()}" title="It {html.escape(does)}">'
        f"{html.escape(label)}</button>"
        for key, (label, does) in words.items()
    )
    version = "<span></span>" if is_job else _version(action, place["version"], title)
    return (
        f'<section id="{html.escape(quote(name))}"{" data-broken" if mode != "fine" else ""}>'
        f"<h2>{title}<small>{says}</small></h2>"
        f'<form method="post" action="{html.escape(action)}">{buttons}</form>{version}</section>'
    )


def _version(action: str, version: str, title: str) -> str:
    return (
        f'<form method="post" action="{html.escape(action)}"><input name="version" value="{html.escape(version)}" '
        f'maxlength="200" required aria-label="Version that runs: {title}"><button>Run it</button></form>'
    )
