"""Rings the workers' bell. Losing a ring costs seconds, never a delivery: the clock sweeps too."""

import logging
import time

from celery import current_app
from celery.exceptions import CeleryError
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

QUIET_AFTER_FAILURE = 10.0  # seconds; a dead broker must not slow every request by its time-out
_quiet_until = 0.0


def wake(task: str = "audit.deliver") -> None:
    global _quiet_until
    if time.monotonic() < _quiet_until:
        return
    try:
        current_app.send_task(task, expires=30, retry=False)
    except (CeleryError, KombuError, RedisError, OSError) as error:
        _quiet_until = time.monotonic() + QUIET_AFTER_FAILURE
        logger.warning("The broker did not take a wake-up (%s); the sweep will do it.", error)
