from deployments.health.views.changes import address, deletion, edit, maintenance_begin, maintenance_end, new, pause
from deployments.health.views.pages import probe, probes
from deployments.health.views.panels import panel_of_config, panel_of_environment, panel_of_service

__all__ = [
    "address",
    "deletion",
    "edit",
    "maintenance_begin",
    "maintenance_end",
    "new",
    "panel_of_config",
    "panel_of_environment",
    "panel_of_service",
    "pause",
    "probe",
    "probes",
]
