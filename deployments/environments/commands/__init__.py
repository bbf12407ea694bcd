from deployments.environments.commands.brake import sweep_release
from deployments.environments.commands.clock import environments_tick
from deployments.environments.commands.lives import (
    environment_extend,
    environment_hand_over,
    environment_pin,
    environment_retry,
    environment_sleep,
    environment_teardown,
    environment_unpin,
    environment_wake,
)
from deployments.environments.commands.orphans import orphan_keep, sightings_take
from deployments.environments.commands.pulls import closed_in, pull_request_closed
from deployments.environments.commands.requests import environment_recreate, environment_request
from deployments.environments.commands.templates import template_create, template_delete, template_update
from deployments.environments.commands.work import step_finish, step_report, work_claim

__all__ = [
    "closed_in",
    "environment_extend",
    "environment_hand_over",
    "environment_pin",
    "environment_recreate",
    "environment_request",
    "environment_retry",
    "environment_sleep",
    "environment_teardown",
    "environment_unpin",
    "environment_wake",
    "environments_tick",
    "orphan_keep",
    "pull_request_closed",
    "sightings_take",
    "step_finish",
    "step_report",
    "sweep_release",
    "template_create",
    "template_delete",
    "template_update",
    "work_claim",
]
