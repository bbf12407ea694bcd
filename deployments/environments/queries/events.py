from deployments.environments.models import Environment
from portal.audit.models import Event

MOST = 200


def events_of(environment: Environment) -> list[Event]:
    """What has happened to it, the newest first."""
    rows = Event.objects.filter(noun="environment", noun_id=str(environment.public_id)).order_by("-id")
    return list(rows[:MOST])
