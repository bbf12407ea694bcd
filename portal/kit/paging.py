"""Pages of long lists by key: the same rows stand on the same page however many are added above."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Model, QuerySet
from django.http import QueryDict

SIZE = 50


@dataclass(frozen=True)
class Page:
    """`newer` and `older` are the keys to ask for the pages beside it with, None where it ends."""

    rows: list[Any]
    newer: int | None = None
    older: int | None = None

    def pager(self, query: QueryDict, count_text: str) -> dict[str, Any] | None:
        """For kit/_pager.html; None when everything is on this page."""
        if not (self.newer or self.older):
            return None
        return {
            "count_text": count_text,
            "newer_url": address(query, before="", after=str(self.newer)) if self.newer else None,
            "older_url": address(query, after="", before=str(self.older)) if self.older else None,
        }


def newest_first(rows: QuerySet[Any, Model], asked: Mapping[str, str], *, size: int = SIZE) -> Page:
    """A page by id. `asked` may hold `before` or `after`, an id; what is no id is left out of account."""
    before, after = _key(asked.get("before")), _key(asked.get("after"))
    if after:
        found = list(rows.filter(id__gt=after).order_by("id")[: size + 1])
        if len(found) > size:
            found = found[:size][::-1]
            return Page(found, newer=found[0].pk, older=found[-1].pk)
        before = None  # it reaches the top
    kept = rows.filter(id__lt=before) if before else rows
    found = list(kept.order_by("-id")[: size + 1])
    older = found[size - 1].pk if len(found) > size else None
    found = found[:size]
    return Page(found, newer=found[0].pk if before and found else None, older=older)


def _key(text: str | None) -> int | None:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 19 else None


def address(query: QueryDict, **changes: str) -> str:
    """The query string with some keys changed; an empty value drops its key."""
    keys = query.copy()
    for name, value in changes.items():
        keys[name] = value
        if not value:
            del keys[name]
    return f"?{keys.urlencode()}"
