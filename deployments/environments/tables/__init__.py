from deployments.environments.tables.details import event_row, facts_of, preview_of, rounds_of
from deployments.environments.tables.rows import LOOKS, may_change, row, tabs
from deployments.environments.tables.sweeps import due_row, sighting_row, suspect_row, sweep_row
from deployments.environments.tables.templates import template_row

__all__ = [
    "LOOKS",
    "due_row",
    "event_row",
    "facts_of",
    "may_change",
    "preview_of",
    "rounds_of",
    "row",
    "sighting_row",
    "suspect_row",
    "sweep_row",
    "tabs",
    "template_row",
]
