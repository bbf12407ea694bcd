from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from deployments.health.states import Outcome

Json = dict[str, Any]

LONGEST_REASON = 500
LONGEST_VERSION = 300


@dataclass(frozen=True)
class Result:
    """What came of asking a probe's question once, or what somebody else told of it.

    `answered`: whether there was an answer at all, if a wrong one. `key`: the sender's own name for it, by which it is
    known when it comes again. `lease`: under which our prober asked.
    """

    probe_id: int
    at: datetime
    outcome: str
    answered: bool = True
    ms: int | None = None
    status: int | None = None
    reason: str = ""
    values: Json = field(default_factory=dict)
    run_version: str = ""
    key: str = ""
    lease: UUID | None = None

    @property
    def is_bad(self) -> bool:
        return self.outcome == Outcome.FAILED
