"""What health says of a place, read from its events. Pure: nothing here knows probes or watches."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.dateparse import parse_datetime

from portal.audit.models import Event

Json = dict[str, Any]

FLIPPED, CHANGED, GONE, CLOSED = "probe.flipped", "probe.updated", "probe.deleted", "watch.closed"
HEARD = (FLIPPED, CHANGED, GONE, CLOSED)
HEALTHY = "healthy"
# Somebody took these out of sight: they say nothing, neither good nor bad.
SILENT = ("paused", "maintenance")


@dataclass(frozen=True)
class Sign:
    """A probe's new state, or a watch's verdict, at one place.

    `key` names what happened, however often it is told; `order` sorts what was said of one probe. `since` is when the
    probe came into its state, or when the watch was opened.
    """

    key: str
    is_verdict: bool
    service: int
    environment: int
    state: str
    at: datetime
    since: datetime
    order: int
    probe: str = ""
    probe_name: str = ""
    reason: str = ""
    values: Json = field(default_factory=dict)
    version: str = ""
    commit: str = ""
    deployment: str = ""
    muted: bool = False

    @property
    def told(self) -> str:
        """What happened, in a sentence."""
        if self.is_verdict:
            return self.reason
        return f"{self.probe_name} is {self.state}" + (f": {self.reason}" if self.reason else "")


def stream_of(service: object, environment: object) -> str:
    """What is said of one place is heard in its order."""
    return f"health of {service}:{environment}"


def stream(event: Event) -> str:
    payload = event.payload or {}
    return stream_of(payload.get("service_id"), payload.get("environment_id"))


def sign_of(event: Event) -> Sign | None:
    """None when it is about no place, or says nothing that can be read."""
    payload, after = event.payload or {}, event.after or {}
    service, environment = payload.get("service_id"), payload.get("environment_id")
    if not (isinstance(service, int) and isinstance(environment, int)):
        return None
    place: Json = {"service": service, "environment": environment, "at": event.at, "order": event.pk}
    if event.name == CLOSED:
        return Sign(
            key=f"watch:{event.noun_id}"[:120],
            is_verdict=True,
            state=_text(payload.get("verdict")),
            since=_instant(payload.get("opened_at"), event.at),
            reason=_text(payload.get("reason")),
            values=_object(payload.get("values")),
            version=_text(payload.get("version")),
            commit=_text(payload.get("commit")),
            deployment=_text(payload.get("deployment")),
            **place,
        )
    return Sign(
        key=f"flip:{payload.get('flip') or event.public_id}"[:120],
        is_verdict=False,
        state="gone" if event.name == GONE else _text(after.get("state")),
        since=_instant(after.get("since"), event.at),
        probe=event.noun_id[:64],
        probe_name=_text(after.get("name")) or event.title,
        reason=_text(after.get("reason")),
        values=_object(after.get("values")),
        version=_text(payload.get("run_version")),
        muted=payload.get("muted") is True,
        **place,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _object(value: Any) -> Json:
    return value if isinstance(value, dict) else {}


def _instant(value: Any, last: datetime) -> datetime:
    """Never later than when it was told."""
    try:
        moment = parse_datetime(value) if isinstance(value, str) else None
    except ValueError:
        moment = None
    return min(moment, last) if moment and moment.tzinfo else last
