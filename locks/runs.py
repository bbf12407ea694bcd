"""Which CI run it is that asks, as reports name it too."""

from dataclasses import dataclass
from typing import Any

from portal.kit.errors import Invalid

Json = dict[str, Any]
LONGEST = 600


@dataclass(frozen=True)
class Run:
    """`key` is provider:run:attempt; two requests with the same are the same run, asking again."""

    key: str
    url: str = ""


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
    key = f"{values['provider'] or ''}:{values['run']}:{values['attempt'] or 1}"
    url = str(values["url"] or "")
    if len(key) > LONGEST or len(url) > 2000:
        raise Invalid.at("ci", f"is too long: {LONGEST} characters for the run, 2,000 for its url")
    if url and not url.startswith(("https://", "http://")):
        raise Invalid.at("ci.url", "must start with https:// or http://")
    return Run(key, url)
