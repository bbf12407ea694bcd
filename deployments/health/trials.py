"""A probe called once, as it stands in a form: nothing is kept."""

from typing import Any

from deployments.health.calls import ask
from deployments.health.commands.probes import probe_draft
from deployments.health.models import Probe
from deployments.health.results import Result
from portal.kit.by import By
from portal.kit.clock import database_now
from portal.kit.errors import Conflict

LONGEST = 10.0  # seconds, whatever its time-out: somebody waits for it


def trial(wished: dict[str, Any], *, of: Probe | None = None, by: By) -> Result:
    """`of`: the probe that is being changed. Raises what making or changing it would, before anything is called."""
    probe = probe_draft(wished, of=of, by=by)
    if not probe.is_polled:
        raise Conflict("The portal does not call this kind of probe: it waits to be told.", code="conflict")
    probe.timeout = min(probe.timeout, LONGEST)
    return ask(probe, database_now())
