from deployments.environments.queries.environments import (
    beat,
    environment,
    environment_of,
    environments,
    living_named,
    of_pull_request,
    steps,
    teardown_preview,
)
from deployments.environments.queries.sightings import odd
from deployments.environments.queries.sweeps import braked, sweep, sweeps
from deployments.environments.queries.templates import template, templates

__all__ = [
    "beat",
    "braked",
    "environment",
    "environment_of",
    "environments",
    "living_named",
    "odd",
    "of_pull_request",
    "steps",
    "sweep",
    "sweeps",
    "teardown_preview",
    "template",
    "templates",
]
