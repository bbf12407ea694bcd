"""What somebody chose to see of a table. All of it stands in the address, so that it can be sent, kept and gone back to."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal
from urllib.parse import urlencode

from django.http import QueryDict

from catalog.search import Sort

MOST_FILTERS = 20
MOST_COLUMNS = 60


@dataclass(frozen=True)
class Filter:
    """One line of the filter builder, as it was typed."""

    property: str
    operator: str
    value: str = ""


@dataclass(frozen=True)
class State:
    """`columns` is empty for the table's own choice; `open` is the value of the group that is unfolded, as its link says it.

    `carried` belongs to the page around the table: it stands in every address, and no view keeps it.
    """

    words: str = ""
    filters: tuple[Filter, ...] = ()
    combinator: Literal["and", "or"] = "and"
    sort: tuple[Sort, ...] = ()
    group: str = ""
    open: str | None = None
    columns: tuple[str, ...] = ()
    cursor: str = ""
    view: str = ""
    carried: tuple[tuple[str, str], ...] = ()

    @classmethod
    def read(cls, query: QueryDict, *, carried: Iterable[str] = ()) -> "State":
        """Anything may stand in an address; what makes no sense is left out, or refused later where it is used."""
        names, operators, values = (query.getlist(key) for key in ("property", "operator", "value"))
        lines = zip(names, [*operators, *["="] * len(names)], [*values, *[""] * len(names)], strict=False)
        filters = [Filter(name, operator or "=", value.strip()) for name, operator, value in lines if name]
        return cls(
            words=query.get("q", "").strip(),
            filters=tuple(filters[:MOST_FILTERS]),
            combinator="or" if query.get("combinator") == "or" else "and",
            sort=tuple(_sort(each) for each in query.get("sort", "").split(",") if each.strip("- ")),
            group=query.get("group", ""),
            open=query.get("open"),
            columns=tuple(dict.fromkeys(each for each in query.getlist("column") if each))[:MOST_COLUMNS],
            cursor=query.get("from", ""),
            view=query.get("view", ""),
            carried=tuple((name, said) for name in carried if (said := query.get(name))),
        )

    def pairs(self, *, place: bool = True) -> list[tuple[str, str]]:
        """The address' keys. Without `place` what a view keeps: not which page one is on, nor which view."""
        pairs: list[tuple[str, str]] = [*(self.carried if place else ()), ("q", self.words)]
        for each in self.filters:
            pairs += [("property", each.property), ("operator", each.operator), ("value", each.value)]
        if len(self.filters) > 1 and self.combinator == "or":
            pairs.append(("combinator", "or"))
        pairs += [("sort", ",".join(f"{'-' if key.descending else ''}{key.property}" for key in self.sort))]
        pairs += [("group", self.group), *(("column", name) for name in self.columns)]
        if place:
            pairs += [("open", self.open or ""), ("from", self.cursor), ("view", self.view)]
        return [(key, value) for key, value in pairs if value or key == "value"]

    @property
    def query(self) -> str:
        """What a saved view keeps."""
        return urlencode(self.pairs(place=False))

    def url(self, **changes: Any) -> str:
        """The address with something changed. Whatever changes but the page leads to the first page."""
        if "cursor" not in changes:
            changes["cursor"] = ""
        return "?" + urlencode(replace(self, **changes).pairs())

    def bare(self, query: str = "", **keys: object) -> str:
        """The address of this page with another state, such as a kept one."""
        return "?" + "&".join(filter(None, [urlencode(self.carried), query, urlencode(keys)]))

    def without(self, place: int) -> str:
        kept = (*self.filters[:place], *self.filters[place + 1 :])
        return self.url(filters=kept)

    def hidden(self, leave_out: Iterable[str]) -> list[tuple[str, str]]:
        """What a form of the toolbar carries along beside its own fields."""
        left = {*leave_out, "from", "open"}
        return [(key, value) for key, value in self.pairs() if key not in left]


def _sort(word: str) -> Sort:
    word = word.strip()
    return Sort(word.removeprefix("-"), word.startswith("-"))
