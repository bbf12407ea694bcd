"""Blueprints and entities as the pages show them."""

from catalog.tables.entities import (
    blueprint_row,
    entity_url,
    headline,
    icon_of,
    links,
    list_url,
    panel_urls,
    panels,
    properties,
    related_rows,
    tabs,
)

__all__ = [
    "blueprint_row",
    "entity_url",
    "headline",
    "icon_of",
    "links",
    "list_url",
    "panel_urls",
    "panels",
    "properties",
    "related_rows",
    "tabs",
]
