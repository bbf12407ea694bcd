"""What others tell of their own probing, in their own words."""

from deployments.health.payloads.told import MOST, Told, told

__all__ = ["MOST", "Told", "told"]
