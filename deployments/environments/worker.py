"""Does what is due, outside of any transaction. Any number of workers may run this at once."""

import logging

from deployments.environments import providers
from deployments.environments.commands import step_finish, work_claim
from deployments.environments.commands.work import Work
from deployments.environments.providers import Answer
from portal.kit.errors import Conflict

logger = logging.getLogger(__name__)


def work_due(limit: int = 100) -> int:
    """Until nothing is due or `limit` is reached; how many steps were asked for."""
    done = 0
    while done < limit and (work := work_claim()):
        try:
            step_finish(work, ask(work))
        except Conflict as late:
            logger.warning("Step %s: %s", work.call.key, late.message)
        done += 1
    return done


def ask(work: Work) -> Answer:
    """A provider that breaks has failed: it is asked again, under the same key."""
    call = work.call
    if not call.step:
        return Answer("failed", error=f"The template knows no step “{call.name}” any more.")
    try:
        provider = providers.named(call.template.provider)
        return provider.run(call) if work.ticket is None else provider.poll(call, work.ticket)
    except Exception as error:
        logger.exception("Step %s failed", call.key)
        return Answer("failed", error=f"{type(error).__name__}: {error}"[:2000])
