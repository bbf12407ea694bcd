from locks.views.codes import code_list, code_new, code_revocation
from locks.views.explained import explained
from locks.views.feeds import feed, feed_address, feed_revocation
from locks.views.freezes import (
    freeze_detail,
    freeze_edit,
    freeze_list,
    freeze_new,
    freeze_preview,
    freeze_withdrawal,
)
from locks.views.lines import claim_revocation, ticket_withdrawal, waiting
from locks.views.locks import (
    config_panel,
    environment_panel,
    extension,
    lock_detail,
    lock_list,
    panel,
    preview,
    release,
)
from locks.views.overrides import override_approval, override_list, override_new, override_withdrawal
from locks.views.rules import rule_deletion, rule_detail, rule_edit, rule_list, rule_new, rule_preview

__all__ = [
    "claim_revocation",
    "code_list",
    "code_new",
    "code_revocation",
    "config_panel",
    "environment_panel",
    "explained",
    "extension",
    "feed",
    "feed_address",
    "feed_revocation",
    "freeze_detail",
    "freeze_edit",
    "freeze_list",
    "freeze_new",
    "freeze_preview",
    "freeze_withdrawal",
    "lock_detail",
    "lock_list",
    "override_approval",
    "override_list",
    "override_new",
    "override_withdrawal",
    "panel",
    "preview",
    "release",
    "rule_deletion",
    "rule_detail",
    "rule_edit",
    "rule_list",
    "rule_new",
    "rule_preview",
    "ticket_withdrawal",
    "waiting",
]
