"""`include` and `exclude`: which parts of an entity an answer shows.

A path is a key such as `title` or `$title`, a group such as `properties`, or one of a group: `properties.tier`.
"""

from dataclasses import dataclass
from typing import Any

from rest_framework.request import Request

from portal.kit.errors import Invalid

Json = dict[str, Any]

GROUPS = ("properties", "relations")


@dataclass(frozen=True)
class Selection:
    include: frozenset[str]
    exclude: frozenset[str]

    def of(self, entity: Json) -> Json:
        shown: Json = {}
        for key, value in entity.items():
            if key in GROUPS:
                self._group(shown, key, value)
            elif self.shows(key):
                shown[key] = value
        return shown

    def __or__(self, other: "Selection") -> "Selection":
        return Selection(self.include | other.include, self.exclude | other.exclude)

    def _group(self, shown: Json, group: str, values: Json) -> None:
        """Left out whole when nothing of it is asked for; there and empty when what is asked for is unset."""
        if group in self.exclude:
            return
        asked = not self.include or group in self.include
        if asked or any(path.startswith(f"{group}.") for path in self.include):
            shown[group] = {name: value for name, value in values.items() if self.shows(f"{group}.{name}", group)}

    def shows(self, path: str, group: str = "") -> bool:
        included = not self.include or path in self.include or group in self.include
        return included and path not in self.exclude


def selection(request: Request) -> Selection:
    """Both are repeated or joined by commas, as clients differ."""
    return Selection(*(_paths(request.query_params.getlist(name)) for name in ("include", "exclude")))


def selection_in(body: Json) -> Selection:
    """The same from a body, where they are lists."""
    return Selection(*(_paths(_listed(body, name)) for name in ("include", "exclude")))


def listed(request: Request, name: str) -> list[str]:
    """A parameter that may come several times, with or without brackets, or joined by commas."""
    given = request.query_params.getlist(name) + request.query_params.getlist(f"{name}[]")
    return [text.strip() for each in given for text in each.split(",") if text.strip()]


def flag(request: Request, name: str) -> bool:
    """Anything but `true` is false: some clients send what is no boolean at all."""
    return request.query_params.get(name, "").lower() == "true"


def _listed(body: Json, name: str) -> list[str]:
    given = body.get(name) or []
    if not isinstance(given, list) or not all(isinstance(each, str) for each in given):
        raise Invalid.at(name, "must be a list of texts")
    return given


def _paths(given: list[str]) -> frozenset[str]:
    texts = [path for each in given for path in each.split(",")]
    return frozenset(text.strip().removeprefix("$") for text in texts if text.strip())
