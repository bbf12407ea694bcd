from catalog.search.compiler import matching
from catalog.search.paging import Page, Sort, ordered, page
from catalog.search.rules import Rule, parse
from catalog.search.shares import Share, distribution
from catalog.search.words import words

__all__ = ["Page", "Rule", "Share", "Sort", "distribution", "matching", "ordered", "page", "parse", "words"]
