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
