from deployments.environments.views.details import (
    detail,
    extension,
    keep,
    pin,
    recreation,
    retry,
    sleep,
    teardown,
    unpin,
    wake,
)
from deployments.environments.views.lists import environment_list, new, new_of, panel
from deployments.environments.views.sweeps import sweep_list, sweep_release
from deployments.environments.views.templates import template_deletion, template_edit, template_list, template_new

__all__ = [
    "detail",
    "environment_list",
    "extension",
    "keep",
    "new",
    "new_of",
    "panel",
    "pin",
    "recreation",
    "retry",
    "sleep",
    "sweep_list",
    "sweep_release",
    "teardown",
    "template_deletion",
    "template_edit",
    "template_list",
    "template_new",
    "unpin",
    "wake",
]
