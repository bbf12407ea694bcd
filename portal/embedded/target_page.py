"""The page of `portal.embedded.target`: a line for each place, a button for each way to break it."""

import html
from datetime import UTC, datetime
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
    "version": ("Wrong version", "runs 0.0.1, whatever was reported"),
}
OLD = "0.0.1"  # what runs when the version is wrong
WORDS_OF_A_JOB = {"fine": ("Runs", "sends its heartbeat"), "error": ("Stopped", "sends no heartbeat")}

PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Services to break</title><style>
:root{{color-scheme:light dark;--page:#fff;--text:#191919;--muted:#666;--line:#e3e3e3;--edge:#8a8a8a;--link:#0969da;--on:#111;--on-text:#fff;--bad:#a3281d;--bad-text:#fff}}
@media(prefers-color-scheme:dark){{:root{{--page:#101113;--text:#ececec;--muted:#a0a0a0;--line:#33363b;--edge:#767b84;--link:#79b8ff;--on:#f2f2f2;--on-text:#111;--bad:#f2836f;--bad-text:#2a0c06}}}}
*{{box-sizing:border-box}}
body{{font:15px/1.45 system-ui,sans-serif;margin:0 auto;max-width:68rem;padding:1.5rem 1rem 4rem;color:var(--text);background:var(--page)}}
h1{{font-size:1.3rem;margin:0 0 .3rem}}p,details{{margin:.2rem 0 1rem;color:var(--muted);max-width:70ch}}a{{color:var(--link)}}
.wrong{{padding:.5rem .8rem;color:var(--bad-text);background:var(--bad);border-radius:6px}}
dl{{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem;margin:.4rem 0}}dt{{color:var(--text)}}dd{{margin:0}}
.places{{display:grid;grid-template-columns:minmax(12rem,1fr) max-content max-content;gap:0 1rem}}
section{{display:grid;grid-column:1/-1;grid-template-columns:subgrid;row-gap:.5rem;align-items:center;padding:.6rem 0;border-top:1px solid var(--line)}}
section:target{{background:color-mix(in srgb,var(--line) 35%,transparent)}}
h2{{font-size:1rem;margin:0;overflow-wrap:anywhere}}h2 small{{display:block;font-weight:400;color:var(--muted)}}
form{{display:flex;flex-wrap:wrap;gap:.3rem;margin:0}}
button,input{{font:inherit;font-size:.85rem;min-height:2rem;padding:.2rem .6rem;color:var(--text);background:var(--page);border:1px solid var(--edge);border-radius:6px}}
button{{cursor:pointer}}input{{width:7rem;font-family:ui-monospace,monospace}}
button:hover{{border-color:var(--text)}}button:focus-visible,input:focus-visible,a:focus-visible,summary:focus-visible{{outline:2px solid var(--link);outline-offset:1px}}
button[aria-pressed=true]{{color:var(--on-text);background:var(--on);border-color:var(--on)}}
section[data-broken] button[aria-pressed=true]{{color:var(--bad-text);background:var(--bad);border-color:var(--bad)}}
@media(pointer:coarse){{button,input{{min-height:2.5rem}}}}
@media(max-width:60rem){{.places{{grid-template-columns:minmax(0,1fr)}}}}
</style><main><h1>Services to break</h1>
{wrong}<p>The demo's services stand here. Break one and watch the portal's <a href="{portal}/health/">health page</a> and
<a href="{portal}/deployments/">matrix</a> follow within seconds. Nothing here leaves this machine.</p>
<p>{count}</p>{mend}
<details><summary>What each button does</summary><dl>{legend}</dl></details>
<div class="places">{places}</div></main></html>"""
MEND = '<form method="post" action="/mend"><button>Mend all</button></form><br>'


def render(places: dict[str, dict[str, Any]], portal: str = "", wrong: str = "") -> str:
    """`portal` is where the links lead; `wrong` what was refused just now, as a sentence."""
    broken = [name for name, place in places.items() if place["mode"] != "fine"]
    return PAGE.format(
        count=_count(broken, len(places)),
        wrong=f'<p class="wrong" role="alert">{html.escape(wrong)}</p>' if wrong else "",
        portal=html.escape(portal),
        legend="".join(f"<dt>{html.escape(label)}</dt><dd>{html.escape(does)}</dd>" for label, does in MODES.values()),
        mend=MEND if broken else "",
        places="\n".join(map(_section, places.items())),
    )


def _count(broken: list[str], number: int) -> str:
    if not number:
        return "There is none yet."
    said = f"{len(broken)} of {number} {'is' if len(broken) == 1 else 'are'} broken"
    links = ", ".join(f'<a href="#{html.escape(quote(name))}">{_title(name)}</a>' for name in broken)
    return f"{said}: {links}." if links else f"{said}."


def _title(name: str) -> str:
    return html.escape(name.replace("/", " in ", 1))


def _section(item: tuple[str, dict[str, Any]]) -> str:
    name, place = item
    is_job = bool(place.get("heartbeat"))
    words = WORDS_OF_A_JOB if is_job else MODES
    mode = place["mode"] if place["mode"] in words else "error"
    action = f"/{quote(name)}/mode"
    title = _title(name)
    buttons = "".join(
        f'<button name="mode" value="{key}" aria-pressed="{str(key == mode).lower()}" title="It {html.escape(does)}">'
        f"{html.escape(label)}</button>"
        for key, (label, does) in words.items()
    )
    version = "<span></span>" if is_job else _version(action, place["version"], title)
    return (
        f'<section id="{html.escape(quote(name))}"{" data-broken" if mode != "fine" else ""} aria-label="{title}">'
        f"<h2>{title}<small>{html.escape(words[mode][1])}{_since(place, mode)}</small></h2>"
        f'<form method="post" action="{html.escape(action)}">{buttons}</form>{version}</section>'
    )


def _since(place: dict[str, Any], mode: str) -> str:
    since = float(place.get("since") or 0)
    return f", since {datetime.fromtimestamp(since, UTC):%H:%M} UTC" if since and mode != "fine" else ""


def _version(action: str, version: str, title: str) -> str:
    return (
        f'<form method="post" action="{html.escape(action)}"><input name="version" value="{html.escape(version)}" '
        f'maxlength="200" required aria-label="Version that runs: {title}"><button>Run it</button></form>'
    )
