from datetime import datetime

from django.db.models.functions import Coalesce, Greatest, Least, Now

from deployments.health.models import Probe


def probes_hurry(service: int, environment: int, *, until: datetime) -> int:
    """Has the place's probes asked more often until then, and at once; how many. By the keys of its two entities."""
    probes = Probe.objects.filter(service=service, environment=environment, paused=False)
    hurried = int(probes.update(hurry_until=Greatest(Coalesce("hurry_until", until), until)))
    probes.filter(due_at__isnull=False).update(due_at=Least("due_at", Now()))
    return hurried
