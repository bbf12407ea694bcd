"""What happens to an environment, as its events tell it."""

from typing import Any

from deployments.environments.models import Environment
from portal.audit.record import record
from portal.kit.by import By

Json = dict[str, Any]


def tell(name: str, environment: Environment, *, by: By, before: Json | None = None, **more: Any) -> None:
    """The event, with its facts as they are now, what every subscriber needs beside them, and what this one tells more."""
    payload = environment.told() | more
    record(name, environment.noun(), by=by, before=before, after=environment.facts(), payload=payload)
