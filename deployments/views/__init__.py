from deployments.views.commits import commits, feature, found, mine
from deployments.views.compare import compare, drift
from deployments.views.deployment import deployment, deployment_panel
from deployments.views.dora import dora, dora_rows
from deployments.views.exports import dora_export, export, feed, feed_address, feed_revocation
from deployments.views.gate import badges, blocked, coverage
from deployments.views.hooks import hooks
from deployments.views.inbox import inbox, mapping, placement
from deployments.views.ingest import arrival, ingest, replay
from deployments.views.matrix import card, columns, config_list, matrix
from deployments.views.metrics import metrics_of_config, metrics_of_service
from deployments.views.panel import config_panel, panel
from deployments.views.sources import sources, sources_of_config, sources_of_service
from deployments.views.timeline import timeline, timeline_of_environment, timeline_of_service

__all__ = [
    "arrival",
    "badges",
    "blocked",
    "card",
    "columns",
    "commits",
    "compare",
    "config_list",
    "config_panel",
    "coverage",
    "deployment",
    "deployment_panel",
    "dora",
    "dora_export",
    "dora_rows",
    "drift",
    "export",
    "feature",
    "feed",
    "feed_address",
    "feed_revocation",
    "found",
    "hooks",
    "inbox",
    "ingest",
    "mapping",
    "matrix",
    "metrics_of_config",
    "metrics_of_service",
    "mine",
    "panel",
    "placement",
    "replay",
    "timeline",
    "timeline_of_environment",
    "timeline_of_service",
    "sources",
    "sources_of_config",
    "sources_of_service",
]
