from catalog.search.compiler import bound_by, matching
from catalog.search.paging import Page, Sort, ordered, page
from catalog.search.reading import parse
from catalog.search.rules import Every, Rule, asks_for_viewer, blueprint_in
from catalog.search.shares import Share, distribution, groups, spread
from catalog.search.values import INSTANTS, META
from catalog.search.words import MOST_FOUND, Found, begun, words

__all__ = [
    "INSTANTS",
    "META",
    "MOST_FOUND",
    "Every",
    "Found",
    "Page",
    "Rule",
    "Share",
    "Sort",
    "asks_for_viewer",
    "begun",
    "blueprint_in",
    "bound_by",
    "distribution",
    "groups",
    "matching",
    "ordered",
    "page",
    "parse",
    "spread",
    "words",
]
