from locks.views.explained import explained
from locks.views.lines import claim_revocation, ticket_withdrawal, waiting
from locks.views.locks import environment_panel, extension, lock_detail, lock_list, panel, preview, release
from locks.views.overrides import override_approval, override_list, override_new, override_withdrawal

__all__ = [
    "claim_revocation",
    "environment_panel",
    "explained",
    "extension",
    "lock_detail",
    "lock_list",
    "override_approval",
    "override_list",
    "override_new",
    "override_withdrawal",
    "panel",
    "preview",
    "release",
    "ticket_withdrawal",
    "waiting",
]
