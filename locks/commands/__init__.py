from locks.commands.claims import (
    Begun,
    claim_begin,
    claim_finish,
    claim_heartbeat,
    claim_lapse,
    claim_revoke,
    claims_lapse,
)
from locks.commands.freezes import freeze_change, freeze_create, freeze_withdraw, freezes_lay, freezes_tell
from locks.commands.gate import gate_ask
from locks.commands.limits import limits_set
from locks.commands.locks import (
    DEFAULT,
    Until,
    already_locked,
    lock_expiries_tell,
    lock_expiry_tell,
    lock_extend,
    lock_release,
    lock_take,
)
from locks.commands.overrides import (
    code_revoke,
    code_use,
    codes_issue,
    override_approve,
    override_ask,
    override_withdraw,
)
from locks.commands.pending import (
    pending_deployment_advance,
    pending_deployment_take,
    pending_deployments_advance,
)
from locks.commands.reminders import lock_remind, locks_remind
from locks.commands.rules import lock_rule_create, lock_rule_delete, lock_rule_update, rules_rename
from locks.commands.signs import SUBSCRIBER, holds_release, probe_forget, probe_pause, sign_take
from locks.commands.tickets import lines_advance, pair_advance, ticket_join, ticket_withdraw

__all__ = [
    "DEFAULT",
    "SUBSCRIBER",
    "Begun",
    "Until",
    "already_locked",
    "claim_begin",
    "claim_finish",
    "claim_heartbeat",
    "claim_lapse",
    "claim_revoke",
    "claims_lapse",
    "code_revoke",
    "code_use",
    "codes_issue",
    "freeze_change",
    "freeze_create",
    "freeze_withdraw",
    "freezes_lay",
    "freezes_tell",
    "gate_ask",
    "holds_release",
    "limits_set",
    "lines_advance",
    "lock_expiries_tell",
    "lock_expiry_tell",
    "lock_extend",
    "lock_release",
    "lock_rule_create",
    "lock_rule_delete",
    "lock_rule_update",
    "lock_remind",
    "lock_take",
    "locks_remind",
    "override_approve",
    "override_ask",
    "override_withdraw",
    "pair_advance",
    "pending_deployment_advance",
    "pending_deployment_take",
    "pending_deployments_advance",
    "probe_forget",
    "probe_pause",
    "rules_rename",
    "sign_take",
    "ticket_join",
    "ticket_withdraw",
]
