"""What a pass of the clock would do at an instant, without doing it."""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from deployments.environments.commands.brake import too_many
from deployments.environments.holds import Hold, hold
from deployments.environments.models import Environment


@dataclass(frozen=True)
class Going:
    """One whose time is over at that instant, and what holds it all the same."""

    environment: Environment
    hold: Hold | None


def preview(at: datetime) -> tuple[Sequence[Going], str]:
    """All whose time is over at `at`, the earliest end first, and why the brake would stop those that nothing holds."""
    timed = Environment.objects.timed().select_related("template", "owner").order_by("expires_at", "pk")
    over = [each for each in timed if each.deadline <= at or each.cause == Environment.Cause.PR_CLOSED]
    going = [Going(each, hold(_as_over(each), at)) for each in over]
    free = sum(each.hold is None for each in going)
    return going, too_many(free, 0, Environment.objects.living().count())


def _as_over(environment: Environment) -> Environment:
    """As it would be then: quiet hours hold only what has run out."""
    then = copy(environment)
    then.cause = environment.cause or Environment.Cause.EXPIRED
    return then
