"""Blueprints and entities as the pages show them."""

from catalog.icons import icon_of
from catalog.tables.addresses import entity_url, list_url
from catalog.tables.entities import (
    as_json,
    blueprint_row,
    headline,
    links,
    panel_urls,
    panels,
    properties,
    related_tabs,
    relations,
    tabs,
)

__all__ = [
    "as_json",
    "blueprint_row",
    "entity_url",
    "headline",
    "icon_of",
    "links",
    "list_url",
    "panel_urls",
    "panels",
    "properties",
    "relations",
    "related_tabs",
    "tabs",
]
