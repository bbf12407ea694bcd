from locks.models.decision import KeptDecision
from locks.models.freeze import Freeze, Window
from locks.models.lock import Lock
from locks.models.scoped import Effect, Pass, ScopeKind, cover

__all__ = ["Effect", "Freeze", "KeptDecision", "Lock", "Pass", "ScopeKind", "Window", "cover"]
