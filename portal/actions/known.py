"""What automations there are to follow, as each process knows them: asked for every event that is recorded."""

from portal.actions import queries
from portal.actions.events import Kind, kind_of
from portal.actions.models import Action
from portal.kit.remembered import Remembered


def _read() -> frozenset[Kind]:
    rows = queries.about(Action.objects.all(), type="automation", published=True).filter(paused="")
    return frozenset(kind_of(each) for each in rows.order_by().values_list("definition__trigger__event", flat=True))


followed: Remembered[frozenset[Kind]] = Remembered(_read, frozenset())
