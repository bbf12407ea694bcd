"""What keeps an environment whose time is over: a lock, a pin, the owner's quiet hours. Nothing does past its hard cap."""

from dataclasses import dataclass
from datetime import datetime

from deployments.environments import terms
from deployments.environments.models import Environment
from locks.models import Effect, Lock


@dataclass(frozen=True)
class Hold:
    """`until` is None where nobody knows."""

    why: str
    until: datetime | None


def hold(environment: Environment, now: datetime) -> Hold | None:
    if now >= environment.hard_until:
        return None
    lock = lock_on(environment, now)
    if lock:
        return Hold(f"{lock.holder_name} holds a lock: {lock.reason}", lock.expires_at)
    if environment.pinned_until and environment.pinned_until > now:
        return Hold(f"It is pinned: {environment.pin_reason}", environment.pinned_until)
    hours, zone = environment.template.quiet_hours, zone_of(environment)
    if environment.cause == Environment.Cause.EXPIRED and terms.is_quiet(hours, zone, now):
        return Hold("These are its owner's quiet hours.", terms.quiet_until(hours, zone, now))
    return None


def lock_on(environment: Environment, now: datetime) -> Lock | None:
    """One that somebody holds on it, or on a service in it; a warning is none, and wider locks do not mean it."""
    if environment.entity_id is None:
        return None
    found = Lock.objects.active(now).filter(environment=environment.entity_id).exclude(effect=Effect.WARN)
    lock: Lock | None = found.order_by("id").first()
    return lock


def zone_of(environment: Environment) -> str:
    return environment.owner.timezone if environment.owner else "UTC"
