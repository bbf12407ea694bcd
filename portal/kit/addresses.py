"""Addresses of the page somebody is on, with a part of the query string changed."""

from typing import Any

from django.http import QueryDict

from portal.kit.paging import Page


def address(query: QueryDict, **changes: str | None) -> str:
    """An empty value drops its key."""
    keys = query.copy()
    for name, value in changes.items():
        keys.pop(name, None)
        if value:
            keys[name] = value
    return f"?{keys.urlencode()}"


def pager(query: QueryDict, page: Page, count_text: str) -> dict[str, Any] | None:
    """For kit/_pager.html, of a list with the newest first; None when everything is on this page."""
    if not (page.before or page.after):
        return None
    return {
        "count_text": count_text,
        "newer_url": address(query, after=None, before=page.before) if page.before else None,
        "older_url": address(query, before=None, after=page.after) if page.after else None,
    }


def number_of(query: QueryDict) -> int:
    """The page that `page` names, of a list with numbered pages; the first where it names none."""
    number = query.get("page", "")
    return int(number) if number.isascii() and number.isdecimal() and 0 < len(number) < 6 and int(number) else 1


def numbered(query: QueryDict, size: int, total: int) -> dict[str, Any] | None:
    """For kit/_pager.html, of a list that is known whole, `size` rows a page; None when everything is on this page."""
    number = number_of(query)
    first, last = (number - 1) * size, min(number * size, total)
    if number == 1 and last == total:
        return None
    return {
        "count_text": f"{first + 1} to {last} of {total}" if first < total else f"{total} in all",
        "newer_url": address(query, page=str(number - 1)) if number > 1 else None,
        "older_url": address(query, page=str(number + 1)) if last < total else None,
        "newer_label": "Previous",
        "older_label": "Next",
    }
