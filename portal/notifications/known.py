"""Which routes there are, as each process knows them: asked for every event that is recorded."""

from dataclasses import dataclass

from portal.kit.remembered import Remembered
from portal.notifications.models import Route


@dataclass(frozen=True)
class Known:
    """As much of a route as is needed to say that an event is none of its business."""

    events: tuple[str, ...]
    only_bad: bool
    to: str


def _read() -> tuple[Known, ...]:
    rows = Route.objects.filter(enabled=True).order_by().values_list("events", "only_bad", "to")
    return tuple(Known(tuple(events), only_bad, to) for events, only_bad, to in rows)


known: Remembered[tuple[Known, ...]] = Remembered(_read, ())
forget, clear = known.forget, known.clear
