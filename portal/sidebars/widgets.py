"""Widgets stand in lists: of a page, of another widget, of a group of one. Everything else of them is the client's."""

from typing import Any

Json = dict[str, Any]
Widgets = list[Json]

INSIDE = ("widgets", "groups")


def changed(widgets: Widgets, identifier: str, body: Json) -> Widgets | None:
    """The same with what `body` says of the first widget called so; None when there is none."""
    return _rewritten(widgets, identifier, lambda widget: [widget | body])


def removed(widgets: Widgets, identifier: str) -> Widgets | None:
    return _rewritten(widgets, identifier, lambda widget: [])


def _rewritten(widgets: Widgets, identifier: str, rewrite: Any) -> Widgets | None:
    for place, widget in enumerate(widgets):
        if widget.get("id") == identifier:
            return [*widgets[:place], *rewrite(widget), *widgets[place + 1 :]]
        for name in INSIDE:
            inner = widget.get(name)
            if not (isinstance(inner, list) and all(isinstance(each, dict) for each in inner)):
                continue
            fresh = _rewritten(inner, identifier, rewrite)
            if fresh is not None:
                return [*widgets[:place], widget | {name: fresh}, *widgets[place + 1 :]]
    return None
