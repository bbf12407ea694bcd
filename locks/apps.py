from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.apps import AppConfig

if TYPE_CHECKING:
    from catalog.models import Entity


class LocksConfig(AppConfig):
    name = "locks"

    def ready(self) -> None:
        from catalog import kinds
        from locks import live

        kinds.register_live(live.LOCKED)
        kinds.register_guard(no_active_lock)
        kinds.register_panel(kinds.Panel("service", "locks", "Locks", "locks:panel", order=1))


def no_active_lock(entities: "Sequence[Entity]") -> None:
    """An entity that an active lock names may not be deleted: the lock would be gone with it."""
    from locks import queries
    from portal.kit.clock import database_now
    from portal.kit.errors import Conflict

    held = queries.covering_any([each.pk for each in entities], database_now()).first()
    if held:
        raise Conflict(f"The {held} is active; release it first.", code="locked_entity", lock=str(held.public_id))
