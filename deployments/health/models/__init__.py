from deployments.health.models.probe import Kind, Probe
from deployments.health.models.reading import Flip, Reading, Summary
from deployments.health.models.standing import Maintenance, Prober, Standing

__all__ = ["Flip", "Kind", "Maintenance", "Probe", "Prober", "Reading", "Standing", "Summary"]
