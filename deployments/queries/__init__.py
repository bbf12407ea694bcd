from deployments.queries.blocked import Blocked, blocked_by
from deployments.queries.chosen import of_places, of_services
from deployments.queries.coverage import DAYS, Coverage, Uncovered, coverage, gated_percent
from deployments.queries.diffs import Change, Count, Diff, changed, diff, differing, same, succeeded
from deployments.queries.drift import Drift, drifts
from deployments.queries.features import Feature, Reach, ServiceReach, feature
from deployments.queries.gating import Passage, passage
from deployments.queries.hooks import hook_at, hooks
from deployments.queries.inbox import Group, Kind, inbox_groups, inbox_known, items_known, waiting
from deployments.queries.ingest import FILTERS, ingest_beat, report_request, report_requests, reports_listed
from deployments.queries.matrix import Matrix, Spot, matrix
from deployments.queries.mine import DAYS as MINE_DAYS
from deployments.queries.mine import mine
from deployments.queries.order import Step, following, previous, steps, steps_of
from deployments.queries.places import (
    Cell,
    cell,
    cells_by_entity,
    cells_of,
    config_named,
    configs,
    deployments,
    environments,
    failing,
    history,
    inbox,
    latest,
    of_visible,
    services,
    teams,
    visible,
)
from deployments.queries.presence import Presence, State, presences
from deployments.queries.search import Found, find, is_of_commits, is_ticket, ticket_of
from deployments.queries.sights import Sight, deployment, deployment_of, sight
from deployments.queries.silent import Silent, silent
from deployments.queries.sources import Sources, log_sources, sources_everywhere, sources_of, span_of
from deployments.queries.standings import Standing, standing, standings
from deployments.queries.watches import is_well, observed, was_muted, watch_of, watched_probes, watches_of

__all__ = [
    "is_well",
    "observed",
    "was_muted",
    "watch_of",
    "watched_probes",
    "watches_of",
    "Silent",
    "silent",
    "succeeded",
    "Blocked",
    "Cell",
    "Change",
    "Count",
    "Coverage",
    "Diff",
    "Drift",
    "Feature",
    "Found",
    "Matrix",
    "Passage",
    "Presence",
    "Reach",
    "ServiceReach",
    "Sight",
    "Sources",
    "Spot",
    "Standing",
    "State",
    "Step",
    "Uncovered",
    "DAYS",
    "FILTERS",
    "MINE_DAYS",
    "blocked_by",
    "cell",
    "cells_by_entity",
    "cells_of",
    "changed",
    "config_named",
    "configs",
    "coverage",
    "deployment",
    "deployment_of",
    "deployments",
    "diff",
    "differing",
    "drifts",
    "environments",
    "failing",
    "feature",
    "find",
    "following",
    "gated_percent",
    "history",
    "hook_at",
    "hooks",
    "inbox",
    "Group",
    "Kind",
    "inbox_groups",
    "inbox_known",
    "items_known",
    "waiting",
    "ingest_beat",
    "is_of_commits",
    "is_ticket",
    "latest",
    "log_sources",
    "matrix",
    "mine",
    "of_places",
    "of_services",
    "passage",
    "of_visible",
    "presences",
    "previous",
    "report_request",
    "report_requests",
    "reports_listed",
    "same",
    "services",
    "sight",
    "sources_everywhere",
    "sources_of",
    "span_of",
    "standing",
    "standings",
    "steps",
    "steps_of",
    "teams",
    "ticket_of",
    "visible",
]
