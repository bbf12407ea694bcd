from deployments.commands.batch import deployments_report, keyed
from deployments.commands.commits import changes_fill, commits_backfill
from deployments.commands.configs import config_of, copy_to_config_entity
from deployments.commands.hooks import hook_create, hook_delete, hook_update
from deployments.commands.inbox import inbox_drop, inbox_place
from deployments.commands.ingest import Outcome
from deployments.commands.mapping import Mapped, inbox_map, inbox_place_known
from deployments.commands.payloads import payload_keep, payload_map
from deployments.commands.replay import report_replay
from deployments.commands.reports import deployment_report, deployment_store, report_refuse
from deployments.commands.retention import requests_forget
from deployments.commands.rollup import deployments_roll_up
from deployments.commands.sources import log_source_create, log_source_delete, log_source_update, sources_install
from deployments.commands.watches import watch_look, watch_open, watches_look

__all__ = [
    "watch_look",
    "watch_open",
    "watches_look",
    "changes_fill",
    "commits_backfill",
    "Outcome",
    "config_of",
    "copy_to_config_entity",
    "deployment_report",
    "deployment_store",
    "deployments_report",
    "deployments_roll_up",
    "hook_create",
    "hook_delete",
    "hook_update",
    "inbox_drop",
    "keyed",
    "inbox_map",
    "Mapped",
    "inbox_place",
    "inbox_place_known",
    "log_source_create",
    "log_source_delete",
    "log_source_update",
    "sources_install",
    "payload_keep",
    "payload_map",
    "report_refuse",
    "report_replay",
    "requests_forget",
]
