from locks.commands.freezes import freeze_change, freeze_create, freeze_withdraw, freezes_lay, freezes_tell
from locks.commands.gate import gate_ask
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

__all__ = [
    "Until",
    "DEFAULT",
    "already_locked",
    "freeze_change",
    "freeze_create",
    "freeze_withdraw",
    "freezes_lay",
    "freezes_tell",
    "gate_ask",
    "lock_expiries_tell",
    "lock_expiry_tell",
    "lock_extend",
    "lock_release",
    "lock_take",
]
