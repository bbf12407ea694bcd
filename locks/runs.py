"""Which CI run it is that asks, as reports name it too."""

import re
from dataclasses import dataclass
from typing import Any

from portal.kit.errors import Invalid

Json = dict[str, Any]
LONGEST = 600
LINK = re.compile(r"https?://[^\s<>|]+")


@dataclass(frozen=True)
class Run:
    """`key` is provider:run:attempt; two requests with the same are the same run, asking again."""

    key: str
    url: str = ""


NOBODY = Run("")


def asking(key: str, url: str) -> Run:
    """Who asks the gate. An address that is none is left out: it must not keep anybody from an answer."""
    return Run(key, url if len(url) <= 2000 and LINK.fullmatch(url) else "")


def key(provider: str, run: str, attempt: int | str) -> str:
    return f"{provider}:{run}:{attempt}"


def parse(body: Json) -> Run:
    """Reads `{"ci": {"provider", "run", "attempt", "url"}}`. Raises Invalid unless it names a run."""
    ci = body.get("ci")
    if not isinstance(ci, dict):
        raise Invalid.at("ci", "name the CI run: {provider, run, attempt, url}")
    values = {name: ci.get(name) for name in ("provider", "run", "attempt", "url")}
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value or "", str | int):
            raise Invalid.at(f"ci.{name}", "must be a text")
    if not values["run"]:
        raise Invalid.at("ci.run", "name the run: its place in the line and its claim are known by it")
    named = key(values["provider"] or "", values["run"], values["attempt"] or 1)
    url = str(values["url"] or "")
    if len(named) > LONGEST or len(url) > 2000:
        raise Invalid.at("ci", f"is too long: {LONGEST} characters for the run, 2,000 for its url")
    if url and not url.startswith(("https://", "http://")):
        raise Invalid.at("ci.url", "must start with https:// or http://")
    return Run(named, url)
