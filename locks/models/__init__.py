from locks.models.claim import Claim, Ticket, of_pair
from locks.models.decision import KeptDecision
from locks.models.freeze import Freeze, Window
from locks.models.limits import TierLimits
from locks.models.lock import Lock
from locks.models.override import BreakGlassCode, BreakGlassUse, Override, OverrideUse
from locks.models.pending import PendingDeployment
from locks.models.rule import Evidence, HeardProbe, LockRule, RuleHold
from locks.models.scoped import Effect, Pass, ScopeKind, cover

__all__ = [
    "BreakGlassCode",
    "BreakGlassUse",
    "Claim",
    "Effect",
    "Evidence",
    "Freeze",
    "HeardProbe",
    "KeptDecision",
    "Lock",
    "LockRule",
    "Override",
    "OverrideUse",
    "Pass",
    "PendingDeployment",
    "RuleHold",
    "ScopeKind",
    "Ticket",
    "TierLimits",
    "Window",
    "cover",
    "of_pair",
]
