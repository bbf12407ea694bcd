from portal.actions.commands.actions import (
    action_create,
    action_delete,
    action_permit,
    action_replace,
    actions_write,
    blueprint_delete_with_actions,
)
from portal.actions.commands.approvals import run_decide
from portal.actions.commands.automations import (
    automation_pause,
    automation_run,
    automation_take,
    automations_meant,
    automations_run,
)
from portal.actions.commands.calls import run_called, run_uncalled
from portal.actions.commands.fetching import runs_acknowledge, runs_claim
from portal.actions.commands.jobs import (
    run_asks,
    run_asks_later,
    run_begun,
    run_doubts,
    run_seen,
    run_unwatched,
)
from portal.actions.commands.runs import run_create, run_log, run_respond, run_update

__all__ = [
    "action_create",
    "action_delete",
    "action_permit",
    "action_replace",
    "actions_write",
    "automation_pause",
    "automation_run",
    "automation_take",
    "automations_meant",
    "automations_run",
    "blueprint_delete_with_actions",
    "run_asks",
    "run_asks_later",
    "run_begun",
    "run_called",
    "run_create",
    "run_decide",
    "run_doubts",
    "run_log",
    "run_respond",
    "run_seen",
    "run_uncalled",
    "run_unwatched",
    "run_update",
    "runs_acknowledge",
    "runs_claim",
]
