from deployments.tables.commits import brought_rows, commit_groups, feature_rows, feature_url, search_url, verdict
from deployments.tables.deployment import sight_row
from deployments.tables.diffs import change_rows, choice_row, compare_url, diff_row, drift_rows, short_row
from deployments.tables.gate import badge_rows, blocked_row, opened_row, uncovered_row
from deployments.tables.health import health_row
from deployments.tables.hooks import hook_row
from deployments.tables.ingest import arrival_page, arrival_row, group_row, silent_row, warnings, what
from deployments.tables.matrix import Chosen, matrix_parts, offered
from deployments.tables.metrics import metric_rows
from deployments.tables.places import (
    deployment_row,
    environment_rows,
    found_locks,
    instance_rows,
    live_row,
    lock_url,
    names_of,
    place_row,
    release_url,
    service_row,
)
from deployments.tables.sources import (
    KINDS,
    deployment_sources,
    kind_rows,
    live_sources,
    needs,
    sources,
    sources_row,
)

__all__ = [
    "health_row",
    "metric_rows",
    "KINDS",
    "Chosen",
    "arrival_page",
    "arrival_row",
    "badge_rows",
    "blocked_row",
    "brought_rows",
    "change_rows",
    "choice_row",
    "commit_groups",
    "compare_url",
    "deployment_row",
    "deployment_sources",
    "diff_row",
    "drift_rows",
    "environment_rows",
    "feature_rows",
    "feature_url",
    "found_locks",
    "instance_rows",
    "live_row",
    "live_sources",
    "kind_rows",
    "lock_url",
    "group_row",
    "hook_row",
    "matrix_parts",
    "names_of",
    "needs",
    "offered",
    "opened_row",
    "place_row",
    "release_url",
    "search_url",
    "service_row",
    "short_row",
    "sight_row",
    "sources",
    "sources_row",
    "uncovered_row",
    "verdict",
    "silent_row",
    "warnings",
    "what",
]
