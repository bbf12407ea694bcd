from deployments.commands.configs import config_of, copy_to_config_entity
from deployments.commands.inbox import inbox_drop, inbox_place
from deployments.commands.reports import Outcome, deployment_report, deployment_store

__all__ = [
    "Outcome",
    "config_of",
    "copy_to_config_entity",
    "deployment_report",
    "deployment_store",
    "inbox_drop",
    "inbox_place",
]
