from catalog.webhooks.commands.definitions import webhook_create, webhook_delete, webhook_rekey, webhook_update
from catalog.webhooks.commands.log import failed_replay, received_forget, received_replay
from catalog.webhooks.commands.payloads import payload_refuse, payload_take, received_give_up, received_map
from catalog.webhooks.commands.trials import Trial, payload_try

__all__ = [
    "Trial",
    "failed_replay",
    "payload_refuse",
    "payload_take",
    "payload_try",
    "received_forget",
    "received_give_up",
    "received_map",
    "received_replay",
    "webhook_create",
    "webhook_delete",
    "webhook_rekey",
    "webhook_update",
]
