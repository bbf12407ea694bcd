from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from portal.kit.errors import Invalid

Json = dict[str, Any]


class Ignored(Exception):
    """It tells of no deployment. The message says why."""


@dataclass(frozen=True)
class Told:
    """`body` is a report, without a service where only the code's home is known.

    `repositories` are names of that home, the fullest first; `names` what the service may be called, the likeliest first.
    """

    body: Json
    repositories: tuple[str, ...] = ()
    names: tuple[str, ...] = ()


class Removed(Exception):
    """A service was taken away from where it ran."""

    def __init__(self, told: Told) -> None:
        super().__init__()
        self.told = told


class Payload:
    """A JSON object whose parts may be anything, or not be there. A path leads to a text or to nothing."""

    def __init__(self, data: Any) -> None:
        self.data = data

    def __call__(self, path: str) -> str:
        """The text at `path`; a number is one too, anything else is none."""
        value = self.value(path)
        if isinstance(value, str):
            return value.strip()
        return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""

    def value(self, path: str) -> Any:
        value = self.data
        for name in path.split("."):
            value = value.get(name) if isinstance(value, dict) else None
        return value

    def needed(self, path: str) -> str:
        text = self(path)
        if not text:
            raise Invalid.at(path, "is missing")
        return text


def filled(**fields: Any) -> Json:
    """Without those that say nothing."""
    return {name: value for name, value in fields.items() if value not in ("", None, [], {})}


def web(*addresses: str) -> str:
    """The first that leads to the web."""
    return next((each for each in addresses if each.startswith(("https://", "http://"))), "")[:2000]


def header(headers: Mapping[str, str], name: str) -> str:
    return headers.get(name, "").strip()
