from catalog.webhooks.views.definitions import delete, edit, listed, new, rekey
from catalog.webhooks.views.log import detail, received, received_replay, replay
from catalog.webhooks.views.trials import trial

__all__ = ["delete", "detail", "edit", "listed", "new", "received", "received_replay", "rekey", "replay", "trial"]
