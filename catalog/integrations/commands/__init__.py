from catalog.integrations.commands.carrying import removal_go_on
from catalog.integrations.commands.removals import (
    all_withdraw,
    entities_withdraw,
    entity_withdraw,
    removal_approve,
    removal_refuse,
    removal_undo,
)
from catalog.integrations.commands.reports import (
    cursor_keep,
    examples_take,
    hear,
    heartbeat_take,
    log_take,
    metrics_take,
    outcomes_note,
    poll,
    reports_forget,
    resync_tell,
    word_take,
)
from catalog.integrations.commands.settings import (
    integration_create,
    integration_delete,
    integration_update,
    resync_ask,
)

__all__ = [
    "all_withdraw",
    "cursor_keep",
    "entities_withdraw",
    "entity_withdraw",
    "examples_take",
    "hear",
    "heartbeat_take",
    "integration_create",
    "integration_delete",
    "integration_update",
    "log_take",
    "metrics_take",
    "outcomes_note",
    "poll",
    "removal_approve",
    "removal_go_on",
    "removal_refuse",
    "removal_undo",
    "reports_forget",
    "resync_ask",
    "resync_tell",
    "word_take",
]
